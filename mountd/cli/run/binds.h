/* SPDX-License-Identifier: MIT */
/*
 * Mounts that a run moves over paths of its namespace.
 *
 * All sources are cloned first (binds_add), while the host's image still stands; then all are
 * moved in place (binds_apply). So a source may lie below a target: the mount point of sessionfs
 * inside a share, a host socket below the share that its view replaces.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

struct bind {
	int tree_fd; /* a detached clone */
	char *target;
	bool optional; /* a target that the view does not have is passed over */
};

struct binds {
	struct bind *items;
	size_t count;
	size_t capacity;
};

void binds_release(struct binds *binds);
#define _cleanup_binds_ _cleanup_(binds_release)

/*
 * Clones the mount at `source` (with the mounts below it where `recursive`), to be moved to
 * `target`. Returns 0 or negative errno.
 */
int binds_add(struct binds *binds, const char *source, const char *target, bool recursive,
	      bool optional);
/* Whether a bind covers that path already. */
bool binds_cover(const struct binds *binds, const char *path);
/* Moves them in the order of their addition. IO_ERROR names the target. */
int binds_apply(struct binds *binds, struct err *err);
