/* SPDX-License-Identifier: MIT */
/*
 * Numbers whose records have gone, kept for a while before they are given out again.
 *
 * A thread that took a session's or a run's number from a node or an identification may still be
 * on its way with it when the session is removed. Were the number another user's by then, it would
 * end up in his session. So a record that goes keeps its content, in a state that says "gone", for
 * RETIRED_NS; only where the table would be full otherwise it is freed earlier, oldest first.
 *
 * Guarded by whoever owns it. Zero-initialised is empty and valid.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"

#define RETIRED_NS (10 * NSEC_PER_SEC)

struct retired {
	struct retired_entry *entries; /* a ring */
	size_t first;
	size_t count;
	size_t capacity;
};

void retired_release(struct retired *retired);
/* Takes a record whose state says "gone". Where memory is out it is freed at once. */
void retired_add(struct retired *retired, struct arena_table *table, uint32_t number);
/* arena_alloc(), after freeing what has waited long enough. */
uint32_t retired_alloc(struct retired *retired, struct arena_table *table);
