/* SPDX-License-Identifier: MIT */
/*
 * How long each lock was held in the past, for retry_estimate_ms(). Bounded: HISTORY_PATHS paths,
 * the least recently used goes first, and the last HISTORY_TIMES hold times of each.
 *
 * Paths are known by a hash only, so that the file on disk tells nobody what was locked. Not
 * thread-safe: guarded by the mutex of the table of locks.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lock/retry.h"

struct history_entry {
	uint64_t path_hash;
	uint64_t used; /* larger is more recent; 0: the entry is free */
	uint32_t count;
	uint32_t next; /* the slot that the next time goes to */
	uint32_t times_ms[HISTORY_TIMES];
};

struct history {
	uint64_t used_next;
	struct history_entry entries[HISTORY_PATHS];
};

/* Notes that the lock was held for held_ms (saturated at 2^32 - 1). */
void history_add(struct history *history, uint64_t path_hash, uint64_t held_ms);
/* Estimate for a lock that has been held for held_ms. */
uint32_t history_estimate_ms(const struct history *history, uint64_t path_hash, uint64_t held_ms);

/*
 * Loads what is on disk (the `history` state file: a struct history in the machine's own layout,
 * behind the checksum of store/). Content of another size or with impossible counts is dropped:
 * the history is an estimate's source, no truth.
 */
void history_load(struct history *history, const void *data, size_t len);
