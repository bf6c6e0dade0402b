/* SPDX-License-Identifier: MIT */
/*
 * Freeing a lock on its holder's behalf: the steps, which sweeps, the ends of runs and `unlock` share.
 */
#pragma once

#include "lock/table.h"

/* A copy of a HELD record, to look at without the mutex; free() it. NULL where it is not held. */
struct lock_report *free_copy_held(struct locks *locks, uint32_t lock);

/* Whether a stale lock's file is ours to delete, unasked. */
bool free_may_delete(const struct locks *locks, const struct lock_record *record);
/*
 * Marks the record, deletes the file. enum lockfile_freed (LOCKFILE_GONE where the copy is held no more),
 * or negative errno. The mark goes with free_conclude().
 */
int free_delete_file(struct locks *locks, uint32_t lock, const struct lock_record *copy);
/*
 * What becomes of a record whose file was, or was not, deleted. keeps_file: the lock is free though its
 * file stays. freed: what free_delete_file() returned; where the file stays, the lock is stale.
 */
void free_conclude(struct locks *locks, uint32_t lock, const struct lock_record *copy,
		   bool keeps_file, int freed);
