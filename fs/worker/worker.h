/* SPDX-License-Identifier: MIT */
/*
 * The worker: all file-system logic, in a process that may be killed and started again at any
 * time. This header is all that the supervisor knows of it.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/config.h"
#include "store/store.h"

/* The one list of what a worker inherits from the supervisor, by fork. */
struct heritage {
	const struct config *config; /* with lower_fd of each share */
	struct store *store;
	struct arena *arena;
	int fuse_fd;  /* /dev/fuse, mounted */
	int alive_fd; /* read end of a pipe that the supervisor holds: EOF when it is gone */
	pid_t supervisor_pid;
	char log_path[4096]; /* "" : stderr */
};

/* The arena as the worker lays it out. Called by the supervisor once. 0 or negative errno. */
int worker_arena_new(struct arena **ret_arena);

/* Serves until unmounted. Returns the process's exit status: 0 unmounted, else it failed. */
int worker_run(const struct heritage *heritage);
