/* SPDX-License-Identifier: MIT */
/*
 * Requests of which some block for a moment, in bursts and with pauses: each is handled once, threads
 * come and go, and at the end none is left.
 */
#include "worker/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BURSTS 60
#define BURST 200

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static unsigned int queued; /* guarded by: mutex */
static bool over;           /* guarded by: mutex */
static _Atomic unsigned int handled, threads, started;

static void sleep_us(long us)
{
	nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static void *begin(void *context)
{
	(void)context;
	threads++;
	started++;
	return calloc(1, sizeof(unsigned int));
}

static int take(void *context, void *own)
{
	int r = 1;

	(void)context;
	pthread_mutex_lock(&mutex);
	while (!queued && !over)
		pthread_cond_wait(&more, &mutex);
	if (queued)
		*(unsigned int *)own = queued--;
	else
		r = 0;
	pthread_mutex_unlock(&mutex);
	return r;
}

static void handle(void *context, void *own)
{
	(void)context;
	if (*(unsigned int *)own % 16 == 0)
		sleep_us(2000);
	handled++;
}

static void idle(void *context, void *own)
{
	(void)context;
	*(unsigned int *)own = 0;
}

static void end(void *context, void *own)
{
	(void)context;
	free(own);
	threads--;
}

static const struct pool_work work = {.begin = begin,
				      .take = take,
				      .handle = handle,
				      .idle = idle,
				      .end = end};

static void *produce(void *arg)
{
	(void)arg;
	for (int i = 0; i < BURSTS; i++) {
		pthread_mutex_lock(&mutex);
		queued += BURST;
		pthread_cond_broadcast(&more);
		pthread_mutex_unlock(&mutex);
		sleep_us(i % 8 ? 500 : 20000);
	}
	while (handled < BURSTS * BURST)
		sleep_us(1000);
	pthread_mutex_lock(&mutex);
	over = true;
	pthread_cond_broadcast(&more);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

int main(void)
{
	const struct pool_limits limits = {.threads_max = 12,
					   .waiting_min = 2,
					   .waiting_max = 4,
					   .linger_ms = 5,
					   .end_ms = 10000};
	pthread_t producer;
	unsigned int stuck;
	struct pool *pool;

	if (pool_new(&work, NULL, &limits, &pool) || pthread_create(&producer, NULL, produce, NULL))
		return 1;
	if (pool_run(pool, &stuck) || stuck) {
		fprintf(stderr, "pool: %u threads are stuck\n", stuck);
		return 1;
	}
	pthread_join(producer, NULL);
	pool_free(pool);
	if (handled != BURSTS * BURST || threads || started <= 4) {
		fprintf(stderr, "pool: %u handled, %u threads left, %u were started\n", handled,
			threads, started);
		return 1;
	}
	return 0;
}
