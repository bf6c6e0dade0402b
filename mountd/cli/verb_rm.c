/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>

#include "cli/ctl_client.h"
#include "cli/operands.h"
#include "cli/text.h"

static int rm_act(struct call *call, struct answer *answer, struct err *err)
{
	_cleanup_json_ json_t *sessions = json_array();
	json_t *request;

	for (size_t i = 0; i < args_operand_count(call->args); i++) {
		const char *session = args_operand(call->args, i);

		if (operand_check_session(session, "SESSION", err) < 0)
			return -1;
		json_array_append_new(sessions, json_string(session));
	}
	request = ctl_request("session.remove");
	json_object_set(request, "sessions", sessions);
	return ctl_call_consume(call, request, answer, err);
}

static void rm_show(const struct call *call, const struct answer *answer)
{
	json_t *session;
	size_t i;

	(void)call;
	json_array_foreach(json_object_get(answer->data, "removed"), i, session)
	{
		const char *id = json_string_value(session);

		fputs("Removed ", stdout);
		text_put(stdout, id ? id : "");
		putchar('\n');
	}
}

static const struct verb_example examples[] = {
	{"Drop two sessions with all that they hold", "sessionfs rm build-1 build-2"},
	{0},
};

const struct verb verb_rm = {
	.name = "rm",
	.summary = "Remove sessions with everything written in them",
	.usage = "SESSION...",
	.description = "Refused where a run lives in one of them; then none is removed.",
	.examples = examples,
	.min_operands = 1,
	.max_operands = UINT_MAX,
	.danger = VERB_DESTRUCTIVE,
	.exits = EXITS(PARTIAL) | EXITS(PRECONDITION) | EXITS(NOT_FOUND) | EXITS(PERMISSION) |
		 EXITS(UNAVAILABLE),
	.act = rm_act,
	.show = rm_show,
};
