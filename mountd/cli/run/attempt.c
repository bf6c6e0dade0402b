/* SPDX-License-Identifier: MIT */
#include "cli/run/attempt.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proc.h"
#include "cli/ctl_client.h"
#include "cli/output.h"
#include "cli/run/descendants.h"
#include "cli/run/keeper.h"

/* How often the left-over are told again after KILL: they may have forked meanwhile. */
#define KILL_INTERVAL_NS (50 * NSEC_PER_MSEC)

static void fail(struct attempt *attempt, const struct err *err)
{
	if (!attempt->failure)
		attempt->failure = output_error(err);
}

static void take_begun(struct attempt *attempt, json_t *frame)
{
	json_t *warnings = json_object_get(frame, "warnings");

	attempt->begun = json_incref(json_object_get(frame, "data"));
	if (json_is_array(warnings))
		json_array_extend(attempt->warnings, warnings);
	attempt->warnings_said = json_array_size(attempt->warnings);
}

static void take_frame(struct attempt *attempt, json_t *frame)
{
	const char *name = json_string_value(json_object_get(frame, "frame"));

	if (!name)
		return;
	if (strcmp(name, "begun") == 0) {
		take_begun(attempt, frame);
	} else if (strcmp(name, "failed") == 0) {
		attempt->failure = json_incref(json_object_get(frame, "error"));
	} else if (strcmp(name, "started") == 0) {
		attempt->command = (pid_t)json_integer_value(json_object_get(frame, "pid"));
	} else if (strcmp(name, "stopped") == 0) {
		signals_stop_with(attempt->command);
	} else if (strcmp(name, "exited") == 0) {
		attempt->exited = true;
		attempt->wait_status = (int)json_integer_value(json_object_get(frame, "status"));
		attempt->idle = json_is_true(json_object_get(frame, "idle"));
	} else if (strcmp(name, "idle") == 0) {
		attempt->idle = true;
	}
}

static void take_frames(struct attempt *attempt)
{
	json_t *frame;

	frame_reader_fill(&attempt->frames);
	while ((frame = frame_reader_next(&attempt->frames))) {
		take_frame(attempt, frame);
		json_decref(frame);
	}
}

static int poll_timeout_ms(uint64_t until_ns)
{
	uint64_t now_ns = clock_boot_ns();
	uint64_t ms;

	if (until_ns == 0)
		return -1;
	if (until_ns <= now_ns)
		return 0;
	ms = (until_ns - now_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* A signal that comes before COMMAND has started ends `run` itself, and COMMAND never starts. */
static void take_signals(struct attempt *attempt, int signal_fd)
{
	int signo;

	while (!attempt->died_of && (signo = signals_next(signal_fd))) {
		if (signals_ends_by_default(signo) && keeper_gate_pass(attempt->gate))
			attempt->died_of = signo;
		else
			signals_relay(attempt->keeper, signo);
	}
}

/* Waits for the next thing to happen, at most until then (0: for ever), and deals with it. */
static void attempt_step(struct attempt *attempt, int signal_fd, uint64_t until_ns)
{
	struct pollfd fds[] = {
		{.fd = attempt->frames.fd, .events = POLLIN},
		{.fd = signal_fd, .events = POLLIN},
		{.fd = attempt->out.read_fd, .events = POLLIN},
		{.fd = attempt->err.read_fd, .events = POLLIN},
	};

	if (poll(fds, ARRAY_SIZE(fds), poll_timeout_ms(until_ns)) < 0)
		return;
	if (fds[2].revents)
		capture_read(&attempt->out);
	if (fds[3].revents)
		capture_read(&attempt->err);
	if (fds[0].revents)
		take_frames(attempt);
	if (fds[1].revents)
		take_signals(attempt, signal_fd);
}

static bool attempt_ended(const struct attempt *attempt)
{
	return attempt->exited || attempt->failure || attempt->died_of || attempt->frames.ended;
}

/* TERM to all that is left, KILL to what is there after the grace; returns when none is. */
static void attempt_end_all(struct attempt *attempt, int signal_fd)
{
	uint64_t kill_ns = clock_boot_ns() + ATTEMPT_GRACE_NS;

	if (!attempt->idle)
		descendants_signal(attempt->keeper, SIGTERM);
	/* A stopped process takes TERM only when it is continued. */
	if (!attempt->idle)
		descendants_signal(attempt->keeper, SIGCONT);
	while (!attempt->idle && !attempt->frames.ended) {
		if (clock_boot_ns() >= kill_ns) {
			descendants_signal(attempt->keeper, SIGKILL);
			kill_ns = clock_boot_ns() + KILL_INTERVAL_NS;
		}
		attempt_step(attempt, signal_fd, kill_ns);
	}
}

static void attempt_start(struct attempt *attempt, const struct run_plan *plan, const char *session,
			  const struct signals_saved *signals)
{
	struct keeper_setup setup = {.plan = plan, .session = session, .signals = signals};
	struct err err = {0};
	int r = 0;

	if (plan->json != RUN_JSON_OFF)
		r = capture_open(&attempt->out, plan->json == RUN_JSON_ON_ERROR);
	if (r >= 0 && plan->json == RUN_JSON_ALWAYS)
		r = capture_open(&attempt->err, false);
	setup.out = (struct keeper_output){attempt->out.read_fd, attempt->out.write_fd};
	setup.err = (struct keeper_output){attempt->err.read_fd, attempt->err.write_fd};
	if (r >= 0)
		r = keeper_gate_make(&attempt->gate);
	setup.gate = attempt->gate;
	if (r >= 0)
		r = attempt->keeper = keeper_start(&setup, &attempt->frames.fd);
	capture_started(&attempt->out);
	capture_started(&attempt->err);
	if (r < 0) {
		attempt->keeper = 0;
		err_set_errno(&err, ERR_INTERNAL_ERROR, -r, "cannot start the run's keeper");
		fail(attempt, &err);
	}
}

static bool is_listed(const json_t *processes, pid_t pid)
{
	json_t *process;
	size_t i;

	json_array_foreach(processes, i, process)
	{
		if (json_integer_value(json_object_get(process, "pid")) == pid)
			return true;
	}
	return false;
}

/* The daemon has named who is in the run's namespace; some may have entered one of their own. */
static void add_descendants(const struct attempt *attempt)
{
	json_t *leftover = json_object_get(attempt->finished, "leftover");
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = attempt->idle ? 0 : descendants_list(attempt->keeper, &pids);

	for (size_t i = 0; i < count; i++) {
		char name[17];

		if (is_listed(leftover, pids[i]) || proc_comm(pids[i], name) < 0)
			continue;
		json_array_append_new(leftover, json_pack("{s:I, s:o}", "pid", (json_int_t)pids[i],
							  "name", json_text(name)));
	}
}

static bool ended_well(const struct attempt *attempt)
{
	return attempt->exited && WIFEXITED(attempt->wait_status) &&
	       WEXITSTATUS(attempt->wait_status) == 0;
}

/* The run has met no conflict: its session is published, or kept with the reason why not. */
static void commit_session(struct attempt *attempt, const struct run_plan *plan)
{
	struct answer answer = {0};
	struct err err = {0};
	json_t *request = ctl_request("session.commit");
	_cleanup_close_ int fd = ctl_open(plan->mountpoint, &err);

	json_object_set(request, "session", json_object_get(attempt->begun, "session"));
	json_object_set(request, "run", json_object_get(attempt->begun, "run"));
	if (fd < 0)
		json_decref(request);
	else
		(void)ctl_ask_consume(fd, request, &answer, &err);
	if (answer.data) {
		json_object_set_new(json_object_get(attempt->finished, "kept"), "changes",
				    json_false());
		json_object_set(attempt->finished, "committed",
				json_object_get(answer.data, "changes"));
	} else if (answer.error) {
		attempt->uncommitted = json_incref(answer.error);
	} else {
		attempt->uncommitted = output_error(&err);
	}
	answer_release(&answer);
}

static void attempt_finish(struct attempt *attempt, const struct run_plan *plan)
{
	json_t *run = json_object_get(attempt->begun, "run");
	_cleanup_close_ int fd = -1;
	struct answer answer = {0};
	struct err err = {0};
	json_t *request = ctl_request("run.finish");

	json_object_set(request, "run", run);
	json_object_set_new(request, "command_failed", json_boolean(!ended_well(attempt)));
	json_object_set_new(request, "reset", json_boolean(plan->reset));
	fd = ctl_open(plan->mountpoint, &err);
	if (fd < 0) {
		json_decref(request);
	} else if (ctl_ask_consume(fd, request, &answer, &err) == 0 && answer.error) {
		const char *message = json_string_value(json_object_get(answer.error, "message"));

		err_set(&err, ERR_UNAVAILABLE, "%.400s", message ? message : "refused");
	}
	if (answer.data)
		attempt->finished = json_incref(answer.data);
	else
		json_array_append_new(attempt->warnings,
				      json_sprintf("the daemon did not say what stands after the "
						   "run: %s",
						   err.message));
	if (answer.warnings)
		json_array_extend(attempt->warnings, answer.warnings);
	answer_release(&answer);
	if (plan->commit && ended_well(attempt) && attempt->finished &&
	    json_is_null(json_object_get(attempt->finished, "conflict")))
		commit_session(attempt, plan);
	add_descendants(attempt);
}

static void attempt_watch(struct attempt *attempt, const struct run_plan *plan, int signal_fd)
{
	while (!attempt_ended(attempt)) {
		attempt_step(attempt, signal_fd, plan->deadline_ns);
		if (plan->deadline_ns && !attempt_ended(attempt) &&
		    clock_boot_ns() >= plan->deadline_ns) {
			attempt->timed_out = true;
			/* Nothing runs yet, and the daemon does not answer: only the keeper is there. */
			if (!attempt->command)
				kill(attempt->keeper, SIGKILL);
			attempt_end_all(attempt, signal_fd);
			return;
		}
	}
	if (attempt->exited && (plan->reset || (plan->commit && ended_well(attempt))))
		attempt_end_all(attempt, signal_fd);
}

void attempt_run(const struct run_plan *plan, const char *session,
		 const struct signals_saved *signals, int signal_fd, struct attempt *ret_attempt)
{
	struct err err = {0};

	*ret_attempt = (struct attempt){.warnings = json_array(),
					.out = CAPTURE_NONE,
					.err = CAPTURE_NONE,
					.frames = {.fd = -1}};
	attempt_start(ret_attempt, plan, session, signals);
	if (ret_attempt->failure)
		return;
	attempt_watch(ret_attempt, plan, signal_fd);
	capture_read(&ret_attempt->out);
	capture_read(&ret_attempt->err);
	if (ret_attempt->begun && (ret_attempt->exited || ret_attempt->failure)) {
		attempt_finish(ret_attempt, plan);
	} else if (!ret_attempt->failure && !ret_attempt->died_of && !ret_attempt->timed_out) {
		err_set(&err, ERR_INTERNAL_ERROR,
			"the run's keeper was killed: how COMMAND ended is not known");
		fail(ret_attempt, &err);
	}
}

void attempt_end(struct attempt *attempt)
{
	/* Its keeper must not begin a run for a caller that is about to die. */
	if (attempt->died_of && attempt->keeper > 0)
		kill(attempt->keeper, SIGKILL);
	frame_reader_release(&attempt->frames);
	/*
	 * Where nothing is left the keeper ends now; once it has, the run is over, and the caller's
	 * next command meets none of its locks.
	 */
	if (attempt->keeper > 0 && (attempt->idle || attempt->died_of || attempt->failure))
		waitpid(attempt->keeper, NULL, 0);
	attempt->keeper = 0;
}

void attempt_release(struct attempt *attempt)
{
	attempt_end(attempt);
	keeper_gate_free(attempt->gate);
	capture_release(&attempt->out);
	capture_release(&attempt->err);
	json_decref(attempt->begun);
	json_decref(attempt->warnings);
	json_decref(attempt->failure);
	json_decref(attempt->finished);
	json_decref(attempt->uncommitted);
	*attempt = (struct attempt){.out = CAPTURE_NONE, .err = CAPTURE_NONE, .frames = {.fd = -1}};
}
