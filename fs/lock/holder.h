/* SPDX-License-Identifier: MIT */
/*
 * Who holds a lock, or did something to it: what is read of him from /proc and the registries.
 * Called outside the mutex, while the caller is blocked in his system call.
 */
#pragma once

#include "lock/table.h"

/* Fills the holder's part of a record. What cannot be read stays zero. */
void holder_capture(const struct locks *locks, const struct actor *actor,
		    struct lock_record *record);
void party_capture(const struct locks *locks, const struct actor *actor, struct lock_party *ret);

/*
 * Whether the actor is, for the arbitration, the lock's holder: of the same run, or where neither
 * has one, of the same session. Nobody is the holder of a stale lock.
 */
bool holder_is(const struct lock_record *record, const struct actor *actor);
/*
 * Makes a copy of a record say who is to be shown as its holder: where the lock's text names another process
 * that lives, that one; his command line only to whom it would be shown of the creator, whose user he must be.
 * Returns whether the lock has a living holder: that process, the creator, or, where he has gone, his run
 * or, outside a run, his process group as far as the last sweep knows. Reads the lock's file and /proc.
 */
bool holder_show(struct locks *locks, struct lock_record *copy);
/* Whether the lock is of a run that has ended, or that is stuck in ending (runs_is_over()). */
bool holder_run_is_gone(const struct locks *locks, const struct lock_record *record);
