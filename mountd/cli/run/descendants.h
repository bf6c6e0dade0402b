/* SPDX-License-Identifier: MIT */
/*
 * All that a run has started. The keeper is their subreaper, so they are its descendants however
 * often they daemonise.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* A process and its parent. */
struct descendants_link {
	pid_t pid;
	pid_t parent;
};

/*
 * Which of `links` descend from `root`: their indices, in ret_found (as many as links), their
 * count as result. Pure.
 */
size_t descendants_of(pid_t root, const struct descendants_link *links, size_t count,
		      size_t *ret_found);

/*
 * The live descendants of `root`, without itself. Returns how many, the pids in *ret_pids, which the
 * caller frees.
 */
size_t descendants_list(pid_t root, pid_t **ret_pids);
/* Sends the signal to every descendant of `root`, not to itself. Returns how many there were. */
size_t descendants_signal(pid_t root, int signo);
