/* SPDX-License-Identifier: MIT */
/*
 * When a dead worker is started again. Pure.
 *
 * At once, where it had answered a request: whatever killed it was not its start. Else after 100
 * ms, doubled with each further failure up to 5 s.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_LAST_MS 5000

struct backoff {
	uint32_t delay_ms; /* of the last failure in a row; 0: none */
};

/* A worker has died: returns the milliseconds to wait before the next one. */
static inline uint32_t backoff_next(struct backoff *backoff, bool answered)
{
	if (answered)
		backoff->delay_ms = 0;
	else if (backoff->delay_ms == 0)
		backoff->delay_ms = BACKOFF_FIRST_MS;
	else if (backoff->delay_ms * 2 < BACKOFF_LAST_MS)
		backoff->delay_ms *= 2;
	else
		backoff->delay_ms = BACKOFF_LAST_MS;
	return backoff->delay_ms;
}
