/* SPDX-License-Identifier: MIT */
#include "ops/deferred.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/proc.h"
#include "ops/parking.h"

struct deferred {
	struct fs *fs;
	struct flight *flight; /* a reference */
	deferred_fn fn;
	_Alignas(max_align_t) unsigned char call[];
};

/* Whether whoever was interrupted is about to end; the kernel lets him wait for our answer even so. */
static bool is_dying(fuse_req_t req)
{
	return proc_is_being_killed(fuse_req_ctx(req)->pid);
}

static bool try_parked(fuse_req_t req, enum parked_state state, void *context)
{
	struct deferred *deferred = context;
	struct flight *flight = deferred->flight;
	int r;

	if (flight_is_over(flight, &r)) {
		flight_leave(flight);
		/* A copy that others had given up is begun anew. */
		if (r == 0 || r == -ECANCELED)
			r = deferred->fn(deferred->fs, req, deferred->call, &deferred->flight);
		else
			fs_reply(req, r);
		if (r == -EINPROGRESS)
			return false;
	} else if (state == PARKED_INTERRUPTED &&
		   (fuse_session_exited(deferred->fs->session) || is_dying(req))) {
		flight_leave(flight);
		fuse_reply_err(req, EINTR);
	} else {
		return false;
	}
	free(deferred);
	return true;
}

static int park(struct fs *fs, fuse_req_t req, struct flight *flight, deferred_fn fn,
		const void *call, size_t size)
{
	struct deferred *deferred = malloc(sizeof(*deferred) + size);
	int r;

	if (!deferred)
		return -ENOMEM;
	deferred->fs = fs;
	deferred->flight = flight;
	deferred->fn = fn;
	memcpy(deferred->call, call, size);
	r = parking_park(fs->parking, req, 0, NULL, try_parked, deferred);
	if (r < 0)
		free(deferred);
	return r;
}

void deferred_run(struct fs *fs, fuse_req_t req, deferred_fn fn, const void *call, size_t size)
{
	struct flight *flight;
	int r = fn(fs, req, call, &flight);

	if (r != -EINPROGRESS)
		return;
	r = park(fs, req, flight, fn, call, size);
	if (r < 0) {
		flight_leave(flight);
		fs_reply(req, r);
	}
}
