/* SPDX-License-Identifier: MIT */
/*
 * What is done from time to time, by a thread of its own; a round that is stuck does not stop the
 * next (base/relay.h).
 */
#pragma once

#include <stdbool.h>

struct rounds;
typedef void (*rounds_fn)(void *context);

/* The first round begins at once. `context` is borrowed. 0 or negative errno. */
int rounds_new(unsigned int interval_ms, rounds_fn round, void *context,
	       struct rounds **ret_rounds);
/* From the thread that watches: relay_watch(). */
void rounds_watch(struct rounds *rounds);
/* False where a round is stuck: what it uses must live as long as the process. */
bool rounds_free(struct rounds *rounds);
