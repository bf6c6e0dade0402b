/* SPDX-License-Identifier: MIT */
/*
 * One execution of COMMAND in a run, from the side of `run`: starts a keeper, passes signals on,
 * collects output, keeps the time, asks the daemon what stands when COMMAND has exited.
 *
 *	attempt_run(plan, ..., &attempt);
 *	... run_verdict() ...
 *	attempt_end(&attempt);		lets the keeper end, and waits for it where nothing is left
 *	attempt_release(&attempt);	does so where it was not done, and frees what came of it
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "cli/run/capture.h"
#include "cli/run/frames.h"
#include "cli/run/keeper.h"
#include "cli/run/plan.h"
#include "cli/run/signals.h"

/* What is allowed to end a process that was told to end: TERM, then KILL after this. */
#define ATTEMPT_GRACE_NS (5 * 1000000000ULL)

struct attempt {
	/* what came of it */
	json_t *begun;        /* data of run.begin; NULL: it did not begin */
	json_t *warnings;     /* array of strings */
	size_t warnings_said; /* so many of them the keeper has printed, in the default mode */
	json_t *failure;      /* error object: COMMAND did not run */
	json_t *finished;     /* data of run.finish; NULL: the daemon did not say */
	json_t *uncommitted;  /* error object: --on-exit commit was refused, the session is kept */
	bool exited;
	int wait_status; /* while exited */
	bool timed_out;
	bool waited_out; /* --timeout was over before COMMAND could be run once more */
	int died_of;     /* a signal that should end `run` before COMMAND ran; 0: none */
	struct capture out;
	struct capture err;

	/* while it runs */
	pid_t keeper;
	struct keeper_gate *gate;
	pid_t command; /* 0: not yet */
	bool idle;     /* no descendant is left */
	struct frame_reader frames;
};

/*
 * Returns when COMMAND has exited (with --timeout over, --on-exit reset, or commit after success: when all
 * that it started has), or could not be started. `session`: of an earlier attempt, or NULL.
 */
void attempt_run(const struct run_plan *plan, const char *session,
		 const struct signals_saved *signals, int signal_fd, struct attempt *ret_attempt);
void attempt_end(struct attempt *attempt);
void attempt_release(struct attempt *attempt);
