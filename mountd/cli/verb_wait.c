/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/ctl_client.h"
#include "cli/fields.h"
#include "cli/operands.h"
#include "cli/text.h"

static const struct option_spec options[] = {
	{"timeout", 0, OPTION_DURATION, "DURATION",
	 "Wait no longer than this; the default is for ever", NULL, NULL},
	{0},
};

static int wait_act(struct call *call, struct answer *answer, struct err *err)
{
	_cleanup_free_ char *path = operand_path(args_operand(call->args, 0), err);
	uint64_t timeout_ns = args_duration_ns(call->args, "timeout", 0);
	json_t *request;

	if (!path)
		return -1;
	request = ctl_request("lock.wait");
	json_set_text(request, "path", path);
	if (args_given(call->args, "timeout"))
		json_object_set_new(request, "timeout_ms",
				    json_integer((json_int_t)(timeout_ns / NSEC_PER_MSEC)));
	return ctl_call_consume(call, request, answer, err);
}

static void wait_show(const struct call *call, const struct answer *answer)
{
	uint64_t waited_ms = (uint64_t)field_integer(answer->data, "waited_ms");
	char waited[TEXT_NUMBER_SIZE];

	(void)call;
	clock_format_duration(waited_ms * NSEC_PER_MSEC, waited, sizeof(waited));
	text_put(stdout, field_text(answer->data, "path"));
	printf(" is free (waited %s)\n", waited);
}

static const struct verb_example examples[] = {
	{"Until a lock is free, half a minute at most",
	 "sessionfs wait /tmp/tool.lock --timeout 30s"},
	{0},
};

const struct verb verb_wait = {
	.name = "wait",
	.summary = "Wait until a lock is free",
	.usage = "PATH",
	.options = options,
	.examples = examples,
	.min_operands = 1,
	.max_operands = 1,
	.exits = EXITS(PERMISSION) | EXITS(TIMEOUT) | EXITS(UNAVAILABLE),
	.act = wait_act,
	.show = wait_show,
};
