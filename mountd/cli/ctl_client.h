/* SPDX-License-Identifier: MIT */
/*
 * The control file from the asking side (docs/ctl.md): open, write a request, read its envelope.
 *
 * Errors are those a person can act on: UNAVAILABLE where nothing is mounted (with `sessionfs
 * mount` as suggestion) or the daemon is gone, PERMISSION_DENIED, IO_ERROR.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"
#include "cli/verb.h"

/* Opens <mountpoint>/ctl (close-on-exec). Returns the fd, or -1 with err. */
int ctl_open(const char *mountpoint, struct err *err);

/*
 * Whether what is mounted there answers: 0, or -1 with UNAVAILABLE where its daemon is gone or has
 * not answered within CTL_ANSWER_MS. Costs a fork, for whoever waits for FUSE can hardly be called back.
 * What is no mount is ctl_open()'s to tell.
 */
#define CTL_ANSWER_MS 5000
int ctl_check(const char *mountpoint, struct err *err);

/* {"op": op}: a request to add members to. A new reference. */
json_t *ctl_request(const char *op);

/*
 * Asks on an open control file and waits for the answer, however long it takes. Takes `request`,
 * always (NULL: out of memory). Returns 0 with the parts of the envelope in `answer`
 * (answer->error set where the daemon refused), or -1 with err where there was no envelope.
 */
int ctl_ask_consume(int fd, json_t *request, struct answer *answer, struct err *err);

/* Check, open, ask, close. What most verbs' act() is made of. */
int ctl_call_consume(const struct call *call, json_t *request, struct answer *answer,
		     struct err *err);
