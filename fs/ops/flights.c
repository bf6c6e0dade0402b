/* SPDX-License-Identifier: MIT */
#include "ops/flights.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

/* What one machine's disks can do at once; a stalled lower may hold that many. Others queue. */
#define THREADS_MAX 32
/* How long those under way are waited for in the end; they look every few milliseconds. */
#define STOP_S 2

struct flight {
	struct flight *next;
	struct flights *flights;
	struct flight_key key;
	struct flight_job job; /* of a spawned one */
	struct flight *queued; /* the next in the queue; guarded by: flights->mutex */
	uint32_t refs; /* of who waits, and one until it is over; guarded by: flights->mutex */
	bool kept;     /* guarded by: flights->mutex */
	bool over;     /* guarded by: flights->mutex */
	int outcome;   /* guarded by: flights->mutex */
	_Atomic bool cancelled;
};

struct flights {
	pthread_mutex_t mutex;
	pthread_cond_t ended; /* a thread has */
	void (*landed)(void *context);
	void *context;
	struct flight *first; /* not over; guarded by: mutex */
	struct flight *queue; /* guarded by: mutex */
	struct flight **tail; /* guarded by: mutex */
	uint32_t threads;     /* guarded by: mutex */
	bool stopping;        /* guarded by: mutex */
};

int flights_new(void (*landed)(void *context), void *context, struct flights **ret_flights)
{
	struct flights *flights = calloc(1, sizeof(*flights));
	pthread_condattr_t attr;

	if (!flights)
		return -ENOMEM;
	pthread_mutex_init(&flights->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&flights->ended, &attr);
	pthread_condattr_destroy(&attr);
	flights->landed = landed;
	flights->context = context;
	flights->tail = &flights->queue;
	*ret_flights = flights;
	return 0;
}

bool flights_stop(struct flights *flights)
{
	struct timespec until;
	bool ended;
	int r = 0;

	if (!flights)
		return true;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_S;
	pthread_mutex_lock(&flights->mutex);
	flights->stopping = true;
	for (struct flight *flight = flights->first; flight; flight = flight->next)
		flight->cancelled = true;
	while (flights->threads && r == 0)
		r = pthread_cond_timedwait(&flights->ended, &flights->mutex, &until);
	ended = !flights->threads;
	pthread_mutex_unlock(&flights->mutex);
	return ended;
}

void flights_free(struct flights *flights)
{
	if (!flights)
		return;
	pthread_cond_destroy(&flights->ended);
	pthread_mutex_destroy(&flights->mutex);
	free(flights);
}

static bool same_key(const struct flight_key *a, const struct flight_key *b)
{
	return a->nodeid == b->nodeid && a->dev == b->dev && a->ino == b->ino;
}

int flights_board(struct flights *flights, const struct flight_key *key, struct flight **ret_flight)
{
	struct flight *made = calloc(1, sizeof(*made)), *flight;

	if (!made)
		return -ENOMEM;
	pthread_mutex_lock(&flights->mutex);
	for (flight = flights->first; flight && !same_key(&flight->key, key);)
		flight = flight->next;
	if (!flight) {
		flight = made;
		flight->flights = flights;
		flight->key = *key;
		flight->refs = 1;
		flight->cancelled = flights->stopping;
		flight->next = flights->first;
		flights->first = flight;
	}
	flight->refs++;
	pthread_mutex_unlock(&flights->mutex);
	*ret_flight = flight;
	if (flight == made)
		return 1;
	free(made);
	return 0;
}

void flight_land(struct flight *flight, int outcome)
{
	struct flights *flights = flight->flights;
	struct flight **at = &flights->first;
	bool last;

	pthread_mutex_lock(&flights->mutex);
	while (*at != flight)
		at = &(*at)->next;
	*at = flight->next;
	flight->over = true;
	flight->outcome = outcome;
	last = --flight->refs == 0;
	pthread_mutex_unlock(&flights->mutex);
	if (last)
		free(flight);
	flights->landed(flights->context);
}

static void fly(struct flight *flight)
{
	struct flight_job job = flight->job;
	int r = flight->cancelled ? -ECANCELED : job.fly(job.context, &flight->cancelled);

	/* Before others hear of it: what it held may be what they wait for. */
	job.release(job.context);
	flight_land(flight, r);
}

static void *run(void *arg)
{
	struct flights *flights = arg;

	pthread_mutex_lock(&flights->mutex);
	while (flights->queue) {
		struct flight *flight = flights->queue;

		flights->queue = flight->queued;
		if (!flights->queue)
			flights->tail = &flights->queue;
		pthread_mutex_unlock(&flights->mutex);
		fly(flight);
		pthread_mutex_lock(&flights->mutex);
	}
	flights->threads--;
	pthread_cond_signal(&flights->ended);
	pthread_mutex_unlock(&flights->mutex);
	return NULL;
}

/* Counted by the caller. */
static bool start_thread(struct flights *flights)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, run, flights);
	pthread_attr_destroy(&attr);
	return r == 0;
}

void flights_spawn(struct flights *flights, struct flight *flight, const struct flight_job *job)
{
	bool start;

	pthread_mutex_lock(&flights->mutex);
	flight->job = *job;
	*flights->tail = flight;
	flights->tail = &flight->queued;
	start = flights->threads < THREADS_MAX;
	if (start)
		flights->threads++;
	pthread_mutex_unlock(&flights->mutex);
	/* Where no thread can be had the caller's does what is queued, and lets him wait. */
	if (start && !start_thread(flights))
		run(flights);
}

bool flight_is_over(struct flight *flight, int *ret_outcome)
{
	bool over;

	pthread_mutex_lock(&flight->flights->mutex);
	over = flight->over;
	if (over)
		*ret_outcome = flight->outcome;
	pthread_mutex_unlock(&flight->flights->mutex);
	return over;
}

static void leave(struct flight *flight, bool keep)
{
	struct flights *flights = flight->flights;
	bool last;

	pthread_mutex_lock(&flights->mutex);
	flight->kept |= keep;
	last = --flight->refs == 0;
	/* The one that is left is its own. */
	if (flight->refs == 1 && !flight->over && !flight->kept)
		flight->cancelled = true;
	pthread_mutex_unlock(&flights->mutex);
	if (last)
		free(flight);
}

void flight_leave(struct flight *flight)
{
	leave(flight, false);
}

void flight_leave_going(struct flight *flight)
{
	leave(flight, true);
}
