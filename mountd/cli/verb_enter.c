/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <string.h>

#include "cli/ctl_client.h"
#include "cli/output.h"
#include "cli/run/run.h"

static const char *const json_choices[] = {"always", "on-error", NULL};

static const struct option_spec options[] = {
	{"json", 0, OPTION_FLAG_CHOICE, "always|on-error", "As of `sessionfs run`", json_choices,
	 NULL},
	{0},
};

static const struct verb_example examples[] = {
	{"A shell in a session", "sessionfs enter build-1"},
	{"Look at one file of it", "sessionfs enter build-1 -- cat /tmp/result.json"},
	{0},
};

/* run.begin would make the session; enter does not. */
static int check_exists(const struct call *call, const char *session, struct err *err)
{
	struct answer answer = {0};
	json_t *request = ctl_request("session.show");
	int r;

	json_object_set_new(request, "session", json_string(session));
	r = ctl_call_consume(call, request, &answer, err);
	if (r == 0 && answer.error) {
		const char *code = json_string_value(json_object_get(answer.error, "code"));
		const char *message = json_string_value(json_object_get(answer.error, "message"));

		err_set(err, err_code_by_name(code ? code : ""), "%.600s", message ? message : "");
		if (err->code == ERR_NOT_FOUND)
			err_suggest(err,
				    "Make it: sessionfs create %s, or see what there is: "
				    "sessionfs ls",
				    session);
		r = -1;
	}
	answer_release(&answer);
	return r;
}

static int enter_own(struct call *call)
{
	struct run_plan plan;
	struct err err = {0};

	if (run_plan_parse_enter(call, &plan, &err) < 0 ||
	    check_exists(call, plan.session, &err) < 0)
		return run_refuse(&plan, &err);
	return run_execute(&plan);
}

static int enter_refuse_line(struct call *call, const struct err *err)
{
	struct run_plan plan = {.report_fd = -1, .started_ns = call->started_ns};
	struct err ignored = {0};

	(void)run_plan_json(call, &plan.json, &ignored);
	return run_refuse(&plan, err);
}

const struct verb verb_enter = {
	.name = "enter",
	.summary = "Start a shell or a command in an existing session",
	.usage = "SESSION [-- COMMAND [ARG...]]",
	.description = "As `sessionfs run --session SESSION`, but the session must be there.\n"
		       "Without COMMAND, $SHELL (else /bin/sh) is started.",
	.options = options,
	.examples = examples,
	.min_operands = 1,
	.max_operands = UINT_MAX,
	.command_follows = true,
	.command_operand = 1,
	.danger = VERB_MUTATING,
	.exits = EXITS(PRECONDITION) | EXITS(NOT_FOUND) | EXITS(CONFLICT) | EXITS(PERMISSION) |
		 EXITS(UNAVAILABLE),
	.own = enter_own,
	.refuse = enter_refuse_line,
};
