/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/ctl_client.h"
#include "cli/fields.h"
#include "cli/operands.h"
#include "cli/text.h"

static const struct option_spec options[] = {
	{"force", 0, OPTION_FLAG, NULL, "Take the lock away from a holder who lives; with --token",
	 NULL, NULL},
	{"token", 0, OPTION_INTEGER, "N",
	 "The fencing token that was seen: a lock that was taken anew since is left alone", NULL,
	 NULL},
	{0},
};

static int unlock_act(struct call *call, struct answer *answer, struct err *err)
{
	_cleanup_free_ char *path = operand_path(args_operand(call->args, 0), err);
	bool force = args_given(call->args, "force");
	json_t *request;

	if (!path)
		return -1;
	if (force != args_given(call->args, "token")) {
		err_set(err, ERR_VALIDATION_ERROR, "unlock: --force and --token go together");
		return err_suggest(
			err, "The token is in .lock.fencing_token of: sessionfs locks --json");
	}
	request = ctl_request("lock.unlock");
	json_set_text(request, "path", path);
	if (force) {
		json_object_set_new(request, "force", json_true());
		json_object_set_new(request, "token",
				    json_integer(args_integer(call->args, "token", 0)));
	}
	return ctl_call_consume(call, request, answer, err);
}

static void unlock_show(const struct call *call, const struct answer *answer)
{
	(void)call;
	text_put(stdout, field_text(answer->data, "path"));
	puts(field_flag(answer->data, "was_held") ? " is free" : " was free already");
}

static const struct verb_example examples[] = {
	{"Free a lock whose holder is gone", "sessionfs unlock /tmp/tool.lock"},
	{"Take it away from who has had it as number 42",
	 "sessionfs unlock /tmp/tool.lock --force --token 42"},
	{0},
};

const struct verb verb_unlock = {
	.name = "unlock",
	.summary = "Free a lock that its holder left behind",
	.usage = "PATH",
	.description =
		"The lock's file is deleted. Who had a live lock goes on as if he had it still, and "
		"his run ends with LOCK_LOST.",
	.options = options,
	.examples = examples,
	.min_operands = 1,
	.max_operands = 1,
	.danger = VERB_DESTRUCTIVE,
	.exits = EXITS(PRECONDITION) | EXITS(PERMISSION) | EXITS(UNAVAILABLE),
	.act = unlock_act,
	.show = unlock_show,
};
