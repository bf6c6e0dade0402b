/* SPDX-License-Identifier: MIT */
#include "ops/parking.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/relay.h"
#include "lock/lock.h"

struct parked {
	struct parked *next, *previous;
	fuse_req_t req;
	struct parking *parking;
	uint64_t deadline_boot_ns;
	const _Atomic bool *due; /* NULL: always */
	parked_try_fn try_again;
	void *context;
	_Atomic bool interrupted;
	bool tried; /* a thread is at it, and it alone may take it out. guarded by: parking->mutex */
};

struct parking {
	struct relay *relay;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	struct parked *first, *last; /* in order. guarded by: mutex */
	uint32_t count;              /* guarded by: mutex */
	bool woken;                  /* guarded by: mutex */
	bool stopping;               /* guarded by: mutex */
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

static void add_locked(struct parking *parking, struct parked *parked)
{
	parked->previous = parking->last;
	*(parking->last ? &parking->last->next : &parking->first) = parked;
	parking->last = parked;
	parking->count++;
}

static void remove_locked(struct parking *parking, struct parked *parked)
{
	*(parked->previous ? &parked->previous->next : &parking->first) = parked->next;
	*(parked->next ? &parked->next->previous : &parking->last) = parked->previous;
	parking->count--;
}

/*
 * One round over everything that waited when it began. Returns false where another thread has taken
 * over, for this one was stuck in a share that does not answer.
 */
static bool try_all(struct parking *parking, struct relay_turn *turn, bool stopping)
{
	uint64_t now_boot_ns = clock_boot_ns();
	struct parked *next;
	bool stays = true;

	pthread_mutex_lock(&parking->mutex);
	for (struct parked *parked = parking->first; stays && parked; parked = next) {
		bool done;

		next = parked->next;
		if (parked->tried || (!stopping && may_skip(parked, now_boot_ns)))
			continue;
		parked->tried = true;
		pthread_mutex_unlock(&parking->mutex);
		relay_enter(turn);
		done = try_one(parked, stopping);
		stays = relay_leave(turn);
		pthread_mutex_lock(&parking->mutex);
		parked->tried = false;
		next = parked->next;
		if (done) {
			remove_locked(parking, parked);
			free(parked);
		}
	}
	if (!stays) {
		/* The other did not reckon with what was tried here. */
		parking->woken = true;
		pthread_cond_broadcast(&parking->cond);
	}
	pthread_mutex_unlock(&parking->mutex);
	return stays;
}

/*
 * How long until something is to be tried: the next deadline, or the poll where one is due all the
 * time; 0: not before somebody wakes us. A deadline that is over is polled.
 */
static uint64_t time_to_wait_locked(const struct parking *parking)
{
	const uint64_t poll_ns = PARKING_POLL_MS * NSEC_PER_MSEC;
	uint64_t wait_ns = 0, now_ns = clock_boot_ns();

	for (const struct parked *parked = parking->first; parked; parked = parked->next) {
		uint64_t own_ns = is_due(parked) ? poll_ns : 0;

		if (parked->tried)
			continue;
		if (parked->deadline_boot_ns > now_ns &&
		    (!own_ns || parked->deadline_boot_ns < now_ns + own_ns))
			own_ns = parked->deadline_boot_ns - now_ns;
		else if (parked->deadline_boot_ns)
			own_ns = poll_ns;
		if (own_ns && (!wait_ns || own_ns < wait_ns))
			wait_ns = own_ns;
	}
	return wait_ns;
}

static void wait_for_work_locked(struct parking *parking)
{
	uint64_t wait_ns = time_to_wait_locked(parking);
	struct timespec until;

	if (!wait_ns) {
		pthread_cond_wait(&parking->cond, &parking->mutex);
		return;
	}
	until = cond_deadline(wait_ns);
	pthread_cond_timedwait(&parking->cond, &parking->mutex, &until);
}

static void run(struct relay_turn *turn, void *context)
{
	struct parking *parking = context;
	bool stopping = false;

	while (!stopping) {
		pthread_mutex_lock(&parking->mutex);
		if (!parking->woken && !parking->stopping)
			wait_for_work_locked(parking);
		parking->woken = false;
		stopping = parking->stopping;
		pthread_mutex_unlock(&parking->mutex);
		if (!try_all(parking, turn, stopping))
			return;
	}
}

int parking_new(struct parking **ret_parking)
{
	struct parking *parking = calloc(1, sizeof(*parking));
	int r;

	if (!parking)
		return -ENOMEM;
	pthread_mutex_init(&parking->mutex, NULL);
	cond_init(&parking->cond);
	r = relay_new(run, parking, &parking->relay);
	if (r < 0) {
		free(parking);
		return r;
	}
	*ret_parking = parking;
	return 0;
}

bool parking_free(struct parking *parking)
{
	if (!parking)
		return true;
	pthread_mutex_lock(&parking->mutex);
	parking->stopping = true;
	pthread_cond_broadcast(&parking->cond);
	pthread_mutex_unlock(&parking->mutex);
	if (!relay_free(parking->relay))
		return false;
	pthread_cond_destroy(&parking->cond);
	pthread_mutex_destroy(&parking->mutex);
	free(parking);
	return true;
}

void parking_watch(struct parking *parking)
{
	relay_watch(parking->relay);
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
		add_locked(parking, parked);
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
