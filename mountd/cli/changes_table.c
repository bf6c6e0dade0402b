/* SPDX-License-Identifier: MIT */
#include "cli/changes_table.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "cli/fields.h"
#include "cli/table.h"

static const char *change_name(const char *letter)
{
	switch (letter[0]) {
	case 'A':
		return "A added";
	case 'M':
		return "M modified";
	case 'D':
		return "D deleted";
	case 'T':
		return "T type changed";
	case 'm':
		return "m metadata";
	default:
		return letter;
	}
}

void changes_table_print(const struct call *call, const json_t *changes)
{
	static const struct table_column columns[] = {
		{"CHANGE", false}, {"TYPE", false}, {"PATH", false}};
	_cleanup_table_ struct table *table = table_new(columns, ARRAY_SIZE(columns));
	const json_t *change;
	size_t i;

	json_array_foreach(changes, i, change)
	{
		table_add(table, change_name(field_text(change, "change")));
		table_add(table, field_text(change, "type"));
		table_add(table, field_text(change, "path"));
	}
	table_print(table, stdout, call->colour, 0);
}
