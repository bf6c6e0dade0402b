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

static void ls_show(const struct call *call, const struct answer *answer)
{
	static const struct table_column columns[] = {
		{"SESSION", false}, {"UID", true},   {"KIND", false}, {"RUNS", true},
		{"CREATED", false}, {"USED", false}, {"VIEW", false},
	};
	_cleanup_table_ struct table *table = table_new(columns, ARRAY_SIZE(columns));
	json_t *sessions = json_object_get(answer->data, "sessions"), *session;
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
