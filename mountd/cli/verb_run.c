/* SPDX-License-Identifier: MIT */
#include <limits.h>

#include "cli/run/run.h"

static const char *const json_choices[] = {"always", "on-error", NULL};
static const char *const on_exit_choices[] = {"keep", "reset", "commit", NULL};

static const struct option_spec options[] = {
	{"session", 0, OPTION_TEXT, "ID",
	 "The session; else $SESSIONFS_SESSION, $TOOL_SESSION_ID, $AGENT_SESSION_ID, else a new one",
	 NULL, NULL},
	{"lock-timeout", 0, OPTION_DURATION, "DURATION",
	 "Wait so long for a flock or fcntl lock that COMMAND does not want to wait for; default: the "
	 "share's lock_timeout_ms",
	 NULL, NULL},
	{"retry", 0, OPTION_INTEGER, "N",
	 "On LOCK_HELD wait for the lock and run COMMAND again, N times at most", NULL, "0"},
	{"timeout", 0, OPTION_DURATION, "DURATION",
	 "End COMMAND after this time: TERM, then KILL after 5 s", NULL, NULL},
	{"on-exit", 0, OPTION_CHOICE, "WHAT",
	 "keep what was written in the session, reset it (drop all changes), or commit it where COMMAND succeeds",
	 on_exit_choices, "keep"},
	{"json", 0, OPTION_FLAG_CHOICE, "always|on-error",
	 "Stdout is one envelope, always or only where a conflict made COMMAND fail", json_choices,
	 NULL},
	{"report", 0, OPTION_TEXT, "FILE|FD", "Write the envelope there in every case; - is stdout",
	 NULL, NULL},
	{0},
};

static const struct verb_example examples[] = {
	{"Two builds at once, each with its own /tmp",
	 "sessionfs run -- make test & sessionfs run -- make test"},
	{"A named session that later calls continue",
	 "sessionfs run --session build-1 -- tool build"},
	{"Wait for a held lock and try again", "sessionfs run --retry 5 -- tool migrate"},
	{"A call whose stdout is JSON in every case", "sessionfs run --json -- tool list"},
	{0},
};

static int run_own(struct call *call)
{
	struct run_plan plan;
	struct err err = {0};
	int status;

	if (run_plan_parse(call, &plan, &err) < 0)
		status = run_refuse(&plan, &err);
	else
		status = run_execute(&plan);
	run_plan_release(&plan);
	return status;
}

/* The options that do parse say where the refusal goes. */
static int run_refuse_line(struct call *call, const struct err *err)
{
	struct run_plan plan;
	struct err ignored = {0};
	int status;

	(void)run_plan_parse(call, &plan, &ignored);
	status = run_refuse(&plan, err);
	run_plan_release(&plan);
	return status;
}

const struct verb verb_run = {
	.name = "run",
	.summary = "Run a command with every share replaced by the session's view",
	.usage = "[--] COMMAND [ARG...]",
	.description =
		"COMMAND sees each share (such as /tmp) at its usual path, with the session's own\n"
		"changes on top. Its stdio, signals and exit status pass through, as with env(1).\n"
		"Where a lock or write conflict made it fail, the last line of stderr is a JSON\n"
		"envelope, and the exit status says which. COMMAND gets SESSIONFS_SESSION and\n"
		"SESSIONFS_RUN in its environment. SESSIONFS_RUN_JSON=always|on-error|off stands in\n"
		"for --json where the command line cannot be changed.",
	.options = options,
	.examples = examples,
	.min_operands = 1,
	.max_operands = UINT_MAX,
	.command_follows = true,
	.danger = VERB_MUTATING,
	.exits = EXITS(PRECONDITION) | EXITS(CONFLICT) | EXITS(PERMISSION) | EXITS(TIMEOUT) |
		 EXITS(UNAVAILABLE),
	.own = run_own,
	.refuse = run_refuse_line,
};
