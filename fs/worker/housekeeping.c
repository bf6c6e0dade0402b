/* SPDX-License-Identifier: MIT */
#include "worker/housekeeping.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "session/posix_sessions.h"

/* Orphaned runs are looked at each time, the rest every ROUNDS_PER_SECOND-th. */
#define INTERVAL_MS 250
#define ROUNDS_PER_SECOND 4

struct housekeeping {
	struct wiring *wiring;
	int alive_fd;
	int stop_fd; /* eventfd */
	pthread_t thread;
};

static void posix_session_dropped(uint32_t session, void *context)
{
	struct wiring *wiring = context;

	wiring->instance.session_changed(session, true, wiring);
}

static void round_of_work(struct wiring *wiring, unsigned int round)
{
	struct instance *instance = &wiring->instance;

	runs_sweep(instance->runs);
	if (round % ROUNDS_PER_SECOND)
		return;
	locks_sweep(instance->locks);
	posix_sessions_sweep(instance->registry, instance->runs, posix_session_dropped, wiring);
}

static void *run(void *arg)
{
	struct housekeeping *housekeeping = arg;
	struct pollfd fds[2] = {{.fd = housekeeping->stop_fd, .events = POLLIN},
				{.fd = housekeeping->alive_fd, .events = POLLIN}};

	for (unsigned int round = 1;; round++) {
		poll(fds, 2, INTERVAL_MS);
		if (fds[0].revents)
			return NULL;
		/* Without a supervisor nobody would restart us or unmount: the mount ends here. */
		if (fds[1].revents & (POLLHUP | POLLERR)) {
			log_error("the supervisor is gone: the worker ends");
			_exit(1);
		}
		round_of_work(housekeeping->wiring, round);
	}
}

int housekeeping_new(struct wiring *wiring, int alive_fd, struct housekeeping **ret_housekeeping)
{
	struct housekeeping *housekeeping = calloc(1, sizeof(*housekeeping));
	int r;

	if (!housekeeping)
		return -ENOMEM;
	housekeeping->wiring = wiring;
	housekeeping->alive_fd = alive_fd;
	housekeeping->stop_fd = eventfd(0, EFD_CLOEXEC);
	r = housekeeping->stop_fd < 0 ? -errno : 0;
	if (r == 0)
		r = -pthread_create(&housekeeping->thread, NULL, run, housekeeping);
	if (r < 0) {
		if (housekeeping->stop_fd >= 0)
			close(housekeeping->stop_fd);
		free(housekeeping);
		return r;
	}
	*ret_housekeeping = housekeeping;
	return 0;
}

void housekeeping_free(struct housekeeping *housekeeping)
{
	if (!housekeeping)
		return;
	eventfd_write(housekeeping->stop_fd, 1);
	pthread_join(housekeeping->thread, NULL);
	close(housekeeping->stop_fd);
	free(housekeeping);
}
