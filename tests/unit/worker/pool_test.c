/* SPDX-License-Identifier: MIT */
#include "worker/pool.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

/* Requests of a queue: a plain one counts itself, a blocking one waits until it is let go. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int plain, blocking, handled, blocked, done_blocking, waiting, ended;
static bool let_go, over;

static void *begin(void *context)
{
	(void)context;
	return calloc(1, 1);
}

static int take(void *context, void *own)
{
	int r = 1;

	(void)context;
	pthread_mutex_lock(&mutex);
	waiting++;
	pthread_cond_broadcast(&changed);
	while (!plain && !blocking && !over)
		pthread_cond_wait(&changed, &mutex);
	waiting--;
	*(char *)own = 0;
	if (blocking) {
		blocking--;
		*(char *)own = 1;
	} else if (plain) {
		plain--;
	} else {
		r = 0;
	}
	pthread_mutex_unlock(&mutex);
	return r;
}

static void handle(void *context, void *own)
{
	(void)context;
	pthread_mutex_lock(&mutex);
	if (*(char *)own) {
		blocked++;
		pthread_cond_broadcast(&changed);
		while (!let_go)
			pthread_cond_wait(&changed, &mutex);
		done_blocking++;
	} else {
		handled++;
	}
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static void idle(void *context, void *own)
{
	(void)context;
	(void)own;
}

static void end(void *context, void *own)
{
	(void)context;
	free(own);
	pthread_mutex_lock(&mutex);
	ended++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static const struct pool_work work = {.begin = begin,
				      .take = take,
				      .handle = handle,
				      .idle = idle,
				      .end = end};

static struct pool *pool;
static pthread_t runner;
static unsigned int stuck;

static void *run(void *arg)
{
	(void)arg;
	cr_assert_eq(pool_run(pool, &stuck), 0);
	return NULL;
}

static void start(unsigned int threads_max, unsigned int linger_ms, unsigned int end_ms)
{
	const struct pool_limits limits = {.threads_max = threads_max,
					   .waiting_min = 2,
					   .waiting_max = 4,
					   .linger_ms = linger_ms,
					   .end_ms = end_ms};

	cr_assert_eq(pool_new(&work, NULL, &limits, &pool), 0);
	cr_assert_eq(pthread_create(&runner, NULL, run, NULL), 0);
}

static void submit(int *queue, int count)
{
	pthread_mutex_lock(&mutex);
	*queue += count;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static void wait_until(const int *counter, int value)
{
	pthread_mutex_lock(&mutex);
	while (*counter < value)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

static void release_blocked(void)
{
	pthread_mutex_lock(&mutex);
	let_go = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static void stop(void)
{
	pthread_mutex_lock(&mutex);
	over = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
	pthread_join(runner, NULL);
}

TestSuite(pool, .timeout = 30);

Test(pool, requests_go_on_while_a_hundred_are_blocked)
{
	start(200, 10, 10000);
	submit(&blocking, 100);
	wait_until(&blocked, 100);
	for (int i = 1; i <= 20; i++) {
		submit(&plain, 1);
		wait_until(&handled, i);
	}
	release_blocked();
	wait_until(&done_blocking, 100);
	stop();
	cr_assert_eq(stuck, 0);
	pool_free(pool);
}

Test(pool, threads_that_were_needed_once_end)
{
	unsigned int busy;

	start(200, 10, 10000);
	submit(&blocking, 50);
	wait_until(&blocked, 50);
	cr_assert_geq(pool_threads(pool, &busy), 51);
	cr_assert_eq(busy, 50);
	release_blocked();
	/* Those that may wait are four; 50 worked, and at least one waited. */
	wait_until(&ended, 47);
	/* Each counts itself out a moment after it has said so. */
	while (pool_threads(pool, &busy) > 4)
		sched_yield();
	submit(&plain, 1);
	wait_until(&handled, 1);
	stop();
	pool_free(pool);
}

Test(pool, one_request_after_another_needs_no_more_than_two_threads)
{
	unsigned int busy;

	start(200, 10, 10000);
	wait_until(&waiting, 2);
	for (int i = 1; i <= 1000; i++) {
		submit(&plain, 1);
		wait_until(&handled, i);
	}
	/* One can have been overtaken on its way back by the next request. */
	cr_assert_leq(pool_threads(pool, &busy), 4);
	stop();
	pool_free(pool);
}

Test(pool, beyond_the_maximum_requests_wait_until_one_is_done)
{
	unsigned int busy;

	start(10, 10, 10000);
	submit(&blocking, 10);
	wait_until(&blocked, 10);
	cr_assert_eq(pool_threads(pool, &busy), 10);
	submit(&plain, 5);
	cr_assert_eq(handled, 0);
	release_blocked();
	wait_until(&handled, 5);
	stop();
	pool_free(pool);
}

Test(pool, its_end_does_not_wait_for_who_is_stuck)
{
	unsigned int busy;

	start(10, 10, 50);
	submit(&blocking, 3);
	wait_until(&blocked, 3);
	stop();
	cr_assert_eq(stuck, 3);
	/* The pool stays theirs. */
	release_blocked();
	wait_until(&ended, 4);
	/* They have said so before they leave it. */
	while (pool_threads(pool, &busy) > 0)
		sched_yield();
	pool_free(pool);
}
