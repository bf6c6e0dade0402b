/* SPDX-License-Identifier: MIT */
/*
 * The keeper: a child of `run` that begins the run, starts COMMAND in it, and stays until the last
 * descendant of COMMAND is gone, for the run lives as long as its `ctl` descriptor is open.
 *
 * It is the child subreaper of all of them. It holds nothing that anybody could wait for: no stdio,
 * no directory of a view, only `ctl`, the pipe to `run` (frames.h), and, where COMMAND's output is
 * captured, the read ends, which it empties once `run` is gone, so that what is left over is not
 * ended by SIGPIPE. Killed, it takes nothing with it: the daemon then watches the processes itself.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "cli/run/plan.h"
#include "cli/run/signals.h"

/* A pipe for one of COMMAND's outputs; both -1 where it is not captured. */
struct keeper_output {
	int read_fd;
	int write_fd;
};

/*
 * Whoever passes the gate first decides: the keeper, then COMMAND starts; or `run`, which gives up
 * on it, for a signal came. In memory that both share.
 */
struct keeper_gate {
	atomic_bool passed;
};

int keeper_gate_make(struct keeper_gate **ret_gate);
void keeper_gate_free(struct keeper_gate *gate);
/* True for the first caller only. */
bool keeper_gate_pass(struct keeper_gate *gate);

struct keeper_setup {
	const struct run_plan *plan;
	const char *session; /* of an earlier attempt; NULL: the plan's */
	const struct signals_saved *signals;
	struct keeper_gate *gate;
	struct keeper_output out;
	struct keeper_output err;
};

/*
 * Forks the keeper. The caller reads frames from *ret_frames_fd (non-blocking, owned by the caller)
 * and closes the write ends of setup's outputs. Returns its pid, or negative errno.
 */
pid_t keeper_start(const struct keeper_setup *setup, int *ret_frames_fd);
