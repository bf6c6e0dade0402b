/* SPDX-License-Identifier: MIT */
#include "ops/flights.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static const struct flight_key key = {1, 2, 3}, other_key = {1, 2, 4};

static struct flights *flights;
static _Atomic int landed, released, flown;
static sem_t began, go_on;

static void count_landed(void *context)
{
	(void)context;
	landed++;
}

static void setup(void)
{
	cr_assert_eq(flights_new(count_landed, NULL, &flights), 0);
	sem_init(&began, 0, 0);
	sem_init(&go_on, 0, 0);
}

static void teardown(void)
{
	cr_assert(flights_stop(flights));
	flights_free(flights);
}

TestSuite(flights, .init = setup, .fini = teardown);

/* Says that it has begun, and flies until it is let go on or cancelled. */
static int fly(void *context, const _Atomic bool *cancelled)
{
	flown++;
	sem_post(&began);
	while (sem_trywait(&go_on)) {
		if (*cancelled)
			return -ECANCELED;
		usleep(1000);
	}
	return *(int *)context;
}

static void release(void *context)
{
	(void)context;
	released++;
}

static int outcome;
static const struct flight_job job = {.fly = fly, .release = release, .context = &outcome};

static struct flight *start(void)
{
	struct flight *flight;

	cr_assert_eq(flights_board(flights, &key, &flight), 1);
	flights_spawn(flights, flight, &job);
	sem_wait(&began);
	return flight;
}

static int land(struct flight *flight)
{
	int r;

	sem_post(&go_on);
	while (!flight_is_over(flight, &r))
		usleep(1000);
	return r;
}

static void wait_for(_Atomic int *counter, int value)
{
	while (*counter != value)
		usleep(1000);
}

Test(flights, who_wants_what_is_under_way_joins_it)
{
	struct flight *first = start(), *second, *other;
	int r;

	cr_assert_eq(flights_board(flights, &key, &second), 0);
	cr_assert_eq(second, first);
	cr_assert_eq(flights_board(flights, &other_key, &other), 1);
	flight_land(other, 0);
	flight_leave(other);
	cr_assert_not(flight_is_over(first, &r));
	outcome = -ENOSPC;
	cr_assert_eq(land(first), -ENOSPC);
	cr_assert(flight_is_over(second, &r));
	cr_assert_eq(r, -ENOSPC);
	cr_assert_eq(flown, 1);
	cr_assert_eq(released, 1);
	flight_leave(first);
	flight_leave(second);
}

Test(flights, after_a_landing_another_begins)
{
	struct flight *flight = start();

	land(flight);
	flight_leave(flight);
	wait_for(&landed, 1);
	flight = start();
	land(flight);
	flight_leave(flight);
	cr_assert_eq(flown, 2);
	wait_for(&landed, 2);
}

Test(flights, one_that_everybody_has_left_is_cancelled)
{
	struct flight *first = start(), *second;

	cr_assert_eq(flights_board(flights, &key, &second), 0);
	flight_leave(first);
	usleep(5000);
	cr_assert_eq(landed, 0);
	flight_leave(second);
	wait_for(&landed, 1);
	cr_assert_eq(released, 1);
}

Test(flights, one_that_shall_go_on_does)
{
	struct flight *flight = start();

	flight_leave_going(flight);
	usleep(5000);
	cr_assert_eq(landed, 0);
	sem_post(&go_on);
	wait_for(&landed, 1);
}

Test(flights, one_flown_by_its_maker_is_joined_too)
{
	struct flight *mine, *joined;
	int r;

	cr_assert_eq(flights_board(flights, &key, &mine), 1);
	cr_assert_eq(flights_board(flights, &key, &joined), 0);
	flight_land(mine, 0);
	flight_leave(mine);
	cr_assert(flight_is_over(joined, &r));
	cr_assert_eq(r, 0);
	flight_leave(joined);
	cr_assert_eq(landed, 1);
}

Test(flights, more_than_there_are_threads_queue)
{
	struct flight *flying[100];

	for (uint64_t i = 0; i < 100; i++) {
		struct flight_key own = {.nodeid = i + 10};

		cr_assert_eq(flights_board(flights, &own, &flying[i]), 1);
		flights_spawn(flights, flying[i], &job);
	}
	for (int i = 0; i < 100; i++)
		sem_post(&go_on);
	wait_for(&landed, 100);
	cr_assert_eq(released, 100);
	for (int i = 0; i < 100; i++)
		flight_leave(flying[i]);
}

Test(flights, the_end_cancels_what_flies_and_what_comes_after)
{
	struct flight *flight = start(), *late;
	int r;

	cr_assert(flights_stop(flights));
	cr_assert(flight_is_over(flight, &r));
	cr_assert_eq(r, -ECANCELED);
	flight_leave(flight);
	cr_assert_eq(flights_board(flights, &other_key, &late), 1);
	flights_spawn(flights, late, &job);
	wait_for(&landed, 2);
	cr_assert(flight_is_over(late, &r));
	cr_assert_eq(r, -ECANCELED);
	flight_leave(late);
	cr_assert_eq(flown, 1);
}

static void *board_and_leave(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2000; i++) {
		struct flight_key own = {.nodeid = (uint64_t)(i % 3)};
		struct flight *flight;

		if (flights_board(flights, &own, &flight) == 1)
			flight_land(flight, i);
		flight_leave(flight);
	}
	return NULL;
}

Test(flights, many_at_once_leave_nothing)
{
	pthread_t threads[4];
	struct flight *flight;

	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, board_and_leave, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(flights_board(flights, &key, &flight), 1);
	flight_land(flight, 0);
	flight_leave(flight);
}
