/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/ctl_client.h"
#include "cli/fields.h"
#include "cli/operands.h"
#include "cli/table.h"
#include "cli/text.h"

static int locks_act(struct call *call, struct answer *answer, struct err *err)
{
	const char *operand = args_operand(call->args, 0);
	_cleanup_free_ char *path = operand ? operand_path(operand, err) : NULL;
	json_t *request;

	if (operand && !path)
		return -1;
	request = ctl_request("locks");
	if (path)
		json_set_text(request, "path", path);
	return ctl_call_consume(call, request, answer, err);
}

static void add_lock(struct table *table, const json_t *item)
{
	const json_t *lock = json_object_get(item, "lock");
	const json_t *holder = json_object_get(item, "holder");
	_cleanup_buf_ struct buf command = {0};
	char held[TEXT_NUMBER_SIZE];

	clock_format_duration((uint64_t)field_integer(lock, "held_ms") * NSEC_PER_MSEC, held,
			      sizeof(held));
	field_words(json_object_get(holder, "command"), &command);
	table_add(table, field_text(lock, "path"));
	table_add(table, field_text(lock, "state"));
	table_add(table, field_text(lock, "idiom"));
	table_add(table, held);
	table_add_integer(table, field_integer(lock, "waiters"));
	table_add(table,
		  field_flag(lock, "external") ? "(outside)" : field_text(holder, "session"));
	table_add_integer(table, field_integer(holder, "pid"));
	table_add(table, command.data);
}

static void locks_show(const struct call *call, const struct answer *answer)
{
	static const struct table_column columns[] = {
		{"LOCK", false},   {"STATE", false},   {"IDIOM", false}, {"HELD", true},
		{"WAITERS", true}, {"SESSION", false}, {"PID", true},    {"COMMAND", false},
	};
	_cleanup_table_ struct table *table = table_new(columns, ARRAY_SIZE(columns));
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(answer->data, "locks"), i, item)
	{
		add_lock(table, item);
	}
	if (table_rows(table) == 0)
		puts("No locks are held.");
	else
		table_print(table, stdout, call->colour, table_terminal_width());
}

static const struct verb_example examples[] = {
	{"Every held lock", "sessionfs locks"},
	{"Who holds this one", "sessionfs locks /tmp/tool.lock"},
	{0},
};

const struct verb verb_locks = {
	.name = "locks",
	.summary = "List held locks, all or those at and below a path",
	.usage = "[PATH]",
	.examples = examples,
	.max_operands = 1,
	.exits = EXITS(PERMISSION) | EXITS(UNAVAILABLE),
	.act = locks_act,
	.show = locks_show,
};
