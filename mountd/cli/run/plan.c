/* SPDX-License-Identifier: MIT */
#include "cli/run/plan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "cli/operands.h"
#include "cli/run/report.h"

static const char *const session_variables[] = {
	"SESSIONFS_SESSION",
	"TOOL_SESSION_ID",
	"AGENT_SESSION_ID",
};

static int json_by_name(const char *name, enum run_json *ret_json)
{
	static const char *const names[] = {
		[RUN_JSON_OFF] = "off",
		[RUN_JSON_ALWAYS] = "always",
		[RUN_JSON_ON_ERROR] = "on-error",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret_json = (enum run_json)i;
			return 0;
		}
	}
	return -1;
}

int run_plan_json(const struct call *call, enum run_json *ret_json, struct err *err)
{
	const char *environment = getenv("SESSIONFS_RUN_JSON");
	const char *format = args_text(call->args, "output");
	const char *choice = args_text(call->args, "json");

	*ret_json = RUN_JSON_OFF;
	if (args_given(call->args, "json")) {
		/* A wrong choice was refused by the parser; its caller wants JSON all the same. */
		if (json_by_name(choice ? choice : "always", ret_json) < 0)
			*ret_json = RUN_JSON_ALWAYS;
		return 0;
	}
	if (format) {
		*ret_json = strcmp(format, "json") == 0 ? RUN_JSON_ALWAYS : RUN_JSON_OFF;
		return 0;
	}
	if (environment && environment[0] && json_by_name(environment, ret_json) < 0) {
		*ret_json = RUN_JSON_OFF;
		return err_set(err, ERR_VALIDATION_ERROR,
			       "$SESSIONFS_RUN_JSON is always, on-error or off, not '%.60s'",
			       environment);
	}
	return 0;
}

int run_plan_check_environment(struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(session_variables); i++) {
		const char *value = getenv(session_variables[i]);
		char what[40] = "$";

		if (!value || !value[0])
			continue;
		strcat(what, session_variables[i]);
		return operand_check_session(value, what, err);
	}
	return 0;
}

static int parse_session(const struct call *call, struct run_plan *plan, struct err *err)
{
	plan->session = args_text(call->args, "session");
	if (plan->session)
		return operand_check_session(plan->session, "--session", err);
	return run_plan_check_environment(err);
}

static int parse_on_exit(const struct call *call, struct run_plan *plan, struct err *err)
{
	const char *text = args_text(call->args, "on-exit");

	plan->reset = text && strcmp(text, "reset") == 0;
	plan->commit = text && strcmp(text, "commit") == 0;
	if (!text || plan->reset || plan->commit || strcmp(text, "keep") == 0)
		return 0;
	return err_set(err, ERR_VALIDATION_ERROR,
		       "--on-exit takes keep, reset or commit, not '%.60s'", text);
}

static int parse_lock_timeout(const struct call *call, struct run_plan *plan, struct err *err)
{
	uint64_t ns = args_duration_ns(call->args, "lock-timeout", 0);
	/* Never 0 for something: that would be none. */
	uint64_t ms = ns / NSEC_PER_MSEC + (ns % NSEC_PER_MSEC != 0);

	if (!args_given(call->args, "lock-timeout"))
		return 0;
	if (ms > SHARE_LOCK_TIMEOUT_MAX_MS)
		return err_set(err, ERR_VALIDATION_ERROR, "--lock-timeout is at most 24h");
	plan->lock_timeout_ms = (int64_t)ms;
	return 0;
}

/* What `run` and `enter` have in common. */
static int plan_init(const struct call *call, struct run_plan *plan, struct err *err)
{
	*plan = (struct run_plan){
		.mountpoint = call->mountpoint,
		.mountpoint_is_default = call->mountpoint_is_default,
		.mountpoint_hint = call->mountpoint_hint,
		.report_fd = -1,
		.lock_timeout_ms = -1,
		.started_ns = call->started_ns,
	};
	return run_plan_json(call, &plan->json, err);
}

int run_plan_parse(const struct call *call, struct run_plan *ret_plan, struct err *err)
{
	const char *report = args_text(call->args, "report");

	if (plan_init(call, ret_plan, err) < 0)
		return -1;
	if (report && report_open(report, &ret_plan->report_fd, err) < 0)
		return -1;
	if (parse_session(call, ret_plan, err) < 0 || parse_on_exit(call, ret_plan, err) < 0)
		return -1;
	ret_plan->command = args_operands(call->args);
	ret_plan->retries = args_integer(call->args, "retry", 0);
	if (parse_lock_timeout(call, ret_plan, err) < 0)
		return -1;
	ret_plan->timeout_ns = args_duration_ns(call->args, "timeout", 0);
	if (args_given(call->args, "timeout") && ret_plan->timeout_ns == 0)
		return err_set(err, ERR_VALIDATION_ERROR, "--timeout must be longer than nothing");
	if (ret_plan->timeout_ns)
		ret_plan->deadline_ns = clock_boot_ns() + ret_plan->timeout_ns;
	return 0;
}

int run_plan_parse_enter(const struct call *call, struct run_plan *ret_plan, struct err *err)
{
	static char fallback[] = "/bin/sh";
	static char *shell[2];

	if (plan_init(call, ret_plan, err) < 0)
		return -1;
	ret_plan->session = args_operand(call->args, 0);
	if (operand_check_session(ret_plan->session, "SESSION", err) < 0)
		return -1;
	ret_plan->command = args_operands(call->args) + 1;
	if (!ret_plan->command[0]) {
		shell[0] = getenv("SHELL");
		if (!shell[0] || !shell[0][0])
			shell[0] = fallback;
		ret_plan->command = shell;
	}
	return 0;
}

void run_plan_release(struct run_plan *plan)
{
	if (plan->report_fd >= 0)
		close(plan->report_fd);
	plan->report_fd = -1;
}
