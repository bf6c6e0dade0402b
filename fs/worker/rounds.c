/* SPDX-License-Identifier: MIT */
#include "worker/rounds.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/relay.h"

struct rounds {
	unsigned int interval_ms;
	rounds_fn round;
	void *context;
	struct relay *relay;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool stopping; /* guarded by: mutex */
};

/* Returns whether there is to be another round. */
static bool pause_between(struct rounds *rounds)
{
	struct timespec until = cond_deadline(rounds->interval_ms * NSEC_PER_MSEC);
	bool stopping;
	int r = 0;

	pthread_mutex_lock(&rounds->mutex);
	while (!rounds->stopping && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&rounds->cond, &rounds->mutex, &until);
	stopping = rounds->stopping;
	pthread_mutex_unlock(&rounds->mutex);
	return !stopping;
}

static void run(struct relay_turn *turn, void *context)
{
	struct rounds *rounds = context;

	do {
		relay_enter(turn);
		rounds->round(rounds->context);
		if (!relay_leave(turn))
			return;
	} while (pause_between(rounds));
}

int rounds_new(unsigned int interval_ms, rounds_fn round, void *context, struct rounds **ret_rounds)
{
	struct rounds *rounds = calloc(1, sizeof(*rounds));
	int r;

	if (!rounds)
		return -ENOMEM;
	rounds->interval_ms = interval_ms;
	rounds->round = round;
	rounds->context = context;
	pthread_mutex_init(&rounds->mutex, NULL);
	cond_init(&rounds->cond);
	r = relay_new(run, rounds, &rounds->relay);
	if (r < 0) {
		rounds_free(rounds);
		return r;
	}
	*ret_rounds = rounds;
	return 0;
}

void rounds_watch(struct rounds *rounds)
{
	relay_watch(rounds->relay);
}

bool rounds_free(struct rounds *rounds)
{
	if (!rounds)
		return true;
	pthread_mutex_lock(&rounds->mutex);
	rounds->stopping = true;
	pthread_cond_broadcast(&rounds->cond);
	pthread_mutex_unlock(&rounds->mutex);
	if (!relay_free(rounds->relay))
		return false;
	pthread_cond_destroy(&rounds->cond);
	pthread_mutex_destroy(&rounds->mutex);
	free(rounds);
	return true;
}
