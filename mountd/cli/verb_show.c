/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/ctl_client.h"
#include "cli/fields.h"
#include "cli/operands.h"
#include "cli/table.h"
#include "cli/text.h"

static int show_act(struct call *call, struct answer *answer, struct err *err)
{
	const char *session = args_operand(call->args, 0);
	json_t *request;

	if (operand_check_session(session, "SESSION", err) < 0)
		return -1;
	request = ctl_request("session.show");
	json_object_set_new(request, "session", json_string(session));
	return ctl_call_consume(call, request, answer, err);
}

static void add_fact(struct table *table, const char *name, const char *value)
{
	table_add(table, name);
	table_add(table, value);
}

static void show_views(const struct call *call, const json_t *views)
{
	static const struct table_column columns[] = {{"SHARE", false}, {"VIEW", false}};
	_cleanup_table_ struct table *table = table_new(columns, ARRAY_SIZE(columns));
	const char *share;
	json_t *view;

	json_object_foreach((json_t *)(uintptr_t)views, share, view)
	{
		add_fact(table, share, json_string_value(view));
	}
	if (table_rows(table) == 0)
		return;
	putchar('\n');
	table_print(table, stdout, call->colour, table_terminal_width());
}

static void show_runs(const struct call *call, const json_t *runs)
{
	static const struct table_column columns[] = {
		{"RUN", false}, {"PID", true}, {"STARTED", false}, {"COMMAND", false}};
	_cleanup_table_ struct table *table = table_new(columns, ARRAY_SIZE(columns));
	uint64_t now_ns = clock_real_ns();
	json_t *run;
	size_t i;

	json_array_foreach(runs, i, run)
	{
		_cleanup_buf_ struct buf command = {0};
		char age[64];

		field_words(json_object_get(run, "command"), &command);
		text_age(field_text(run, "started_at"), now_ns, age, sizeof(age));
		table_add(table, field_text(run, "run"));
		table_add_integer(table, field_integer(run, "pid"));
		table_add(table, age);
		table_add(table, command.data);
	}
	if (table_rows(table) == 0)
		return;
	putchar('\n');
	table_print(table, stdout, call->colour, table_terminal_width());
}

/* What the session holds of what it may; nothing where nothing is limited. */
static void show_usage(struct table *facts, const json_t *usage)
{
	char bytes[TEXT_NUMBER_SIZE], limit[TEXT_NUMBER_SIZE], text[80];

	if (!usage)
		return;
	text_bytes((uint64_t)field_integer(usage, "bytes"), bytes, sizeof(bytes));
	text_bytes((uint64_t)field_integer(usage, "max_bytes"), limit, sizeof(limit));
	snprintf(text, sizeof(text), field_integer(usage, "max_bytes") ? "%s of %s" : "%s", bytes,
		 limit);
	add_fact(facts, "bytes", text);
	snprintf(text, sizeof(text), field_integer(usage, "max_files") ? "%lld of %lld" : "%lld",
		 (long long)field_integer(usage, "files"),
		 (long long)field_integer(usage, "max_files"));
	add_fact(facts, "files", text);
}

static void show_show(const struct call *call, const struct answer *answer)
{
	static const struct table_column columns[] = {{NULL, false}, {NULL, false}};
	_cleanup_table_ struct table *facts = table_new(columns, ARRAY_SIZE(columns));
	const json_t *data = answer->data;
	uint64_t now_ns = clock_real_ns();
	char text[64];

	add_fact(facts, "session", field_text(data, "session"));
	table_add(facts, "uid");
	table_add_integer(facts, field_integer(data, "uid"));
	text_age(field_text(data, "created_at"), now_ns, text, sizeof(text));
	add_fact(facts, "created", text);
	text_age(field_text(data, "used_at"), now_ns, text, sizeof(text));
	add_fact(facts, "used", text);
	table_add(facts, "changes");
	table_add_integer(facts, field_integer(data, "changes"));
	show_usage(facts, json_object_get(data, "usage"));
	if (field_flag(data, "ephemeral"))
		add_fact(facts, "kept", "until its runs have ended, if nothing was written");
	table_print(facts, stdout, call->colour, table_terminal_width());
	show_views(call, json_object_get(data, "views"));
	show_runs(call, json_object_get(data, "runs"));
}

static const struct verb_example examples[] = {
	{"Where a session's /tmp can be read from outside",
	 "sessionfs show build-1 --json | jq -r '.data.views[\"/tmp\"]'"},
	{0},
};

const struct verb verb_show = {
	.name = "show",
	.summary = "Show one session: its views, runs and number of changes",
	.usage = "SESSION",
	.examples = examples,
	.min_operands = 1,
	.max_operands = 1,
	.exits = EXITS(NOT_FOUND) | EXITS(PERMISSION) | EXITS(UNAVAILABLE),
	.act = show_act,
	.show = show_show,
};
