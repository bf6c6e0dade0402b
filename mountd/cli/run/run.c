/* SPDX-License-Identifier: MIT */
#include "cli/run/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"
#include "cli/ctl_client.h"
#include "cli/hint.h"
#include "cli/output.h"
#include "cli/run/attempt.h"
#include "cli/run/report.h"
#include "cli/run/retry.h"
#include "cli/run/verdict.h"
#include "cli/text.h"

/* Returns whether it was written; where it goes to stdout, which a program reads, it is said. */
static bool write_line(int fd, const json_t *envelope)
{
	_cleanup_buf_ struct buf text = {0};
	int r;

	json_render_line(envelope, &text);
	r = buf_failed(&text) ? -ENOMEM : sys_write_all(fd, text.data, text.len);
	if (r < 0 && fd == STDOUT_FILENO)
		fprintf(stderr, "sessionfs: cannot write to stdout: %s\n", strerror(-r));
	return r >= 0;
}

static void write_report(const struct run_plan *plan, const json_t *envelope)
{
	int r = plan->report_fd >= 0 ? report_write(plan->report_fd, envelope) : 0;

	if (r < 0)
		fprintf(stderr, "sessionfs: warning: cannot write the report: %s\n", strerror(-r));
}

/* What a person should know of the end, before the envelope that ends stderr. */
static void print_remarks(const struct run_plan *plan, const struct attempt *attempt,
			  size_t warnings_said)
{
	const char *kept = run_kept_session(attempt);
	_cleanup_buf_ struct buf remark = {0}, hint = {0};

	for (size_t i = warnings_said; i < json_array_size(attempt->warnings); i++) {
		_cleanup_json_ json_t *one = json_array();

		json_array_append(one, json_array_get(attempt->warnings, i));
		output_print_warnings(one);
	}
	if (!kept)
		return;
	buf_add_format(&remark,
		       "session %s holds what was written; see it: sessionfs diff %s, publish it: "
		       "sessionfs commit %s, drop it: sessionfs rm %s",
		       kept, kept, kept, kept);
	hint_add(&hint, plan->mountpoint_hint, remark.data ? remark.data : "");
	fprintf(stderr, "sessionfs: %s\n", hint.data ? hint.data : "");
}

/* The default mode: COMMAND's output went its own way; a conflict ends stderr with an envelope. */
static void print_plain(const struct run_plan *plan, const struct attempt *attempt,
			const struct run_verdict *verdict, const json_t *envelope,
			size_t warnings_said)
{
	print_remarks(plan, attempt, warnings_said);
	if (verdict->conflict)
		write_line(STDERR_FILENO, envelope);
	else if (verdict->error && !verdict->from_command)
		output_print_error(verdict->error);
}

/* Returns whether it was written. */
static bool print_held_back(const struct run_plan *plan, const struct attempt *attempt,
			    const struct run_verdict *verdict, const json_t *envelope)
{
	int r;

	if (verdict->error && !verdict->from_command)
		return write_line(STDOUT_FILENO, envelope);
	r = capture_pass_on(&attempt->out, STDOUT_FILENO);
	if (r < 0)
		fprintf(stderr, "sessionfs: cannot pass on stdout: %s\n", strerror(-r));
	print_remarks(plan, attempt, json_array_size(attempt->warnings));
	return r >= 0;
}

/* Left-over processes belong to the warnings in every form. */
static void add_leftover_warning(struct attempt *attempt)
{
	json_t *leftover = json_object_get(attempt->finished, "leftover"), *process;
	_cleanup_buf_ struct buf text = {0};
	size_t i, count = json_array_size(leftover);

	if (count == 0)
		return;
	buf_add_format(&text, "LEFTOVER: %zu process%s of the run went on:", count,
		       count == 1 ? "" : "es");
	json_array_foreach(leftover, i, process)
	{
		const char *name = json_string_value(json_object_get(process, "name"));

		if (i == 8) {
			buf_add_str(&text, " ...");
			break;
		}
		buf_add_format(&text, "%s %s (pid %lld)", i ? "," : "", name ? name : "?",
			       (long long)json_integer_value(json_object_get(process, "pid")));
	}
	if (!buf_failed(&text))
		json_array_append_new(attempt->warnings, json_text(text.data));
}

static int conclude(const struct run_plan *plan, struct attempt *attempt, int64_t attempts)
{
	size_t warnings_said = attempt->warnings_said;
	_cleanup_json_ json_t *envelope = NULL;
	struct run_verdict verdict;
	bool written = true;
	int status;

	add_leftover_warning(attempt);
	run_verdict(plan, attempt, &verdict);
	envelope = run_envelope(plan, attempt, &verdict, attempts);
	switch (plan->json) {
	case RUN_JSON_OFF:
		print_plain(plan, attempt, &verdict, envelope, warnings_said);
		break;
	case RUN_JSON_ALWAYS:
		written = write_line(STDOUT_FILENO, envelope);
		break;
	case RUN_JSON_ON_ERROR:
		written = print_held_back(plan, attempt, &verdict, envelope);
		break;
	}
	write_report(plan, envelope);
	status = verdict.status;
	/* As every verb: what the caller did not get is no success. */
	if (!written && status == 0)
		status = EXIT_CODE_OTHER;
	run_verdict_release(&verdict);
	return status;
}

/* The error that says why COMMAND is to be run again, a new reference; NULL: it is not. */
static json_t *reason_to_retry(const struct run_plan *plan, const struct attempt *attempt,
			       int64_t attempts)
{
	struct run_verdict verdict;
	json_t *reason = NULL;

	if (attempts > plan->retries || attempt->died_of)
		return NULL;
	run_verdict(plan, attempt, &verdict);
	if (retry_wanted(&verdict) && (!plan->deadline_ns || clock_boot_ns() < plan->deadline_ns))
		reason = json_incref(verdict.error);
	run_verdict_release(&verdict);
	return reason;
}

/*
 * The session of the next attempt where the plan names none: the one that this attempt has left
 * its changes in. An unchanged one vanishes just now, so the next attempt gets its own.
 */
static char *session_to_go_on(const struct run_plan *plan, const struct attempt *attempt)
{
	const char *kept = plan->session ? NULL : run_kept_session(attempt);

	return kept ? strdup(kept) : NULL;
}

/*
 * Waits for the lock as no run and with the caller's signals: what the last attempt holds is free
 * meanwhile, and a signal ends the wait as it ends any program.
 */
static void wait_between(const struct run_plan *plan, const json_t *reason, int64_t attempts,
			 const struct signals_saved *signals)
{
	if (plan->json == RUN_JSON_OFF)
		retry_announce(reason, attempts, plan->retries);
	signals_pause(signals);
	retry_wait(plan, reason);
	signals_resume();
}

int run_execute(const struct run_plan *plan)
{
	struct signals_saved signals;
	int signal_fd = signals_begin(&signals);
	struct attempt attempt;
	int64_t attempts = 1;
	json_t *reason;
	int status, died_of;

	attempt_run(plan, NULL, &signals, signal_fd, &attempt);
	while ((reason = reason_to_retry(plan, &attempt, attempts))) {
		_cleanup_free_ char *session = session_to_go_on(plan, &attempt);

		attempt_end(&attempt);
		wait_between(plan, reason, attempts, &signals);
		json_decref(reason);
		attempt.waited_out = plan->deadline_ns && clock_boot_ns() >= plan->deadline_ns;
		if (attempt.waited_out)
			break;
		attempt_release(&attempt);
		attempt_run(plan, session, &signals, signal_fd, &attempt);
		attempts++;
	}
	died_of = attempt.died_of;
	status = died_of ? 0 : conclude(plan, &attempt, attempts);
	attempt_release(&attempt);
	if (died_of)
		signals_die(died_of);
	return status;
}

int run_refuse(const struct run_plan *plan, const struct err *err)
{
	_cleanup_json_ json_t *envelope = NULL;
	struct answer answer = {.error = output_error(err)};
	int status = output_exit_code(answer.error);

	hint_in_error(plan->mountpoint_hint, answer.error);
	if (plan->json == RUN_JSON_OFF)
		output_print_error(answer.error);
	envelope = output_envelope_consume(&answer, plan->started_ns);
	if (plan->json != RUN_JSON_OFF)
		write_line(STDOUT_FILENO, envelope);
	write_report(plan, envelope);
	return status;
}
