/* SPDX-License-Identifier: MIT */
/*
 * Sessions named after POSIX sessions (getsid), for callers that nothing else identifies.
 *
 * The name is "sid-<sid>-<start ticks of the session's leader>". All processes of a POSIX session
 * must get the same name, also those that ask after the leader is gone, when its start cannot be
 * read any more: they get the session that was named while it lived; with none, start 0. That is
 * no other POSIX session's: the kernel gives a number out again only when no process bears it as
 * pid, group or session any more.
 *
 * A process whose POSIX session began outside of our pid namespace has getsid 0: all such of one
 * uid share "sid-0-0".
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "session/registry.h"
#include "session/runs.h"

/* Names the POSIX session of a process. 0, or -ESRCH where the process is gone. */
int posix_session_name(struct registry *registry, pid_t pid, uid_t uid,
		       char ret_id[SESSION_ID_SIZE]);

typedef void (*posix_session_dropped_fn)(uint32_t session, void *context);

/*
 * Removes every SESSION_POSIX session whose POSIX session has no live process left and in which no
 * run lives. dropped() is called after each, outside any mutex, so that the kernel's caches are
 * dropped too. Costs microseconds a session whose leader lives, and one or two scans of /proc where
 * leaders are gone. Called once a second, by one thread. Returns how many were removed.
 */
size_t posix_sessions_sweep(struct registry *registry, struct runs *runs,
			    posix_session_dropped_fn dropped, void *context);
