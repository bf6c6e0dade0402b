/* SPDX-License-Identifier: MIT */
/*
 * Ends runs: all processes of their mount namespaces get TERM, and after some seconds KILL, their
 * keepers last.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"

#define END_RUNS_TERM_MS 5000   /* between TERM and KILL */
#define END_RUNS_KEEPER_MS 1000 /* for a keeper to be gone that has nothing left to keep */
#define END_RUNS_KILL_MS 2000   /* between KILL and giving up */

/*
 * `runs` is an array as `umount.check` answers it; "pid" names a process in the run's namespace.
 * Never touches processes of the caller's own namespace. Returns when all are gone; -1 (TIMEOUT) where
 * some outlive the KILL.
 */
int end_runs(const json_t *runs, struct err *err);
