/* SPDX-License-Identifier: MIT */
/*
 * From one worker to the next over one /dev/fuse.
 *
 * The kernel says INIT once. The first worker saves it in the arena; a later one replays it into
 * libfuse (the kernel answers the unknown number with ENOENT, which is ignored), and then asks the
 * kernel to send again what the killed worker had read and not answered.
 */
#pragma once

#include "base/arena.h"

struct fuse_session;

/*
 * Brings the session to the state after INIT. Returns 0, -ENODEV (unmounted), or negative errno.
 */
int handover_init(struct fuse_session *session, int fuse_fd, struct arena_globals *globals);
