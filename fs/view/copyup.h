/* SPDX-License-Identifier: MIT */
/*
 * Copy-up: the first change of something that is only in the lower.
 *
 * A copy is made complete in the view's work directory (owner, mode, attributes, times, holes) and
 * then renamed into place without replacing, so that a partial one never stands under the final
 * name, and the loser of two at once finds the winner's (-EEXIST).
 */
#pragma once

#include <stdbool.h>

#include "view/resolve.h"
#include "view/view.h"

/*
 * Copies a directory up without its content, to `name` in the parent, which has an upper.
 * lower_fd: its O_PATH fd in the lower. 0, -EEXIST, or negative errno.
 */
int copyup_directory(struct layer_dir *parent, const char *name, int lower_fd);

/*
 * Copies anything but a directory up; makes the ancestors' uppers first. `truncate`: of a regular
 * file no data is copied. 0 (also where somebody else has just done it; with truncate the
 * file is then truncated), or negative errno; -ENOENT where the lower lost it.
 */
int copyup_entry(struct layer_dir *dir, const char *name, bool truncate);

/*
 * Copies what has no name in the view any more, from its O_PATH fd in the lower. Returns an O_PATH fd
 * of the copy, which has no name either, or negative errno.
 */
int copyup_nameless(struct view *view, int lower_fd);

/*
 * Copies a file, symlink or special file from src_fd (O_PATH, O_NOFOLLOW) to a new name, with
 * owner, mode, attributes and times. `truncate` as above. Never replaces.
 */
int copyup_copy(const struct layout_names *names, int src_fd, const struct stat *st, int dirfd,
		const char *name, bool truncate, bool record_base);
