/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/ctl_client.h"
#include "cli/fields.h"
#include "cli/operands.h"
#include "cli/table.h"

static int diff_act(struct call *call, struct answer *answer, struct err *err)
{
	const char *session = args_operand(call->args, 0);
	_cleanup_json_ json_t *request = NULL;

	if (operand_check_session(session, "SESSION", err) < 0)
		return -1;
	request = ctl_request("session.diff");
	json_object_set_new(request, "session", json_string(session));
	if (operand_paths(call->args, 1, request, err) < 0)
		return -1;
	return ctl_call_consume(call, TAKE_PTR(request), answer, err);
}

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

static void diff_show(const struct call *call, const struct answer *answer)
{
	static const struct table_column columns[] = {
		{"CHANGE", false}, {"TYPE", false}, {"PATH", false}};
	_cleanup_table_ struct table *table = table_new(columns, ARRAY_SIZE(columns));
	json_t *change;
	size_t i;

	json_array_foreach(json_object_get(answer->data, "changes"), i, change)
	{
		table_add(table, change_name(field_text(change, "change")));
		table_add(table, field_text(change, "type"));
		table_add(table, field_text(change, "path"));
	}
	if (table_rows(table) == 0)
		puts("No changes.");
	else
		table_print(table, stdout, call->colour, 0);
}

static const struct verb_example examples[] = {
	{"What a session has written", "sessionfs diff build-1"},
	{"Below one directory", "sessionfs diff build-1 /tmp/out"},
	{0},
};

const struct verb verb_diff = {
	.name = "diff",
	.summary = "List what a session has changed against the shares",
	.usage = "SESSION [PATH...]",
	.examples = examples,
	.min_operands = 1,
	.max_operands = UINT_MAX,
	.exits = EXITS(NOT_FOUND) | EXITS(PERMISSION) | EXITS(UNAVAILABLE),
	.act = diff_act,
	.show = diff_show,
};
