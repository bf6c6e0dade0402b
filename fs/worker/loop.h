/* SPDX-License-Identifier: MIT */
/*
 * The threads that serve requests (pool.h). They differ in no state but what the kernel keeps per
 * thread (file-system ids, umask).
 */
#pragma once

#include "base/arena.h"

struct fuse_session;

/*
 * Serves until the session ends (unmounted, or fuse_session_exit). Returns 0, or negative errno where
 * reading failed for another reason. ret_stuck: requests that somebody is still in, blocked: the
 * process must end without releasing anything.
 */
int loop_run(struct fuse_session *session, struct arena_globals *globals, unsigned int *ret_stuck);
