/* SPDX-License-Identifier: MIT */
#include "lock/retry.h"

static void insert_sorted(uint64_t *sorted, size_t count, uint64_t value)
{
	size_t i = count;

	for (; i > 0 && sorted[i - 1] > value; i--)
		sorted[i] = sorted[i - 1];
	sorted[i] = value;
}

static uint32_t bounded(uint64_t ms)
{
	if (ms < RETRY_MIN_MS)
		return RETRY_MIN_MS;
	return ms > RETRY_MAX_MS ? RETRY_MAX_MS : (uint32_t)ms;
}

uint32_t retry_estimate_ms(const uint32_t *hold_times_ms, size_t count, uint64_t held_ms)
{
	uint64_t remaining[HISTORY_TIMES];
	uint64_t longest = 0;
	uint64_t median;
	size_t n = 0;

	if (count == 0)
		return RETRY_MAX_MS;
	for (size_t i = 0; i < count && i < HISTORY_TIMES; i++) {
		if (hold_times_ms[i] > longest)
			longest = hold_times_ms[i];
		if (hold_times_ms[i] > held_ms)
			insert_sorted(remaining, n++, hold_times_ms[i] - held_ms);
	}
	if (n == 0)
		return bounded((held_ms - longest) / 2);
	median = n % 2 ? remaining[n / 2] : (remaining[n / 2 - 1] + remaining[n / 2]) / 2;
	return bounded(median);
}
