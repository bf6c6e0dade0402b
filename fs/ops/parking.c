/* SPDX-License-Identifier: MIT */
#include "ops/parking.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "lock/lock.h"

struct parked {
	struct parked *next;
	fuse_req_t req;
	struct parking *parking;
	uint64_t deadline_boot_ns;
	const _Atomic bool *due; /* NULL: always */
	parked_try_fn try_again;
	void *context;
	_Atomic bool interrupted;
};

struct parking {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	struct parked *first; /* in order; only the thread takes out. guarded by: mutex */
	struct parked **last; /* guarded by: mutex */
	uint32_t count;       /* guarded by: mutex */
	bool woken;           /* guarded by: mutex */
	bool stopping;        /* guarded by: mutex */
};

/* Called by libfuse with its own lock held: nothing but a mark and a signal. */
static void interrupted(fuse_req_t req, void *data)
{
	struct parked *parked = data;

	(void)req;
	parked->interrupted = true;
	parking_wake(parked->parking);
}

static bool is_due(const struct parked *parked)
{
	return !parked->due || atomic_load(parked->due);
}

/* Whether a round would only look in vain. */
static bool may_skip(const struct parked *parked, uint64_t now_boot_ns)
{
	return !is_due(parked) && !parked->interrupted &&
	       !(parked->deadline_boot_ns && now_boot_ns >= parked->deadline_boot_ns);
}

/*
 * libfuse calls back under the request's own lock, which this takes: after it with NULL no callback
 * is under way or comes, so that the request may be answered and its record freed.
 */
static bool try_one(struct parked *parked, bool stopping)
{
	enum parked_state state = PARKED_WAITING;
	bool done;

	fuse_req_interrupt_func(parked->req, NULL, NULL);
	if (parked->interrupted || stopping)
		state = PARKED_INTERRUPTED;
	else if (parked->deadline_boot_ns && clock_boot_ns() >= parked->deadline_boot_ns)
		state = PARKED_DEADLINE;
	done = parked->try_again(parked->req, state, parked->context);
	if (!done)
		fuse_req_interrupt_func(parked->req, interrupted, parked);
	return done;
}

/* One round over everything that waited when it began. */
static void try_all(struct parking *parking, bool stopping)
{
	uint64_t now_boot_ns = clock_boot_ns();
	struct parked **at;

	pthread_mutex_lock(&parking->mutex);
	at = &parking->first;
	while (*at) {
		struct parked *parked = *at;
		bool done;

		if (!stopping && may_skip(parked, now_boot_ns)) {
			at = &parked->next;
			continue;
		}
		pthread_mutex_unlock(&parking->mutex);
		done = try_one(parked, stopping);
		pthread_mutex_lock(&parking->mutex);
		if (!done) {
			at = &parked->next;
			continue;
		}
		*at = parked->next;
		if (parking->last == &parked->next)
			parking->last = at;
		parking->count--;
		free(parked);
	}
	pthread_mutex_unlock(&parking->mutex);
}

/*
 * How long until something is to be tried: the next deadline, or the poll where one is due all the
 * time; 0: not before somebody wakes us. A deadline that is over is polled.
 */
static long time_to_wait_locked(const struct parking *parking)
{
	const uint64_t poll_ns = PARKING_POLL_MS * NSEC_PER_MSEC;
	uint64_t wait_ns = 0, now_ns = clock_boot_ns();

	for (const struct parked *parked = parking->first; parked; parked = parked->next) {
		uint64_t own_ns = is_due(parked) ? poll_ns : 0;

		if (parked->deadline_boot_ns > now_ns &&
		    (!own_ns || parked->deadline_boot_ns < now_ns + own_ns))
			own_ns = parked->deadline_boot_ns - now_ns;
		else if (parked->deadline_boot_ns)
			own_ns = poll_ns;
		if (own_ns && (!wait_ns || own_ns < wait_ns))
			wait_ns = own_ns;
	}
	return (long)wait_ns;
}

static void wait_for_work_locked(struct parking *parking)
{
	long wait_ns = time_to_wait_locked(parking);
	struct timespec until;

	if (!wait_ns) {
		pthread_cond_wait(&parking->cond, &parking->mutex);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ns / (long)NSEC_PER_SEC;
	until.tv_nsec += wait_ns % (long)NSEC_PER_SEC;
	if (until.tv_nsec >= (long)NSEC_PER_SEC) {
		until.tv_nsec -= (long)NSEC_PER_SEC;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&parking->cond, &parking->mutex, &until);
}

static void *run(void *arg)
{
	struct parking *parking = arg;
	bool stopping = false;

	while (!stopping) {
		pthread_mutex_lock(&parking->mutex);
		if (!parking->woken && !parking->stopping)
			wait_for_work_locked(parking);
		parking->woken = false;
		stopping = parking->stopping;
		pthread_mutex_unlock(&parking->mutex);
		try_all(parking, stopping);
	}
	return NULL;
}

int parking_new(struct parking **ret_parking)
{
	struct parking *parking = calloc(1, sizeof(*parking));
	pthread_condattr_t attr;
	int r;

	if (!parking)
		return -ENOMEM;
	parking->last = &parking->first;
	pthread_mutex_init(&parking->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&parking->cond, &attr);
	pthread_condattr_destroy(&attr);
	r = pthread_create(&parking->thread, NULL, run, parking);
	if (r) {
		free(parking);
		return -r;
	}
	*ret_parking = parking;
	return 0;
}

void parking_free(struct parking *parking)
{
	if (!parking)
		return;
	pthread_mutex_lock(&parking->mutex);
	parking->stopping = true;
	pthread_cond_signal(&parking->cond);
	pthread_mutex_unlock(&parking->mutex);
	pthread_join(parking->thread, NULL);
	pthread_cond_destroy(&parking->cond);
	pthread_mutex_destroy(&parking->mutex);
	free(parking);
}

int parking_park(struct parking *parking, fuse_req_t req, uint64_t deadline_boot_ns,
		 const _Atomic bool *due, parked_try_fn try_again, void *context)
{
	struct parked *parked = calloc(1, sizeof(*parked));
	int r = 0;

	if (!parked)
		return -ENOMEM;
	*parked = (struct parked){.req = req,
				  .parking = parking,
				  .deadline_boot_ns = deadline_boot_ns,
				  .due = due,
				  .try_again = try_again,
				  .context = context};
	/* Calls back at once where the interrupt has come already: nothing may be locked here. */
	fuse_req_interrupt_func(req, interrupted, parked);
	pthread_mutex_lock(&parking->mutex);
	if (parking->count >= LOCK_WAITERS_MAX || parking->stopping) {
		r = -ENOLCK;
	} else {
		*parking->last = parked;
		parking->last = &parked->next;
		parking->count++;
		/* What it waits for may have been released just before. */
		parking->woken = true;
		pthread_cond_signal(&parking->cond);
	}
	pthread_mutex_unlock(&parking->mutex);
	if (r < 0) {
		fuse_req_interrupt_func(req, NULL, NULL);
		free(parked);
	}
	return r;
}

void parking_wake(struct parking *parking)
{
	pthread_mutex_lock(&parking->mutex);
	parking->woken = true;
	pthread_cond_signal(&parking->cond);
	pthread_mutex_unlock(&parking->mutex);
}

uint32_t parking_count(struct parking *parking)
{
	uint32_t count;

	pthread_mutex_lock(&parking->mutex);
	count = parking->count;
	pthread_mutex_unlock(&parking->mutex);
	return count;
}
