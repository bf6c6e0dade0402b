/* SPDX-License-Identifier: MIT */
/*
 * The control file (SPEC section 10, docs/ctl.md): each open of it is a conversation of requests
 * and answers. Write one JSON request (in any number of writes), read its envelope to the end;
 * then the next request may be written. The first read after a write runs the request.
 *
 * Requests are a table (requests.def): one file per family, one line per request.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "virt/context.h"

#define CTL_REQUEST_MAX (16u << 20)

struct ctl;

struct ctl *ctl_new(struct instance *instance);
/*
 * Who opened the file: reads of anybody else are answered with PERMISSION_DENIED. To be called
 * right after ctl_new(), with the uid of the OPEN request (for an adopted one, as it was then).
 */
void ctl_set_owner(struct ctl *ctl, uid_t uid);
/* Ends the run that this descriptor began, if any. */
void ctl_free(struct ctl *ctl);

/*
 * Adds a piece of a request. Returns size, or -EFBIG (over CTL_REQUEST_MAX), -ENOMEM, -EBUSY (a
 * request is being run by another thread's read). A write after an answer was begun to be read, or
 * while a request waits, starts the next request; what waited is given up.
 */
ssize_t ctl_write(struct ctl *ctl, const void *data, size_t size);

/*
 * Reads the answer: the first call runs the request on behalf of the caller. Answers are read
 * from where the last read of this answer ended, whatever the file offset; 0 is its end.
 * -EAGAIN: the request waits (`wait`); *ret_deadline_boot_ns says until when at most; call again
 * with the same arguments when a lock was released or the deadline is over. Nothing waits for
 * another client. -EBUSY: another thread's read is running the request. -ENOMEM.
 */
ssize_t ctl_read(struct ctl *ctl, pid_t tid, uid_t uid, gid_t gid, void *data, size_t size,
		 uint64_t *ret_deadline_boot_ns);
/* The run that this descriptor has begun; 0: none. For arena handle records. */
uint32_t ctl_run(const struct ctl *ctl);
/* After a crash of the worker: the descriptor is the same, its run goes on. */
void ctl_adopt_run(struct ctl *ctl, uint32_t run);
