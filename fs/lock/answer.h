/* SPDX-License-Identifier: MIT */
/*
 * What is said of a lock: the one maker of the JSON of SPEC section 6, for locks/...json,
 * locks.json, last-conflict.json, events, the envelope of `run`, `sessionfs locks` and `wait`.
 *
 * JSON objects go as void* (json_t *, a new reference), so that the header needs no JSON.
 */
#pragma once

#include <stdint.h>

#include "lock/lock.h"

/*
 * {"code", "message", "suggestion", "retryable", "retry_after_ms", "lock": {...}, "holder": {...}}
 * as `viewer` may see it: command and cwd only for the holder's own uid and root. NULL where the
 * lock is not held any more.
 */
void *lock_answer(struct locks *locks, uint32_t lock, uid_t viewer);

/* The same of a lock that an outsider holds (lock_is_external()); NULL where none does. */
void *lock_external_answer(struct locks *locks, const struct lock_key *key, uid_t viewer);

/* The lock's absolute path on the host ("/tmp/tool.lock"). 0, -ENAMETOOLONG, -ENOENT (not held). */
int lock_host_path(struct locks *locks, uint32_t lock, char *ret, size_t size);

/*
 * The last lock denial or probe of a run (run != 0), of its session where the run met none, as at
 * that event:
 * {"kind": "denial"|"probe", "at": iso, "resolved": bool (the run acquired it later),
 *  "released_ms_ago": N or absent, "error": <lock_answer>}. NULL where there was none.
 */
void *lock_last_conflict(struct locks *locks, uint32_t session, uint32_t run, uid_t viewer);

/*
 * The last lock that was taken away from a run: the `error` object of the envelope (code LOCK_LOST,
 * exit_code 6, `by` who took it), or NULL.
 */
void *lock_loss_of_run(struct locks *locks, uint32_t run, uid_t viewer);

/*
 * Whether a failed COMMAND of that run failed for a lock (SPEC section 5): the last lock event was
 * a denial, or a probe of a lock that is still held or was released less than 1 s ago, with no
 * later acquisition of that lock by the run. Returns the `error` object of the envelope (code
 * LOCK_HELD, reason "held", exit_code 4), or NULL.
 */
void *lock_conflict_of_run(struct locks *locks, uint32_t run, uid_t viewer);
