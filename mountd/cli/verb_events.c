/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/ctl_client.h"
#include "cli/events_follow.h"
#include "cli/fields.h"
#include "cli/hint.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/text.h"

static const struct option_spec options[] = {
	{"follow", 0, OPTION_FLAG, NULL,
	 "After what is kept, go on with what happens; one JSON object a line in every form", NULL,
	 NULL},
	{0},
};

/* What an event says besides when, what and who. */
static void event_detail(const json_t *event, struct buf *buf)
{
	static const char *const shown_already[] = {"seq", "time", "type", "session"};
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)event, key, value)
	{
		bool skip = json_is_object(value) || json_is_null(value);

		for (size_t i = 0; i < ARRAY_SIZE(shown_already); i++)
			skip = skip || strcmp(key, shown_already[i]) == 0;
		if (skip)
			continue;
		buf_add_format(buf, "%s%s=", buf->len ? " " : "", key);
		if (json_is_string(value)) {
			buf_add_shell_quoted(buf, json_string_value(value));
		} else {
			_cleanup_free_ char *text =
				json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

			buf_add_str(buf, text ? text : "");
		}
	}
}

static void events_show(const struct call *call, const struct answer *answer)
{
	static const struct table_column columns[] = {
		{"WHEN", false}, {"EVENT", false}, {"SESSION", false}, {"DETAIL", false}};
	_cleanup_table_ struct table *table = table_new(columns, ARRAY_SIZE(columns));
	uint64_t now_ns = clock_real_ns();
	json_t *event;
	size_t i;

	json_array_foreach(json_object_get(answer->data, "events"), i, event)
	{
		_cleanup_buf_ struct buf detail = {0};
		char age[64];

		event_detail(event, &detail);
		text_age(field_text(event, "time"), now_ns, age, sizeof(age));
		table_add(table, age);
		table_add(table, field_text(event, "type"));
		table_add(table, field_text(event, "session"));
		table_add(table, detail.data);
	}
	if (table_rows(table) == 0)
		puts("Nothing has happened yet.");
	else
		table_print(table, stdout, call->colour, table_terminal_width());
}

static void print_answer(const struct call *call, struct answer *answer)
{
	_cleanup_json_ json_t *envelope = NULL;
	_cleanup_buf_ struct buf text = {0};

	if (!call->json) {
		if (answer->error)
			output_print_error(answer->error);
		else
			events_show(call, answer);
		output_print_warnings(answer->warnings);
		return;
	}
	envelope = output_envelope_consume(answer, call->started_ns);
	json_render_line(envelope, &text);
	if (!buf_failed(&text))
		fwrite(text.data, 1, text.len, stdout);
}

static int events_own(struct call *call)
{
	struct answer answer = {0};
	struct err err = {0};
	int r, status;

	if (args_given(call->args, "follow"))
		r = events_follow(call, &err);
	else
		r = ctl_call_consume(call, ctl_request("events"), &answer, &err);
	if (r < 0)
		answer.error = output_error(&err);
	hint_in_error(call->mountpoint_hint, answer.error);
	status = output_exit_code(answer.error);
	if (answer.error || !args_given(call->args, "follow"))
		print_answer(call, &answer);
	answer_release(&answer);
	return fflush(stdout) == 0 ? status : EXIT_CODE_OTHER;
}

static const struct verb_example examples[] = {
	{"Watch locks being taken, freed and denied", "sessionfs events --follow"},
	{0},
};

const struct verb verb_events = {
	.name = "events",
	.summary = "Show what has happened: sessions, runs, locks, conflicts",
	.usage = "",
	.options = options,
	.examples = examples,
	.exits = EXITS(PERMISSION) | EXITS(UNAVAILABLE),
	.own = events_own,
};
