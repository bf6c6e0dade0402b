/* SPDX-License-Identifier: MIT */
/*
 * Removing names from a directory of a view: from the upper, with a whiteout where the lower would
 * show through. Each is atomic: the name goes from old to absent, whatever is killed.
 */
#pragma once

#include "view/resolve.h"
#include "view/view.h"

/* 0, -ENOENT, -EISDIR, or what the backing answers. */
int view_unlink(struct layer_dir *dir, const char *name);
/* 0, -ENOENT, -ENOTDIR, -ENOTEMPTY, or what the backing answers. */
int view_rmdir(struct layer_dir *dir, const char *name);

/*
 * The name in the upper, of whatever type, goes; a whiteout takes its place where the lower shows.
 * A directory goes with all that is in it: the caller knows that nothing in it shows.
 */
int view_discard_upper(struct layer_dir *dir, const char *name, bool directory);
