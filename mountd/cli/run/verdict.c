/* SPDX-License-Identifier: MIT */
#include "cli/run/verdict.h"

#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/hint.h"
#include "cli/output.h"

int run_exit_status(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return EXIT_STATUS_SIGNAL + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

static json_t *command_failed(const struct run_plan *plan, const struct attempt *attempt)
{
	struct err err = {0};
	json_t *error;

	if (WIFSIGNALED(attempt->wait_status))
		err_set(&err, ERR_COMMAND_FAILED, "%.200s was ended by signal %d (%s)",
			plan->command[0], WTERMSIG(attempt->wait_status),
			strsignal(WTERMSIG(attempt->wait_status)));
	else
		err_set(&err, ERR_COMMAND_FAILED, "%.200s exited with status %d", plan->command[0],
			WEXITSTATUS(attempt->wait_status));
	error = output_error(&err);
	json_object_set_new(error, "exit_code",
			    json_integer(run_exit_status(attempt->wait_status)));
	return error;
}

static void copy_members(const char *const *names, const json_t *from, json_t *to)
{
	for (; *names; names++) {
		json_t *value = json_object_get(from, *names);

		if (value)
			json_object_set(to, *names, value);
	}
}

/* A command that waited for a lock until its time was over: whose lock is worth knowing. */
static json_t *timed_out(const struct run_plan *plan, const json_t *conflict)
{
	static const char *const copied[] = {"lock", "holder", NULL};
	struct err err = {0};
	char duration[32];
	json_t *error;

	clock_format_duration(plan->timeout_ns, duration, sizeof(duration));
	err_set(&err, ERR_TIMEOUT, "%.200s ran longer than %s and was ended", plan->command[0],
		duration);
	error = output_error(&err);
	copy_members(copied, conflict, error);
	return error;
}

/* COMMAND ended by itself; it is the waiting for its lock that took too long. */
static json_t *waited_out(const struct run_plan *plan, const json_t *conflict)
{
	static const char *const copied[] = {"suggestion", "retryable", "retry_after_ms",
					     "lock",       "holder",    NULL};
	const char *why = json_string_value(json_object_get(conflict, "message"));
	struct err err = {0};
	char duration[32];
	json_t *error;

	clock_format_duration(plan->timeout_ns, duration, sizeof(duration));
	err_set(&err, ERR_TIMEOUT, "--timeout %s was over while %.200s waited to run again: %.600s",
		duration, plan->command[0], why ? why : "a lock is held");
	error = output_error(&err);
	copy_members(copied, conflict, error);
	return error;
}

static json_t *conflict_of(const struct attempt *attempt)
{
	json_t *conflict = json_object_get(attempt->finished, "conflict");

	return json_is_object(conflict) ? conflict : NULL;
}

void run_verdict(const struct run_plan *plan, const struct attempt *attempt,
		 struct run_verdict *ret_verdict)
{
	json_t *conflict = conflict_of(attempt);
	struct run_verdict verdict = {0};

	if (attempt->failure) {
		verdict.error = json_copy(attempt->failure);
	} else if (attempt->timed_out) {
		verdict.error = timed_out(plan, conflict);
	} else if (attempt->waited_out) {
		verdict.error = waited_out(plan, conflict);
	} else if (conflict) {
		verdict.error = json_copy(conflict);
		verdict.conflict = true;
	} else if (attempt->uncommitted) {
		verdict.error = json_copy(attempt->uncommitted);
		verdict.conflict = true;
	} else {
		verdict.status = run_exit_status(attempt->wait_status);
		verdict.from_command = true;
		if (verdict.status != 0)
			verdict.error = command_failed(plan, attempt);
	}
	if (!verdict.from_command) {
		verdict.status = output_exit_code(verdict.error);
		json_object_set_new(verdict.error, "exit_code", json_integer(verdict.status));
	}
	hint_in_error(plan->mountpoint_hint, verdict.error);
	*ret_verdict = verdict;
}

void run_verdict_release(struct run_verdict *verdict)
{
	json_decref(verdict->error);
	*verdict = (struct run_verdict){0};
}

const char *run_kept_session(const struct attempt *attempt)
{
	json_t *kept = json_object_get(attempt->finished, "kept");

	if (!json_is_true(json_object_get(kept, "changes")) ||
	    !json_is_true(json_object_get(kept, "ephemeral")))
		return NULL;
	return json_string_value(json_object_get(attempt->begun, "session"));
}

static bool failed_to_execute(const struct attempt *attempt)
{
	int code = output_exit_code(attempt->failure);

	return code == EXIT_STATUS_NOT_EXECUTABLE || code == EXIT_STATUS_NOT_FOUND;
}

/* What is said of COMMAND, in data or in error. */
static void add_outcome(const struct run_plan *plan, const struct attempt *attempt, json_t *object)
{
	if (attempt->exited) {
		json_object_set_new(object, "exit_status",
				    json_integer(run_exit_status(attempt->wait_status)));
		if (WIFSIGNALED(attempt->wait_status))
			json_object_set_new(object, "signal",
					    json_integer(WTERMSIG(attempt->wait_status)));
	} else if (failed_to_execute(attempt)) {
		/* What a shell would have in $?. */
		json_object_set_new(object, "exit_status",
				    json_integer(output_exit_code(attempt->failure)));
	}
	if (plan->json != RUN_JSON_OFF)
		capture_add_to(&attempt->out, object, "stdout");
	if (plan->json == RUN_JSON_ALWAYS)
		capture_add_to(&attempt->err, object, "stderr");
}

static json_t *success_data(const struct run_plan *plan, const struct attempt *attempt)
{
	json_t *data = json_object();
	json_t *leftover = json_object_get(attempt->finished, "leftover");
	json_t *kept = json_object_get(attempt->finished, "kept");

	add_outcome(plan, attempt, data);
	json_object_set(data, "session", json_object_get(attempt->begun, "session"));
	json_object_set(data, "run", json_object_get(attempt->begun, "run"));
	if (leftover)
		json_object_set(data, "leftover", leftover);
	else
		json_object_set_new(data, "leftover", json_array());
	if (kept)
		json_object_set(data, "kept", kept);
	if (plan->commit)
		json_object_set(data, "committed", json_object_get(attempt->finished, "committed"));
	return data;
}

static json_t *envelope_meta(const struct attempt *attempt, const struct run_verdict *verdict,
			     int64_t attempts)
{
	json_t *meta = json_object();
	json_t *session = json_object_get(attempt->begun, "session");
	json_t *run = json_object_get(attempt->begun, "run");

	json_object_set(meta, "session", session ? session : json_null());
	json_object_set_new(meta, "exit_source",
			    json_string(verdict->from_command ? "command" : "sessionfs"));
	json_object_set(meta, "run", run ? run : json_null());
	json_object_set_new(meta, "attempts", json_integer(attempts));
	if (capture_truncated(&attempt->out) || capture_truncated(&attempt->err))
		json_object_set_new(meta, "truncated", json_true());
	return meta;
}

json_t *run_envelope(const struct run_plan *plan, const struct attempt *attempt,
		     const struct run_verdict *verdict, int64_t attempts)
{
	struct answer answer = {
		.warnings = json_incref(attempt->warnings),
		.meta = envelope_meta(attempt, verdict, attempts),
	};

	if (verdict->error) {
		json_t *kept = json_object_get(attempt->finished, "kept");

		answer.error = json_copy(verdict->error);
		add_outcome(plan, attempt, answer.error);
		if (kept)
			json_object_set(answer.error, "kept", kept);
	} else {
		answer.data = success_data(plan, attempt);
	}
	return output_envelope_consume(&answer, plan->started_ns);
}
