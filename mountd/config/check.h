/* SPDX-License-Identifier: MIT */
/*
 * What can be wrong with paths that are well-formed: the share that is no directory, the store
 * in a share, the mount point above one.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "config/draft.h"

/*
 * Resolves the paths of the draft (symlinks, as far as they exist) and checks them:
 *   NOT_FOUND            a share does not exist
 *   PRECONDITION_FAILED  a share is no directory; its first component is a reserved name of the
 *                        mount; shares, store or mount point lie in one another. Only the mount
 *                        point may be inside a share.
 *   VALIDATION_ERROR     two shares are the same directory; a share is "/" in the end
 */
int draft_check(struct draft *draft, struct err *err);

/* Whether a name at the top of the mount is taken by a virtual file. Pure. */
bool share_name_reserved(const char *name);

/*
 * The path with symlinks resolved as far as it exists; what does not exist is appended as it is.
 * A dead mount counts as existing. A new string, or NULL with errno.
 */
char *path_resolve(const char *path);
