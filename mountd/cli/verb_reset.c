/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/ctl_client.h"
#include "cli/fields.h"
#include "cli/operands.h"

static int reset_act(struct call *call, struct answer *answer, struct err *err)
{
	const char *session = args_operand(call->args, 0);
	_cleanup_json_ json_t *request = NULL;

	if (operand_check_session(session, "SESSION", err) < 0)
		return -1;
	request = ctl_request("session.reset");
	json_object_set_new(request, "session", json_string(session));
	if (operand_paths(call->args, 1, request, err) < 0)
		return -1;
	return ctl_call_consume(call, TAKE_PTR(request), answer, err);
}

static void reset_show(const struct call *call, const struct answer *answer)
{
	int64_t dropped = field_integer(answer->data, "dropped");

	(void)call;
	printf("Session %s: %lld change%s dropped\n", field_text(answer->data, "session"),
	       (long long)dropped, dropped == 1 ? "" : "s");
}

static const struct verb_example examples[] = {
	{"Drop all changes of a session", "sessionfs reset build-1"},
	{"Drop one file's", "sessionfs reset build-1 /tmp/result.json"},
	{0},
};

const struct verb verb_reset = {
	.name = "reset",
	.summary = "Drop a session's changes, all or those of the paths named",
	.usage = "SESSION [PATH...]",
	.description = "Refused while a run lives in the session.",
	.examples = examples,
	.min_operands = 1,
	.max_operands = UINT_MAX,
	.danger = VERB_DESTRUCTIVE,
	.exits = EXITS(PRECONDITION) | EXITS(NOT_FOUND) | EXITS(PERMISSION) | EXITS(UNAVAILABLE),
	.act = reset_act,
	.show = reset_show,
};
