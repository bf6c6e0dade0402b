/* SPDX-License-Identifier: MIT */
#include "base/relay.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"

/* The end waits so long for who is in a system call. */
#define END_MS 1000

struct relay {
	relay_run_fn run;
	void *context;
	pthread_mutex_t mutex;
	pthread_cond_t ended;       /* a thread has ended */
	struct relay_turn *current; /* whose turn it is; guarded by: mutex, as all below */
	unsigned int threads;
};

/* One thread's. */
struct relay_turn {
	struct relay *relay;
	bool inside;  /* guarded by: relay->mutex, as all below */
	bool watched; /* inside since before the last relay_watch() */
	bool replaced;
};

static void *serve(void *arg)
{
	struct relay_turn *turn = arg;
	struct relay *relay = turn->relay;

	relay->run(turn, relay->context);
	pthread_mutex_lock(&relay->mutex);
	if (relay->current == turn)
		relay->current = NULL;
	relay->threads--;
	pthread_cond_signal(&relay->ended);
	pthread_mutex_unlock(&relay->mutex);
	free(turn);
	return NULL;
}

/* A new thread, whose turn it is. 0 or negative errno. */
static int start_locked(struct relay *relay)
{
	struct relay_turn *turn = calloc(1, sizeof(*turn));
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	if (!turn)
		return -ENOMEM;
	turn->relay = relay;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, serve, turn);
	pthread_attr_destroy(&attr);
	if (r) {
		free(turn);
		return -r;
	}
	relay->current = turn;
	relay->threads++;
	return 0;
}

int relay_new(relay_run_fn run, void *context, struct relay **ret_relay)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	int r;

	if (!relay)
		return -ENOMEM;
	relay->run = run;
	relay->context = context;
	pthread_mutex_init(&relay->mutex, NULL);
	cond_init(&relay->ended);
	pthread_mutex_lock(&relay->mutex);
	r = start_locked(relay);
	pthread_mutex_unlock(&relay->mutex);
	if (r < 0) {
		relay_free(relay);
		return r;
	}
	*ret_relay = relay;
	return 0;
}

void relay_enter(struct relay_turn *turn)
{
	pthread_mutex_lock(&turn->relay->mutex);
	turn->inside = true;
	turn->watched = false;
	pthread_mutex_unlock(&turn->relay->mutex);
}

bool relay_leave(struct relay_turn *turn)
{
	bool stays;

	pthread_mutex_lock(&turn->relay->mutex);
	turn->inside = false;
	stays = !turn->replaced;
	pthread_mutex_unlock(&turn->relay->mutex);
	return stays;
}

void relay_watch(struct relay *relay)
{
	struct relay_turn *turn;
	int r = 0;

	pthread_mutex_lock(&relay->mutex);
	turn = relay->current;
	if (turn && turn->inside && !turn->watched) {
		turn->watched = true;
	} else if (turn && turn->inside && relay->threads < RELAY_THREADS_MAX) {
		r = start_locked(relay);
		turn->replaced = r == 0;
	}
	pthread_mutex_unlock(&relay->mutex);
	if (r < 0)
		log_warning("no thread to take over from one that is stuck: errno %d", -r);
}

bool relay_free(struct relay *relay)
{
	struct timespec until;
	bool ended;
	int r = 0;

	if (!relay)
		return true;
	until = cond_deadline(END_MS * NSEC_PER_MSEC);
	pthread_mutex_lock(&relay->mutex);
	while (relay->threads && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&relay->ended, &relay->mutex, &until);
	ended = !relay->threads;
	pthread_mutex_unlock(&relay->mutex);
	if (!ended)
		return false;
	pthread_cond_destroy(&relay->ended);
	pthread_mutex_destroy(&relay->mutex);
	free(relay);
	return true;
}
