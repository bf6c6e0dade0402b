/* SPDX-License-Identifier: MIT */
/*
 * What is done from time to time: runs whose keeper was killed, stale locks, POSIX sessions that
 * are over; and the watch over who does it, and over the supervisor. Threads of its own.
 */
#pragma once

#include <stdbool.h>

#include "worker/wiring.h"

struct housekeeping;

/* alive_fd: end of file there means that the supervisor is gone, and ends this process. */
int housekeeping_new(struct wiring *wiring, int alive_fd, struct housekeeping **ret_housekeeping);
/* False where a part of it is stuck: what it uses must live as long as the process. */
bool housekeeping_free(struct housekeeping *housekeeping);
