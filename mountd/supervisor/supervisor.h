/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's loop: one worker at a time, until the mount is gone.
 *
 * It holds what must outlive a worker (the FUSE fd, the arena, the store's lock, the lowers), and
 * after the start it does nothing that can fail: wait, fork, unmount. It parses no request.
 *
 * States: STARTING (a probe waits for the mount's first answer; a worker that dies ends it all),
 * RUNNING (a worker that dies is replaced), ENDING (unmounted; the worker has 5 s to finish).
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/mountinfo.h"
#include "worker/worker.h"

#define SUPERVISOR_START_MS 15000 /* until the mount must have answered */
#define SUPERVISOR_END_MS 5000    /* between TERM and KILL */

struct supervisor {
	struct heritage heritage; /* what workers get */
	struct mount_info mount;
	bool foreground;
	int private_fd; /* closed in every child; -1: none */
	/* The mount answers: called once, before anything else goes on. */
	void (*ready)(void *context);
	void *context;
};

/*
 * Blocks SIGCHLD, SIGTERM, SIGINT and SIGHUP for the loop's signalfd, ignores SIGPIPE. To be
 * called before anything that a signal must not leave behind.
 */
int supervisor_block_signals(struct err *err);

/*
 * Runs workers until the file system is unmounted, by whomever, or SIGTERM (SIGINT, in the
 * foreground SIGHUP) asks for it. In the end no worker is left and the mount is gone. Returns 0,
 * or -1 with err where the mount never answered.
 */
int supervisor_run(struct supervisor *supervisor, struct err *err);
