/* SPDX-License-Identifier: MIT */
/*
 * Long copies, each in a thread of its own, and one at a time for each file: who wants what is
 * under way joins it. Nobody waits in here; a request that waits is parked (deferred.h) and looks
 * whether the flight is over each time it is tried.
 *
 *	if (flights_board(flights, &key, &flight) > 0) {	it is ours to fly
 *		flights_spawn(flights, flight, &job);		long: in a thread
 *		or outcome = ...; flight_land(flight, outcome);	short: here and now
 *	}
 *	... flight_is_over(flight, &outcome) ...
 *	flight_leave(flight);
 *
 * A flight that everybody has left is cancelled.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct flights;
struct flight;

/* One file, whatever its names. nodeid 0 where device and inode say it all. */
struct flight_key {
	uint64_t nodeid;
	uint64_t dev;
	uint64_t ino;
};

struct flight_job {
	/* Does the copy; `cancelled` as for copydata(). Returns 0 or negative errno. */
	int (*fly)(void *context, const _Atomic bool *cancelled);
	/* Called once, when the job is over or could not be begun. */
	void (*release)(void *context);
	void *context;
};

/* `landed` is called after each flight, with nothing held. */
int flights_new(void (*landed)(void *context), void *context, struct flights **ret_flights);
/*
 * Cancels all, and waits for the threads a while; what is spawned after ends with -ECANCELED at once.
 * False where one is stuck (in a share that does not answer): what it uses must live as long as the
 * process then.
 */
bool flights_stop(struct flights *flights);
/* After a flights_stop() that was true, and when everybody has left. */
void flights_free(struct flights *flights);

/* Joins the flight of this key, 0, or makes one, 1; both with a reference. Or -ENOMEM. */
int flights_board(struct flights *flights, const struct flight_key *key,
		  struct flight **ret_flight);
/* Has a flight that one has made flown by a thread, which lands it. */
void flights_spawn(struct flights *flights, struct flight *flight, const struct flight_job *job);
/* Ends a flight that one has made. */
void flight_land(struct flight *flight, int outcome);

/* Whether it is over, and what came of it. */
bool flight_is_over(struct flight *flight, int *ret_outcome);
/* Gives a reference back. */
void flight_leave(struct flight *flight);
/* The same, but the flight goes on also where nobody waits for it. */
void flight_leave_going(struct flight *flight);
