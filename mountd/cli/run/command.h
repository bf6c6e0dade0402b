/* SPDX-License-Identifier: MIT */
/*
 * COMMAND itself, started by the keeper.
 */
#pragma once

#include <sys/types.h>

#include "cli/run/signals.h"

struct command_setup {
	char *const *argv;
	const struct signals_saved *signals;
	int stdout_fd; /* what becomes its stdout and stderr; -1: the caller's */
	int stderr_fd;
};

/*
 * Forks and executes argv[0] (searched in $PATH) with the environment as it is now. Returns when
 * it runs: 0 and its pid, or a positive errno of execve (ENOENT: not found), or negative errno
 * where it could not even be tried.
 */
int command_start(const struct command_setup *setup, pid_t *ret_pid);
