/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/ctl_client.h"
#include "cli/fields.h"
#include "cli/operands.h"

static int fork_act(struct call *call, struct answer *answer, struct err *err)
{
	const char *session = args_operand(call->args, 0);
	const char *name = args_operand(call->args, 1);
	_cleanup_json_ json_t *request = NULL;

	if (operand_check_session(session, "SESSION", err) < 0 ||
	    (name && operand_check_session(name, "NEW", err) < 0))
		return -1;
	request = ctl_request("session.fork");
	json_object_set_new(request, "session", json_string(session));
	if (name)
		json_object_set_new(request, "name", json_string(name));
	return ctl_call_consume(call, TAKE_PTR(request), answer, err);
}

static void fork_show(const struct call *call, const struct answer *answer)
{
	(void)call;
	puts(field_text(answer->data, "session"));
}

static const struct verb_example examples[] = {
	{"Try something on what build-1 has", "sessionfs fork build-1 build-1.try"},
	{"The same, with an id that is printed", "sessionfs fork build-1"},
	{0},
};

const struct verb verb_fork = {
	.name = "fork",
	.summary = "Make a session that begins with what another one sees",
	.usage = "SESSION [NEW]",
	.description = "Its changes are copied; afterwards neither sees what the other writes.",
	.examples = examples,
	.min_operands = 1,
	.max_operands = 2,
	.danger = VERB_MUTATING,
	.exits = EXITS(NOT_FOUND) | EXITS(CONFLICT) | EXITS(PERMISSION) | EXITS(UNAVAILABLE),
	.act = fork_act,
	.show = fork_show,
};
