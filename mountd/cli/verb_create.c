/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli/ctl_client.h"
#include "cli/fields.h"
#include "cli/hint.h"
#include "cli/operands.h"
#include "cli/text.h"

static int create_act(struct call *call, struct answer *answer, struct err *err)
{
	const char *session = args_operand(call->args, 0);
	json_t *request;

	if (session && operand_check_session(session, "ID", err) < 0)
		return -1;
	request = ctl_request("session.create");
	if (session)
		json_object_set_new(request, "session", json_string(session));
	return ctl_call_consume(call, request, answer, err);
}

static void create_show(const struct call *call, const struct answer *answer)
{
	const char *session = field_text(answer->data, "session");
	_cleanup_buf_ struct buf use = {0}, hint = {0};

	buf_add_format(&use, "Use it: sessionfs run --session %s -- COMMAND", session);
	hint_add(&hint, call->mountpoint_hint, use.data ? use.data : "");
	printf("Session %s %s: ", session,
	       field_flag(answer->data, "created") ? "made" : "was there already");
	text_put(stdout, field_text(answer->data, "view"));
	printf("\n%s\n", hint.data ? hint.data : "");
}

static const struct verb_example examples[] = {
	{"A session with a name of your choice", "sessionfs create build-1"},
	{"One with a new name", "sessionfs create --json | jq -r .data.session"},
	{0},
};

const struct verb verb_create = {
	.name = "create",
	.summary = "Make a session; one that is there already is a success too",
	.usage = "[ID]",
	.examples = examples,
	.max_operands = 1,
	.danger = VERB_MUTATING,
	.exits = EXITS(PRECONDITION) | EXITS(PERMISSION) | EXITS(UNAVAILABLE),
	.act = create_act,
	.show = create_show,
};
