/* SPDX-License-Identifier: MIT */
/*
 * Requests that may have to wait for a long copy (flights.h): tried at once, and as long as the copy
 * is under way parked and tried again when it is over.
 *
 * A signal does not end the wait, for no program expects EINTR of an open of a regular file; one that
 * kills the caller does.
 */
#pragma once

#include <fuse_lowlevel.h>
#include <stddef.h>

#include "ops/flights.h"
#include "ops/fs.h"

/*
 * Carries a request out. Replies and returns 0; or returns -EINPROGRESS, without a reply, with a
 * reference in ret_flight: it is then called again when that is over.
 */
typedef int (*deferred_fn)(struct fs *fs, fuse_req_t req, const void *call,
			   struct flight **ret_flight);

/* Calls fn now, or parks. `call` (size bytes, borrowed) describes the request; it is kept as a copy. */
void deferred_run(struct fs *fs, fuse_req_t req, deferred_fn fn, const void *call, size_t size);
