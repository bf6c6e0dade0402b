/* SPDX-License-Identifier: MIT */
#include "cli/run/plan.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/args.h"
#include "support/scratch.h"

static struct args args;
static struct call call;
static struct run_plan plan;
static struct err err;

static void clear_environment(void)
{
	unsetenv("SESSIONFS_SESSION");
	unsetenv("TOOL_SESSION_ID");
	unsetenv("AGENT_SESSION_ID");
	unsetenv("SESSIONFS_RUN_JSON");
}

static void release(void)
{
	args_release(&args);
}

TestSuite(plan, .init = clear_environment, .fini = release);

static int planned(const char *const *words)
{
	static char program[] = "sessionfs", verb[] = "run";
	static char *argv[16] = {program, verb};
	static char copies[16][256];
	int argc = 2;

	args_release(&args);
	for (; words[argc - 2]; argc++) {
		strcpy(copies[argc], words[argc - 2]);
		argv[argc] = copies[argc];
	}
	argv[argc] = NULL;
	cr_assert_eq(args_parse(argc, argv, &args, &err), 0, "%s", err.message);
	call = (struct call){.verb = args.verb, .args = &args, .mountpoint = "/m"};
	return run_plan_parse(&call, &plan, &err);
}

#define PLAN(...) planned((const char *const[]){__VA_ARGS__, NULL})

Test(plan, is_made_of_the_options)
{
	cr_assert_eq(PLAN("--session=a", "--retry=2", "--timeout=1m", "--on-exit=reset", "tool",
			  "x"),
		     0);
	cr_assert_str_eq(plan.session, "a");
	cr_assert_eq(plan.retries, 2);
	cr_assert_eq(plan.timeout_ns, 60000000000ull);
	cr_assert_gt(plan.deadline_ns, 0);
	cr_assert(plan.reset);
	cr_assert_str_eq(plan.command[1], "x");
	cr_assert_eq(plan.json, RUN_JSON_OFF);
	cr_assert_eq(plan.report_fd, -1);
}

Test(plan, the_json_mode_comes_from_the_option_else_from_the_environment)
{
	setenv("SESSIONFS_RUN_JSON", "on-error", 1);
	cr_assert_eq(PLAN("tool"), 0);
	cr_assert_eq(plan.json, RUN_JSON_ON_ERROR);
	cr_assert_eq(PLAN("--json", "tool"), 0);
	cr_assert_eq(plan.json, RUN_JSON_ALWAYS);
	cr_assert_eq(PLAN("-o", "table", "tool"), 0);
	cr_assert_eq(plan.json, RUN_JSON_OFF);
	setenv("SESSIONFS_RUN_JSON", "", 1);
	cr_assert_eq(PLAN("tool"), 0);
	cr_assert_eq(plan.json, RUN_JSON_OFF);
	setenv("SESSIONFS_RUN_JSON", "sometimes", 1);
	cr_assert_eq(PLAN("tool"), -1);
	cr_assert_eq(err.code, ERR_VALIDATION_ERROR);
}

Test(plan, the_first_variable_that_is_set_must_hold_an_id)
{
	setenv("TOOL_SESSION_ID", "../x", 1);
	cr_assert_eq(PLAN("tool"), -1);
	cr_assert(strstr(err.message, "$TOOL_SESSION_ID"));
	setenv("SESSIONFS_SESSION", "good", 1);
	cr_assert_eq(PLAN("tool"), 0);
	/* Empty is unset, as everywhere in a shell. */
	setenv("SESSIONFS_SESSION", "", 1);
	cr_assert_eq(PLAN("tool"), -1);
	cr_assert(strstr(err.message, "$TOOL_SESSION_ID"));
	cr_assert_eq(PLAN("--session=x", "tool"), 0);
	unsetenv("TOOL_SESSION_ID");
	setenv("AGENT_SESSION_ID", "a b", 1);
	cr_assert_eq(PLAN("tool"), -1);
	cr_assert(strstr(err.message, "$AGENT_SESSION_ID"));
}

Test(plan, a_timeout_of_nothing_is_refused)
{
	cr_assert_eq(PLAN("--timeout=0", "tool"), -1);
	cr_assert_eq(err.code, ERR_VALIDATION_ERROR);
}

Test(plan, a_report_goes_to_a_file_or_an_open_descriptor)
{
	char dir[SCRATCH_SIZE], path[SCRATCH_SIZE + 16];
	struct stat st;
	int fd;

	scratch_make(dir);
	snprintf(path, sizeof(path), "%s/report", dir);
	cr_assert_eq(PLAN("--report", path, "tool"), 0);
	cr_assert_eq(stat(path, &st), 0);
	run_plan_release(&plan);
	fd = open(path, O_WRONLY);
	cr_assert_eq(dup2(fd, 77), 77);
	cr_assert_eq(PLAN("--report=77", "tool"), 0);
	/* COMMAND must not hold it open. */
	cr_assert(fcntl(77, F_GETFD) & FD_CLOEXEC);
	cr_assert(fcntl(plan.report_fd, F_GETFD) & FD_CLOEXEC);
	run_plan_release(&plan);
	cr_assert_eq(dup2(open(path, O_RDONLY), 78), 78);
	cr_assert_eq(PLAN("--report=78", "tool"), -1);
	cr_assert_eq(PLAN("--report=79", "tool"), -1);
	snprintf(path, sizeof(path), "%s/no/report", dir);
	cr_assert_eq(PLAN("--report", path, "tool"), -1);
	cr_assert_eq(err.code, ERR_VALIDATION_ERROR);
}
