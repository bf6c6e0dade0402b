/* SPDX-License-Identifier: MIT */
/*
 * Dropping changes: of a whole session, or of single paths. The caller has closed the session's
 * gate (gate.h).
 */
#pragma once

#include "base/err.h"
#include "ctl/target.h"
#include "virt/context.h"

/* Drops all, tells the kernel and emits the event. 0, or -1 with err. */
int reset_all(struct instance *instance, uint32_t session, struct err *err);

/*
 * Drops what the upper holds at and below a path, at one instant: what is there is moved into the
 * work directory, whose content never counts, and deleted there. Nothing there is success.
 */
int reset_path(struct instance *instance, uint32_t session, const struct target_path *path,
	       struct err *err);
/* Tells the kernel and emits the event, after the last reset_path(). */
void reset_announce(struct instance *instance, uint32_t session);
