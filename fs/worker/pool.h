/* SPDX-License-Identifier: MIT */
/*
 * Threads that take requests and handle each to its end: as many as are stuck in one, and a few.
 *
 * A thread waits for a request, handles it, and waits again. Whoever takes a request and leaves
 * nobody waiting calls another thread first, so that a request that blocks (a stalled share, a slow
 * disk) stops no other, up to POOL_THREADS_MAX of them. Of those that come back only a few wait for
 * requests, for the kernel wakes waiting threads in turn and each finds its caches cold; the others
 * stand by, and end after POOL_LINGER_MS.
 *
 * How many wait follows the load: from POOL_WAITING_MIN, for one client has one request under way, to
 * POOL_WAITING_MAX. So nobody is called or sent to stand by while the load is steady.
 */
#pragma once

#include <stddef.h>

/* Requests that can be stuck at once; those beyond wait in the kernel until one is done. */
#define POOL_THREADS_MAX 1024
#define POOL_WAITING_MIN 2
#define POOL_WAITING_MAX 8
#define POOL_LINGER_MS 5000

struct pool_work {
	/* In a new thread. What it returns is the thread's own, passed to all below. */
	void *(*begin)(void *context);
	/* Waits for a request. 1: took one; 0: there will be none any more; negative errno. */
	int (*take)(void *context, void *own);
	void (*handle)(void *context, void *own);
	/* The thread has not been needed for a moment: it gives back memory that it can do without. */
	void (*idle)(void *context, void *own);
	void (*end)(void *context, void *own);
};

struct pool_limits {
	unsigned int threads_max;
	unsigned int waiting_min; /* at least 1 */
	unsigned int waiting_max;
	unsigned int linger_ms;
	unsigned int
		end_ms; /* how long, once there are no requests, those under way are waited for */
};

struct pool;

/* `work` and `context` are borrowed. 0 or -ENOMEM. */
int pool_new(const struct pool_work *work, void *context, const struct pool_limits *limits,
	     struct pool **ret_pool);
/*
 * Serves until take() says that it is over. Returns 0, or negative errno where take() failed or no
 * thread could be started. ret_stuck: threads that are still in a request; what they use must live as
 * long as the process then, the pool too.
 */
int pool_run(struct pool *pool, unsigned int *ret_stuck);
/* Only where pool_run() left no thread behind. */
void pool_free(struct pool *pool);

/* Threads there are now, and those of them that are handling a request. */
unsigned int pool_threads(struct pool *pool, unsigned int *ret_busy);
