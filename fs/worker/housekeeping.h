/* SPDX-License-Identifier: MIT */
/*
 * What is done from time to time: runs whose keeper was killed, stale locks, POSIX sessions that
 * are over. A thread of its own.
 */
#pragma once

#include "worker/wiring.h"

struct housekeeping;

/* alive_fd: end of file there means that the supervisor is gone, and ends this process. */
int housekeeping_new(struct wiring *wiring, int alive_fd, struct housekeeping **ret_housekeeping);
void housekeeping_free(struct housekeeping *housekeeping);
