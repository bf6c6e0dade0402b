/* SPDX-License-Identifier: MIT */
/*
 * Requests that wait: parked here, never in a thread. Only READ, POLL, SETLKW and flock may be
 * parked for another client, for a parked directory operation would stop everybody in that
 * directory; and for a long copy what is done to one file (OPEN, SETATTR, SETXATTR).
 *
 * A parked request is tried again when its signal interrupts it, when its deadline is over and, while
 * it is due, when parking_wake() says that something was released and every PARKING_POLL_MS (for
 * what nobody tells us of, as a lock of an outsider). Requests are tried in the order in which they
 * were parked.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct fuse_req;
struct parking;

#define PARKING_POLL_MS 20

enum parked_state { PARKED_WAITING, PARKED_INTERRUPTED, PARKED_DEADLINE };

/*
 * Tries a parked request again. Returns true when it has replied (or handed the request on) and
 * released `context`. With PARKED_INTERRUPTED it replies EINTR and returns true, unless a signal is
 * no reason to end; it must when the session is exited (then all are tried once more, so). Called with
 * nothing held; for one request by one thread at a time, for several by as many where one is stuck.
 */
typedef bool (*parked_try_fn)(struct fuse_req *req, enum parked_state state, void *context);

int parking_new(struct parking **ret_parking);
/*
 * Interrupts what is parked. False where trying is stuck: what it uses must live as long as the
 * process.
 */
bool parking_free(struct parking *parking);
/* Called time and again by a thread that never blocks: relay_watch(). */
void parking_watch(struct parking *parking);

/*
 * deadline_boot_ns 0: none. due NULL: always due; else somebody else sets it, and it lives as long as
 * the request is parked. 0, or -ENOLCK (too many), -ENOMEM: the caller replies.
 */
int parking_park(struct parking *parking, struct fuse_req *req, uint64_t deadline_boot_ns,
		 const _Atomic bool *due, parked_try_fn try_again, void *context);
/* Something was released. Never blocks; may be called from anywhere. */
void parking_wake(struct parking *parking);
uint32_t parking_count(struct parking *parking);
