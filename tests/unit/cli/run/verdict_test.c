/* SPDX-License-Identifier: MIT */
#include "cli/run/verdict.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "cli/output.h"
#include "support/schema.h"

#define EXITED(status) ((status) << 8)

static char tool[] = "tool";
static char *command[] = {tool, NULL};
static struct run_plan plan = {.command = command, .report_fd = -1};
static struct attempt attempt;
static struct run_verdict verdict;
static json_t *judgement;

static void release(void)
{
	json_decref(attempt.begun);
	json_decref(attempt.warnings);
	json_decref(attempt.failure);
	json_decref(attempt.finished);
	capture_release(&attempt.out);
	capture_release(&attempt.err);
	run_verdict_release(&verdict);
	json_decref(judgement);
	judgement = NULL;
}

TestSuite(verdict, .fini = release);

static void ended(int wait_status)
{
	if (attempt.warnings)
		release();
	attempt = (struct attempt){
		.begun = json_pack("{s:s, s:s}", "run", "r-1", "session", "build-1"),
		.warnings = json_array(),
		.exited = true,
		.wait_status = wait_status,
		.out = CAPTURE_NONE,
		.err = CAPTURE_NONE,
	};
}

static void conflict(const char *code, int exit_code)
{
	attempt.finished = json_pack("{s:{s:s, s:i, s:s, s:b, s:i, s:{s:s}}}", "conflict", "code",
				     code, "exit_code", exit_code, "message", "held", "retryable",
				     1, "retry_after_ms", 50, "lock", "path", "/tmp/x.lock");
}

/* The envelope; borrowed. */
static json_t *judged(void)
{
	run_verdict_release(&verdict);
	run_verdict(&plan, &attempt, &verdict);
	json_decref(judgement);
	judgement = run_envelope(&plan, &attempt, &verdict, 1);
	schema_check_envelope(judgement);
	return judgement;
}

static const char *member(const json_t *envelope, const char *part, const char *key)
{
	return json_string_value(json_object_get(json_object_get(envelope, part), key));
}

Test(verdict, status_of_the_command_is_passed_on)
{
	json_t *envelope;

	ended(EXITED(0));
	envelope = judged();
	cr_assert_eq(verdict.status, 0);
	cr_assert(json_is_true(json_object_get(envelope, "ok")));
	cr_assert_str_eq(member(envelope, "meta", "exit_source"), "command");
	cr_assert_str_eq(member(envelope, "meta", "session"), "build-1");

	ended(EXITED(37));
	envelope = judged();
	cr_assert_eq(verdict.status, 37);
	cr_assert(verdict.from_command);
	cr_assert_str_eq(member(envelope, "error", "code"), "COMMAND_FAILED");
	cr_assert_eq(output_exit_code(json_object_get(envelope, "error")), 37);
}

Test(verdict, a_signal_is_128_and_its_number)
{
	json_t *envelope;

	ended(SIGKILL);
	envelope = judged();
	cr_assert_eq(verdict.status, 137);
	cr_assert_eq(
		json_integer_value(json_object_get(json_object_get(envelope, "error"), "signal")),
		SIGKILL);
	ended(SIGSEGV | 0x80);
	cr_assert_eq(run_exit_status(attempt.wait_status), 139);
}

Test(verdict, a_conflict_wins_over_the_commands_status)
{
	json_t *envelope;

	ended(EXITED(1));
	conflict("LOCK_HELD", 4);
	envelope = judged();
	cr_assert_eq(verdict.status, 4);
	cr_assert(verdict.conflict);
	cr_assert_not(verdict.from_command);
	cr_assert_str_eq(member(envelope, "meta", "exit_source"), "sessionfs");
	cr_assert_str_eq(member(envelope, "error", "code"), "LOCK_HELD");
}

Test(verdict, a_refused_write_counts_even_if_the_command_did_not_notice)
{
	ended(EXITED(0));
	conflict("WRITE_CONFLICT", 6);
	judged();
	cr_assert_eq(verdict.status, 6);
}

Test(verdict, no_conflict_is_what_null_says)
{
	ended(EXITED(3));
	attempt.finished = json_pack("{s:n}", "conflict");
	judged();
	cr_assert_eq(verdict.status, 3);
	cr_assert_not(verdict.conflict);
}

Test(verdict, a_time_out_names_the_lock_that_was_waited_for)
{
	json_t *envelope;

	ended(SIGTERM);
	conflict("LOCK_HELD", 4);
	attempt.timed_out = true;
	plan.timeout_ns = 30 * NSEC_PER_SEC;
	envelope = judged();
	cr_assert_eq(verdict.status, 10);
	cr_assert_not(verdict.conflict);
	cr_assert_str_eq(member(envelope, "error", "code"), "TIMEOUT");
	cr_assert(strstr(member(envelope, "error", "message"), "30s"));
	cr_assert(json_object_get(json_object_get(envelope, "error"), "lock"));
	cr_assert_null(json_object_get(json_object_get(envelope, "error"), "retry_after_ms"));
}

Test(verdict, what_kept_the_command_from_running_is_ours)
{
	json_t *envelope;

	ended(0);
	attempt.exited = false;
	attempt.failure = json_pack("{s:s, s:i, s:s}", "code", "COMMAND_NOT_FOUND", "exit_code",
				    127, "message", "tool: command not found");
	envelope = judged();
	cr_assert_eq(verdict.status, 127);
	cr_assert_str_eq(member(envelope, "meta", "exit_source"), "sessionfs");
	cr_assert_eq(json_integer_value(
			     json_object_get(json_object_get(envelope, "error"), "exit_status")),
		     127);
	json_decref(attempt.failure);
	attempt.failure = json_pack("{s:s, s:i, s:s}", "code", "UNAVAILABLE", "exit_code", 12,
				    "message", "nothing is mounted");
	envelope = judged();
	cr_assert_null(json_object_get(json_object_get(envelope, "error"), "exit_status"));
}

Test(verdict, waiting_too_long_does_not_blame_the_command)
{
	json_t *envelope, *error;

	ended(EXITED(1));
	plan.timeout_ns = NSEC_PER_SEC;
	attempt.waited_out = true;
	conflict("LOCK_HELD", 4);
	envelope = judged();
	error = json_object_get(envelope, "error");
	cr_assert_eq(verdict.status, 10);
	cr_assert_str_eq(member(envelope, "error", "message"),
			 "--timeout 1s was over while tool waited to run again: held");
	cr_assert(json_is_true(json_object_get(error, "retryable")));
	cr_assert_eq(json_integer_value(json_object_get(error, "retry_after_ms")), 50);
	cr_assert_eq(json_integer_value(json_object_get(error, "exit_status")), 1);
	cr_assert(json_object_get(error, "lock"));
}

Test(verdict, only_a_changed_fresh_session_is_kept)
{
	static const struct {
		bool changes, ephemeral, kept;
	} cases[] = {{true, true, true}, {true, false, false}, {false, true, false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ended(EXITED(0));
		attempt.finished = json_pack("{s:{s:b, s:b}}", "kept", "changes", cases[i].changes,
					     "ephemeral", cases[i].ephemeral);
		cr_assert_eq(run_kept_session(&attempt) != NULL, cases[i].kept, "%zu", i);
	}
	ended(EXITED(0));
	cr_assert_null(run_kept_session(&attempt));
}

Test(verdict, captured_output_goes_where_the_outcome_is)
{
	json_t *envelope;

	plan.json = RUN_JSON_ALWAYS;
	ended(EXITED(0));
	buf_add_str(&attempt.out.head, "hello\n");
	attempt.out.total_bytes = 6;
	envelope = judged();
	cr_assert_str_eq(member(envelope, "data", "stdout"), "hello\n");
	cr_assert_str_eq(member(envelope, "data", "stderr"), "");
	attempt.wait_status = EXITED(1);
	envelope = judged();
	cr_assert_str_eq(member(envelope, "error", "stdout"), "hello\n");
	cr_assert_null(json_object_get(json_object_get(envelope, "meta"), "truncated"));
	attempt.out.total_bytes = 7;
	envelope = judged();
	cr_assert(json_is_true(json_object_get(json_object_get(envelope, "meta"), "truncated")));
}
