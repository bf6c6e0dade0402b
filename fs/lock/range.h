/* SPDX-License-Identifier: MIT */
/*
 * Byte ranges of a file, as one owner has them locked. Pure: no table, no clock, no system call.
 *
 * A range includes both its ends; RANGE_END is the last byte that a file can have (OFFSET_MAX of
 * the kernel), which stands for "to the end, however the file grows". A list is sorted by start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGE_END ((uint64_t)INT64_MAX)

enum range_type { RANGE_NONE, RANGE_READ, RANGE_WRITE };

struct range {
	uint64_t start;
	uint64_t end;
	enum range_type type;
};

static inline bool range_overlaps(const struct range *a, const struct range *b)
{
	return a->start <= b->end && b->start <= a->end;
}

/* Whether two owners cannot have both. */
static inline bool range_conflicts(const struct range *a, const struct range *b)
{
	return range_overlaps(a, b) && a->type != RANGE_NONE && b->type != RANGE_NONE &&
	       (a->type == RANGE_WRITE || b->type == RANGE_WRITE);
}

/* How many ranges range_set() can give for a list of n. */
#define RANGE_SET_MAX(n) (2 * (n) + 1)

/*
 * What an owner has after he sets `wanted` (RANGE_NONE: unlocks) over the `n` ranges he has: parts
 * of old ranges outside it stay, equal neighbours become one. Ranges of `held` may overlap each
 * other, as a worker that was killed may have left them. ret has room for RANGE_SET_MAX(n); returns
 * how many it got.
 */
size_t range_set(const struct range *held, size_t n, const struct range *wanted, struct range *ret);
