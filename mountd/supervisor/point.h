/* SPDX-License-Identifier: MIT */
/*
 * The mount point before and after the mount: what stands there, clearing away what is dead,
 * making it, removing it again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "store/store.h"

enum point_state {
	POINT_MISSING,
	POINT_EMPTY,     /* a directory with nothing in it */
	POINT_DEAD,      /* a FUSE mount without a server */
	POINT_SESSIONFS, /* a sessionfs that answers */
};

/*
 * Looks at the mount point without changing it. Returns 0, or -1:
 *   PRECONDITION_FAILED  a file, a directory that is not empty, or another file system is there
 *   UNAVAILABLE          a FUSE mount that neither answers nor is dead
 */
int point_examine(const char *path, enum point_state *ret_state, struct err *err);

/* Detaches dead FUSE mounts from path, as many as are stacked there. Returns 0 or -1. */
int point_clear(const char *path, struct err *err);

/* Remembers which directories point_make() made. */
struct point_made {
	size_t keep_len; /* the part of the path that stood before; 0: nothing was made */
};

/* Makes the directory and missing parents (0755). Undoes itself on failure. Returns 0 or -1. */
int point_make(const char *path, struct point_made *ret_made, struct err *err);
/* Removes what was made, as far as it is empty. */
void point_unmake(const char *path, const struct point_made *made);

/*
 * A killed supervisor unmakes nothing: what it made is remembered in the store, and is what the
 * next one has made, where that directory still stands. Adds to *made. An error is logged only.
 */
void point_remember(const char *path, struct store *store, struct point_made *made);
void point_forget(struct store *store);
