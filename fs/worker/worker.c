/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "ops/locking.h"
#include "worker/handover.h"
#include "worker/housekeeping.h"
#include "worker/loop.h"
#include "worker/wiring.h"

/* Cached directories take two descriptors each, open files without passthrough one. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max = 1u << 20;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int serve(const struct heritage *heritage, struct wiring *wiring, unsigned int *ret_stuck)
{
	struct housekeeping *housekeeping = NULL;
	int r = wiring_open_session(wiring);

	if (r == 0)
		r = handover_init(wiring->fs.session, heritage->fuse_fd, wiring->instance.globals);
	if (r < 0)
		return r;
	locking_restore(&wiring->fs);
	r = housekeeping_new(wiring, heritage->alive_fd, &housekeeping);
	if (r == 0)
		r = loop_run(wiring->fs.session, wiring->instance.globals, ret_stuck);
	if (*ret_stuck)
		return r;
	housekeeping_free(housekeeping);
	return r;
}

int worker_run(const struct heritage *heritage)
{
	struct wiring *wiring;
	unsigned int stuck = 0;
	int r;

	raise_descriptor_limit();
	atomic_store(&arena_globals(heritage->arena)->worker_answered, 0);
	r = wiring_new(heritage, &wiring);
	if (r < 0) {
		log_error("cannot set up the worker: %s", strerror(-r));
		return 1;
	}
	r = serve(heritage, wiring, &stuck);
	/* Whoever is blocked in a request still uses it all. */
	if (stuck) {
		log_warning("unmounted while %u requests were blocked", stuck);
		locks_save_history(wiring->instance.locks);
		_exit(r < 0);
	}
	wiring_free(wiring);
	if (r < 0 && r != -ENODEV) {
		log_error("the worker ends: %s", strerror(-r));
		return 1;
	}
	return 0;
}
