/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/ctl_client.h"
#include "cli/fields.h"
#include "cli/hint.h"
#include "cli/table.h"
#include "cli/text.h"

static int ls_act(struct call *call, struct answer *answer, struct err *err)
{
	return ctl_call_consume(call, ctl_request("sessions"), answer, err);
}

static const char *session_kind(const json_t *session)
{
	if (field_flag(session, "posix_session"))
		return "posix";
	return field_flag(session, "ephemeral") ? "fresh" : "named";
}

static void add_usage(struct table *table, const json_t *usage)
{
	char bytes[TEXT_NUMBER_SIZE];

	text_bytes((uint64_t)field_integer(usage, "bytes"), bytes, sizeof(bytes));
	table_add(table, bytes);
	table_add_integer(table, field_integer(usage, "files"));
}

static void ls_show(const struct call *call, const struct answer *answer)
{
	static const struct table_column columns[] = {
		{"SESSION", false}, {"UID", true},   {"KIND", false}, {"RUNS", true},
		{"CREATED", false}, {"USED", false}, {"VIEW", false},
	};
	static const struct table_column limited[] = {
		{"SESSION", false}, {"UID", true},   {"KIND", false},
		{"RUNS", true},     {"BYTES", true}, {"FILES", true},
		{"CREATED", false}, {"USED", false}, {"VIEW", false},
	};
	json_t *sessions = json_object_get(answer->data, "sessions"), *session;
	/* All have it, or none: only what is limited is counted. */
	bool counted = json_object_get(json_array_get(sessions, 0), "usage");
	_cleanup_table_ struct table *table = counted ? table_new(limited, ARRAY_SIZE(limited))
						      : table_new(columns, ARRAY_SIZE(columns));
	uint64_t now_ns = clock_real_ns();
	_cleanup_buf_ struct buf hint = {0};
	char age[64];
	size_t i;

	json_array_foreach(sessions, i, session)
	{
		table_add(table, field_text(session, "session"));
		table_add_integer(table, field_integer(session, "uid"));
		table_add(table, session_kind(session));
		table_add_integer(table,
				  (int64_t)json_array_size(json_object_get(session, "runs")));
		if (counted)
			add_usage(table, json_object_get(session, "usage"));
		text_age(field_text(session, "created_at"), now_ns, age, sizeof(age));
		table_add(table, age);
		text_age(field_text(session, "used_at"), now_ns, age, sizeof(age));
		table_add(table, age);
		table_add(table, field_text(session, "view"));
	}
	hint_add(&hint, call->mountpoint_hint,
		 "No sessions. One is made by: sessionfs run -- COMMAND");
	if (table_rows(table) == 0)
		puts(hint.data ? hint.data : "");
	else
		table_print(table, stdout, call->colour, table_terminal_width());
}

static const struct verb_example examples[] = {
	{"The ids only", "sessionfs ls --json | jq -r '.data.sessions[].session'"},
	{0},
};

const struct verb verb_ls = {
	.name = "ls",
	.summary = "List the sessions: yours, or as root everybody's",
	.usage = "",
	.examples = examples,
	.exits = EXITS(PERMISSION) | EXITS(UNAVAILABLE),
	.act = ls_act,
	.show = ls_show,
};
