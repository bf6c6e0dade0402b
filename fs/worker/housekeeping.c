/* SPDX-License-Identifier: MIT */
#include "worker/housekeeping.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "ops/notifier.h"
#include "ops/parking.h"
#include "ops/room.h"
#include "session/posix_sessions.h"
#include "session/usage.h"
#include "worker/rounds.h"

#define RUNS_INTERVAL_MS 250
#define SWEEP_INTERVAL_MS 1000
#define WATCH_INTERVAL_MS 250

struct housekeeping {
	struct wiring *wiring;
	int alive_fd;
	int stop_fd; /* eventfd */
	struct rounds *runs;
	struct rounds *sweeps;
	struct rounds *counts; /* of what sessions hold; NULL: nothing is limited */
	bool watches;          /* the thread is there */
	pthread_t thread;
};

static void posix_session_dropped(uint32_t session, void *context)
{
	struct wiring *wiring = context;

	wiring->instance.session_changed(session, true, wiring);
}

static void look_at_runs(void *context)
{
	struct wiring *wiring = context;

	runs_sweep(wiring->instance.runs);
}

static void sweep(void *context)
{
	struct wiring *wiring = context;
	struct instance *instance = &wiring->instance;

	locks_sweep(instance->locks);
	/* What the kernel forgets in a wave it does not ask for again soon. */
	if (arena_trim(instance->arena))
		malloc_trim(0);
	posix_sessions_sweep(instance->registry, instance->runs, posix_session_dropped, wiring);
}

static void look_at_room(void *context)
{
	struct wiring *wiring = context;

	room_sweep(&wiring->fs);
}

/* Does nothing that may block. */
static void *watch(void *arg)
{
	struct housekeeping *housekeeping = arg;
	struct pollfd fds[2] = {{.fd = housekeeping->stop_fd, .events = POLLIN},
				{.fd = housekeeping->alive_fd, .events = POLLIN}};

	for (;;) {
		poll(fds, 2, WATCH_INTERVAL_MS);
		if (fds[0].revents)
			return NULL;
		/* Without a supervisor nobody would restart us or unmount: the mount ends here. */
		if (fds[1].revents & (POLLHUP | POLLERR)) {
			log_error("the supervisor is gone: the worker ends");
			_exit(1);
		}
		rounds_watch(housekeeping->runs);
		rounds_watch(housekeeping->sweeps);
		if (housekeeping->counts)
			rounds_watch(housekeeping->counts);
		notifier_watch(housekeeping->wiring->fs.notifier);
		parking_watch(housekeeping->wiring->fs.parking);
	}
}

static int start(struct housekeeping *housekeeping)
{
	struct wiring *wiring = housekeeping->wiring;
	int r;

	housekeeping->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (housekeeping->stop_fd < 0)
		return -errno;
	r = rounds_new(RUNS_INTERVAL_MS, look_at_runs, wiring, &housekeeping->runs);
	if (r == 0)
		r = rounds_new(SWEEP_INTERVAL_MS, sweep, wiring, &housekeeping->sweeps);
	if (r == 0 && usage_limited(wiring->instance.config))
		r = rounds_new(SWEEP_INTERVAL_MS, look_at_room, wiring, &housekeeping->counts);
	if (r == 0)
		r = -pthread_create(&housekeeping->thread, NULL, watch, housekeeping);
	housekeeping->watches = r == 0;
	return r;
}

int housekeeping_new(struct wiring *wiring, int alive_fd, struct housekeeping **ret_housekeeping)
{
	struct housekeeping *housekeeping = calloc(1, sizeof(*housekeeping));
	int r;

	if (!housekeeping)
		return -ENOMEM;
	housekeeping->wiring = wiring;
	housekeeping->alive_fd = alive_fd;
	r = start(housekeeping);
	if (r < 0) {
		housekeeping_free(housekeeping);
		return r;
	}
	*ret_housekeeping = housekeeping;
	return 0;
}

bool housekeeping_free(struct housekeeping *housekeeping)
{
	bool runs_ended, sweeps_ended, counts_ended;

	if (!housekeeping)
		return true;
	if (housekeeping->watches) {
		eventfd_write(housekeeping->stop_fd, 1);
		pthread_join(housekeeping->thread, NULL);
	}
	if (housekeeping->stop_fd >= 0)
		close(housekeeping->stop_fd);
	runs_ended = rounds_free(housekeeping->runs);
	sweeps_ended = rounds_free(housekeeping->sweeps);
	counts_ended = rounds_free(housekeeping->counts);
	free(housekeeping);
	return runs_ended && sweeps_ended && counts_ended;
}
