/* SPDX-License-Identifier: MIT */
/*
 * When to retry: estimated from how long a lock was held before. Pure, but for the history object,
 * which is bounded (HISTORY_PATHS paths, HISTORY_TIMES times each, least recently used goes first);
 * see lock/history.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 5000
#define HISTORY_PATHS 1024
#define HISTORY_TIMES 16

/*
 * Median of what remains: of the earlier hold times longer than held_ms, the median less held_ms,
 * within [RETRY_MIN_MS, RETRY_MAX_MS]; RETRY_MAX_MS without history. When it has been held longer than
 * ever before the history says nothing of what remains: then half of what it has been held beyond the longest time,
 * within the same bounds, so that who asks again and again does so ever less often. The median of an even number is the mean of the middle two. At
 * most the first HISTORY_TIMES are looked at.
 */
uint32_t retry_estimate_ms(const uint32_t *hold_times_ms, size_t count, uint64_t held_ms);
