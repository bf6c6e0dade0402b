/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/log.h"
#include "ops/locking.h"
#include "worker/handover.h"
#include "worker/housekeeping.h"
#include "worker/loop.h"
#include "worker/wiring.h"

/* ret_stuck: something is blocked in a system call, and still uses everything. */
static int serve(const struct heritage *heritage, struct wiring *wiring, bool *ret_stuck)
{
	struct housekeeping *housekeeping = NULL;
	unsigned int blocked = 0;
	int r = wiring_open_session(wiring);

	if (r == 0)
		r = handover_init(wiring->fs.session, heritage->fuse_fd, wiring->instance.globals);
	if (r < 0)
		return r;
	locking_restore(&wiring->fs);
	r = housekeeping_new(wiring, heritage->alive_fd, &housekeeping);
	if (r == 0)
		r = loop_run(wiring->fs.session, wiring->instance.globals, &blocked);
	*ret_stuck = !housekeeping_free(housekeeping) || blocked;
	if (*ret_stuck)
		log_warning("the worker ends while %u requests are blocked", blocked);
	return r;
}

int worker_run(const struct heritage *heritage)
{
	struct wiring *wiring;
	bool stuck = false;
	int r;

	descriptors_raise();
	atomic_store(&arena_globals(heritage->arena)->worker_answered, 0);
	r = wiring_new(heritage, &wiring);
	if (r < 0) {
		log_error("cannot set up the worker: %s", strerror(-r));
		return 1;
	}
	r = serve(heritage, wiring, &stuck);
	if (stuck) {
		locks_save_history(wiring->instance.locks);
		_exit(r < 0 ? 1 : 0);
	}
	wiring_free(wiring);
	if (r < 0 && r != -ENODEV) {
		log_error("the worker ends: %s", strerror(-r));
		return 1;
	}
	return 0;
}
