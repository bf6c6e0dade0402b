/* SPDX-License-Identifier: MIT */
#include "worker/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cond.h"

/* How often the number of waiting threads is looked at, to have fewer. */
#define ADAPT_NS NSEC_PER_SEC

/* A thread that stands by. The last one to come is called first: its caches are warmest. */
struct spare {
	struct spare *next;
	pthread_cond_t cond;
	bool called;
};

struct pool {
	const struct pool_work *work;
	void *context;
	struct pool_limits limits;
	pthread_mutex_t mutex;
	pthread_cond_t ended_cond; /* a thread has ended */
	struct spare *spares;      /* guarded by: mutex, as all below */
	unsigned int threads;
	unsigned int waiting; /* in take() */
	unsigned int busy;
	unsigned int wanted; /* how many shall wait */
	unsigned int lowest; /* of waiting, since adapted_ns */
	uint64_t adapted_ns;
	bool over;
	int result;
};

static void *serve(void *arg);

/* Starts a thread that was counted, as one that waits. 0 or negative errno: it is not counted then. */
static int start(struct pool *pool)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, serve, pool);
	pthread_attr_destroy(&attr);
	if (!r)
		return 0;
	pthread_mutex_lock(&pool->mutex);
	pool->threads--;
	pool->waiting--;
	pthread_mutex_unlock(&pool->mutex);
	return -r;
}

static void count_new_locked(struct pool *pool)
{
	pool->threads++;
	pool->waiting++;
}

/* Nobody waits for a request: somebody shall. Returns whether a thread is to be started for it. */
static bool call_locked(struct pool *pool)
{
	struct spare *spare = pool->spares;

	if (pool->wanted < pool->limits.waiting_max)
		pool->wanted++;
	if (spare) {
		pool->spares = spare->next;
		pool->waiting++;
		spare->called = true;
		pthread_cond_signal(&spare->cond);
		return false;
	}
	if (pool->threads >= pool->limits.threads_max)
		return false;
	count_new_locked(pool);
	return true;
}

/* One that waits and is never needed need not. */
static void adapt_locked(struct pool *pool)
{
	uint64_t now;

	if (pool->wanted == pool->limits.waiting_min)
		return;
	now = clock_boot_ns();
	if (now - pool->adapted_ns < ADAPT_NS)
		return;
	if (pool->lowest > 1)
		pool->wanted--;
	pool->lowest = pool->waiting;
	pool->adapted_ns = now;
}

/* The thread has a request. */
static void taken(struct pool *pool)
{
	bool starts = false;

	pthread_mutex_lock(&pool->mutex);
	pool->busy++;
	pool->waiting--;
	if (pool->waiting < pool->lowest)
		pool->lowest = pool->waiting;
	if (!pool->waiting && !pool->over)
		starts = call_locked(pool);
	pthread_mutex_unlock(&pool->mutex);
	/* Where none is to be had, the next that is done waits again. */
	if (starts)
		start(pool);
}

static void wait_for_call_locked(struct pool *pool, struct spare *spare, unsigned int ms)
{
	struct timespec until = cond_deadline(ms * NSEC_PER_MSEC);
	int r = 0;

	while (!spare->called && !pool->over && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&spare->cond, &pool->mutex, &until);
}

/* Returns whether the thread was called, then it counts as waiting; else it is to end. */
static bool stand_by_locked(struct pool *pool, void *own)
{
	struct spare spare = {.next = pool->spares}, **at;
	unsigned int linger_ms = pool->limits.linger_ms;

	cond_init(&spare.cond);
	pool->spares = &spare;
	wait_for_call_locked(pool, &spare, linger_ms / 10);
	if (!spare.called && !pool->over) {
		pthread_mutex_unlock(&pool->mutex);
		pool->work->idle(pool->context, own);
		pthread_mutex_lock(&pool->mutex);
		wait_for_call_locked(pool, &spare, linger_ms - linger_ms / 10);
	}
	if (!spare.called) {
		for (at = &pool->spares; *at != &spare; at = &(*at)->next)
			;
		*at = spare.next;
	}
	pthread_cond_destroy(&spare.cond);
	return spare.called;
}

/* The thread has handled its request. Returns whether it is to take another. */
static bool done(struct pool *pool, void *own)
{
	bool stays = true;

	pthread_mutex_lock(&pool->mutex);
	pool->busy--;
	adapt_locked(pool);
	if (pool->over)
		stays = false;
	else if (pool->waiting < pool->wanted)
		pool->waiting++;
	else
		stays = stand_by_locked(pool, own);
	pthread_mutex_unlock(&pool->mutex);
	return stays;
}

/* There are no requests any more: who stands by ends, who waits finds the same. */
static void over(struct pool *pool, int result)
{
	pthread_mutex_lock(&pool->mutex);
	pool->waiting--;
	pool->over = true;
	if (!pool->result)
		pool->result = result;
	for (struct spare *spare = pool->spares; spare; spare = spare->next)
		pthread_cond_signal(&spare->cond);
	pthread_mutex_unlock(&pool->mutex);
}

static void *serve(void *arg)
{
	struct pool *pool = arg;
	void *own = pool->work->begin(pool->context);
	bool stays = true;

	while (stays) {
		int r = pool->work->take(pool->context, own);

		if (r <= 0) {
			over(pool, r);
			break;
		}
		taken(pool);
		pool->work->handle(pool->context, own);
		stays = done(pool, own);
	}
	pool->work->end(pool->context, own);
	pthread_mutex_lock(&pool->mutex);
	pool->threads--;
	pthread_cond_signal(&pool->ended_cond);
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

int pool_new(const struct pool_work *work, void *context, const struct pool_limits *limits,
	     struct pool **ret_pool)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pool->work = work;
	pool->context = context;
	pool->limits = *limits;
	pool->wanted = limits->waiting_min;
	pthread_mutex_init(&pool->mutex, NULL);
	cond_init(&pool->ended_cond);
	*ret_pool = pool;
	return 0;
}

/* Those that are not stuck end at once. */
static void wait_for_end_locked(struct pool *pool)
{
	struct timespec until = cond_deadline(pool->limits.end_ms * NSEC_PER_MSEC);
	int r = 0;

	while (pool->threads && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&pool->ended_cond, &pool->mutex, &until);
}

/* 0 where there is at least one thread, else why not. */
static int start_first(struct pool *pool)
{
	unsigned int started = 0;
	int r = 0;

	while (r == 0 && started < pool->limits.waiting_min) {
		pthread_mutex_lock(&pool->mutex);
		count_new_locked(pool);
		pthread_mutex_unlock(&pool->mutex);
		r = start(pool);
		if (r == 0)
			started++;
	}
	return started ? 0 : r;
}

int pool_run(struct pool *pool, unsigned int *ret_stuck)
{
	int r;

	pool->adapted_ns = clock_boot_ns();
	*ret_stuck = 0;
	r = start_first(pool);
	if (r < 0)
		return r;
	pthread_mutex_lock(&pool->mutex);
	while (!pool->over)
		pthread_cond_wait(&pool->ended_cond, &pool->mutex);
	wait_for_end_locked(pool);
	*ret_stuck = pool->threads;
	r = pool->result;
	pthread_mutex_unlock(&pool->mutex);
	return r;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	pthread_cond_destroy(&pool->ended_cond);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

unsigned int pool_threads(struct pool *pool, unsigned int *ret_busy)
{
	unsigned int threads;

	pthread_mutex_lock(&pool->mutex);
	threads = pool->threads;
	*ret_busy = pool->busy;
	pthread_mutex_unlock(&pool->mutex);
	return threads;
}
