/* SPDX-License-Identifier: MIT */
/*
 * Between runs that begin in a session and what may only happen to a session without runs.
 *
 * "No run lives in it" must still hold when the session is reset or removed. So a change is
 * announced first (gate_close), and a run begins only where none is announced. The mutex inside is
 * held for the check alone, never over the change.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "session/registry.h"
#include "session/runs.h"

/* An announced change. On the stack of who makes it. */
struct gate_change {
	uint32_t session;
	struct gate_change *next;
};

/*
 * Announces a change of the session. False, and nothing is announced, where more than `own` runs
 * live in it (0, or 1 for a run that asks for itself) or another change goes on.
 */
bool gate_close(struct runs *runs, uint32_t session, uint32_t own, struct gate_change *change);
/* The change is over. */
void gate_open(struct gate_change *change);

/*
 * runs_begin() where no change of the session goes on and it is still there; with `alone`, only
 * where no other run lives in it. Else PRECONDITION_FAILED.
 */
struct gate_run {
	uint32_t session;
	uid_t uid;
	pid_t tid;
	const char *command; /* NUL-separated */
	size_t command_len;
	const char *cwd;
	bool alone;
};
int gate_begin_run(struct registry *registry, struct runs *runs, const struct gate_run *run,
		   uint32_t *ret_run, struct err *err);
