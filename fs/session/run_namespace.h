/* SPDX-License-Identifier: MIT */
/*
 * Mount namespaces of runs: opening one, telling whether a run may have it, and whether anybody is
 * left in it. Private to session/. Nothing here locks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/proc.h"

/* Opens the mount namespace of a thread and tells its inode number. The fd or negative errno. */
int run_namespace_open(pid_t tid, uint64_t *ret_ino);

/*
 * Opens the namespace of that number after the fd of it was lost: from the leader, where that very
 * process is still in it, else from any other. -ENOENT where nobody is in it.
 */
int run_namespace_reopen(uint64_t ino, const struct proc_id *leader);

/* Whether it is that of the daemon, of its parent (the supervisor) or of the host's first process. */
bool run_namespace_is_ours(uint64_t ino);

/*
 * Whether a live process is in the namespace. A leader that is leaving does not count, nor one that
 * is exiting: it closes its descriptors before it leaves the namespace. *witness is who was found
 * last time (pid 0: nobody), and is asked first: one process costs microseconds, a scan of /proc
 * many times that.
 */
bool run_namespace_populated(uint64_t ino, const struct proc_id *leader, bool leader_leaves,
			     struct proc_id *witness);

/*
 * Whether a live process of that user bears the run's id in its environment: one that has entered
 * a mount namespace of its own. Who is older than the run's leader has his from another instance.
 * *witness as above. Scans /proc, reading environments: for runs whose keeper was killed.
 */
bool run_environment_populated(const char *id, uid_t uid, const struct proc_id *leader,
			       struct proc_id *witness);
