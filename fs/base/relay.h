/* SPDX-License-Identifier: MIT */
/*
 * A service that one thread does at a time, and that no stuck system call stops: where the thread is
 * in one (a share that does not answer), another takes over, and the stuck one ends when it is back.
 *
 *	static void run(struct relay_turn *turn, void *context)
 *	{
 *		while (there_is_something_to_do()) {	waits for work as it likes
 *			relay_enter(turn);
 *			something_that_may_block();
 *			if (!relay_leave(turn))
 *				return;			another goes on
 *		}
 *	}
 *
 * relay_watch() is called time and again from a thread that never blocks: whoever was inside at the
 * last call and has not left since is replaced.
 */
#pragma once

#include <stdbool.h>

/* Threads of a service that can be stuck at once; after that many it stops. */
#define RELAY_THREADS_MAX 32

struct relay;
struct relay_turn;
typedef void (*relay_run_fn)(struct relay_turn *turn, void *context);

/* Starts the first thread. `context` is borrowed. 0 or negative errno. */
int relay_new(relay_run_fn run, void *context, struct relay **ret_relay);
/* Around what may block; no lock may be held that another thread of the service needs. */
void relay_enter(struct relay_turn *turn);
/* False: another thread has taken over, and this one must return from run(). */
bool relay_leave(struct relay_turn *turn);
void relay_watch(struct relay *relay);
/*
 * To be called when run() has been told to return. Waits for that, but not for who is stuck: then
 * returns false, and what run() uses must live as long as the process.
 */
bool relay_free(struct relay *relay);
