/* SPDX-License-Identifier: MIT */
/*
 * How many requests wait for each lock: counts only, for the answers. Keyed by the hash of the
 * lock's key. Not thread-safe: guarded by the mutex of the table of locks.
 */
#pragma once

#include <stdint.h>

#include "base/index.h"

struct waiters {
	struct index by_hash;
	struct waiters_entry *entries; /* number - 1 is the index */
	uint32_t capacity;
	uint32_t used;
	uint32_t free; /* head of the list of free entries, 0: none */
};

void waiters_release(struct waiters *waiters);
/* Adds delta; never below 0. Out of memory the count is as it was. */
void waiters_add(struct waiters *waiters, uint64_t hash, int delta);
uint32_t waiters_count(const struct waiters *waiters, uint64_t hash);
