/* SPDX-License-Identifier: MIT */
#include "lock/retry.h"

static void insert_sorted(uint64_t *sorted, size_t count, uint64_t value)
{
	size_t i = count;

	for (; i > 0 && sorted[i - 1] > value; i--)
		sorted[i] = sorted[i - 1];
	sorted[i] = value;
}

uint32_t retry_estimate_ms(const uint32_t *hold_times_ms, size_t count, uint64_t held_ms)
{
	uint64_t remaining[HISTORY_TIMES];
	uint64_t median;
	size_t n = 0;

	if (count == 0)
		return RETRY_MAX_MS;
	for (size_t i = 0; i < count && i < HISTORY_TIMES; i++)
		if (hold_times_ms[i] > held_ms)
			insert_sorted(remaining, n++, hold_times_ms[i] - held_ms);
	if (n == 0)
		return RETRY_MIN_MS;
	median = n % 2 ? remaining[n / 2] : (remaining[n / 2 - 1] + remaining[n / 2]) / 2;
	if (median < RETRY_MIN_MS)
		return RETRY_MIN_MS;
	return median > RETRY_MAX_MS ? RETRY_MAX_MS : (uint32_t)median;
}
