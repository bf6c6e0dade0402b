/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/changes_table.h"
#include "cli/ctl_client.h"
#include "cli/operands.h"

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

static void diff_show(const struct call *call, const struct answer *answer)
{
	const json_t *changes = json_object_get(answer->data, "changes");

	if (json_array_size(changes) == 0)
		puts("No changes.");
	else
		changes_table_print(call, changes);
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
