/* SPDX-License-Identifier: MIT */
#include "base/relay.h"

#include <criterion/criterion.h>
#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int steps, blocks, blocked, done, ended;
static bool let_go, stopping;

/* Each step is counted; one that is to block waits inside until it is let go. */
static void run(struct relay_turn *turn, void *context)
{
	bool stays = true;

	(void)context;
	pthread_mutex_lock(&mutex);
	while (stays && !stopping) {
		bool block = blocks > 0;

		if (!block && !steps) {
			pthread_cond_wait(&changed, &mutex);
			continue;
		}
		*(block ? &blocks : &steps) -= 1;
		pthread_mutex_unlock(&mutex);
		relay_enter(turn);
		pthread_mutex_lock(&mutex);
		blocked += block;
		pthread_cond_broadcast(&changed);
		while (block && !let_go)
			pthread_cond_wait(&changed, &mutex);
		done++;
		pthread_mutex_unlock(&mutex);
		stays = relay_leave(turn);
		pthread_mutex_lock(&mutex);
		pthread_cond_broadcast(&changed);
	}
	ended++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static void add(int *counter, int count)
{
	pthread_mutex_lock(&mutex);
	*counter += count;
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

static void set(bool *what)
{
	pthread_mutex_lock(&mutex);
	*what = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static struct relay *relay;

static void start(void)
{
	cr_assert_eq(relay_new(run, NULL, &relay), 0);
}

TestSuite(relay, .init = start, .timeout = 30);

Test(relay, who_is_stuck_is_replaced_at_the_second_look)
{
	add(&blocks, 1);
	wait_until(&blocked, 1);
	add(&steps, 1);
	relay_watch(relay);
	relay_watch(relay);
	wait_until(&done, 1);
	/* The one that was stuck ends, the other goes on. */
	set(&let_go);
	wait_until(&ended, 1);
	add(&steps, 1);
	wait_until(&done, 3);
	cr_assert_eq(ended, 1);
	set(&stopping);
	cr_assert(relay_free(relay));
}

Test(relay, who_is_not_inside_is_not_replaced)
{
	for (int i = 1; i <= 20; i++) {
		add(&steps, 1);
		wait_until(&done, i);
		relay_watch(relay);
	}
	set(&stopping);
	cr_assert(relay_free(relay));
	cr_assert_eq(ended, 1);
}

Test(relay, no_more_threads_get_stuck_than_are_allowed)
{
	add(&blocks, RELAY_THREADS_MAX + 5);
	for (int i = 1; i <= RELAY_THREADS_MAX; i++) {
		wait_until(&blocked, i);
		relay_watch(relay);
		relay_watch(relay);
	}
	cr_assert_eq(blocked, RELAY_THREADS_MAX);
	set(&let_go);
	/* The last one's turn goes on. */
	wait_until(&done, RELAY_THREADS_MAX + 5);
	set(&stopping);
	cr_assert(relay_free(relay));
	cr_assert_eq(ended, RELAY_THREADS_MAX);
}

Test(relay, its_end_does_not_wait_for_who_is_stuck)
{
	add(&blocks, 1);
	wait_until(&blocked, 1);
	set(&stopping);
	cr_assert_not(relay_free(relay));
	set(&let_go);
	wait_until(&ended, 1);
	cr_assert(relay_free(relay));
}
