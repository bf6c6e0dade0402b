/* SPDX-License-Identifier: MIT */
/*
 * The instance put together: every part of it, made in the order in which they depend on each
 * other, and released in the reverse.
 */
#pragma once

#include "ops/fs.h"
#include "virt/context.h"
#include "worker/worker.h"

struct wiring {
	const struct heritage *heritage;
	struct instance instance;
	struct identity identity;
	struct fs fs;
};

/* Makes everything but the FUSE session and its threads. 0 or negative errno. */
int wiring_new(const struct heritage *heritage, struct wiring **ret_wiring);
/* Makes the FUSE session over the inherited fd, and what sends to it. 0 or negative errno. */
int wiring_open_session(struct wiring *wiring);
void wiring_free(struct wiring *wiring);

/* The operations, of all families. */
void wiring_operations(struct fuse_lowlevel_ops *ret_ops);
