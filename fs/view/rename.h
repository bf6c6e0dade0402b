/* SPDX-License-Identifier: MIT */
/*
 * Renaming within a view: over layers, over whiteouts, between classes.
 *
 * A directory that has a lower is not copied: its upper gets a redirect to that lower, and moves.
 * What moves between a name that lives in the upper and one that lives in the lower (a file of
 * class lock renamed over a private one) is copied under a temporary name and renamed into place;
 * directories do not (-EXDEV).
 */
#pragma once

#include "view/resolve.h"
#include "view/view.h"

/*
 * flags: 0, RENAME_NOREPLACE or RENAME_EXCHANGE. Both directories are of one view. 0 or negative
 * errno as rename(2). moved_dir (may be NULL) is the directory object of the source that others use,
 * where it is a directory: it gets its upper. displaced_dir likewise of the target, with
 * RENAME_EXCHANGE.
 */
int view_rename(struct layer_dir *old_dir, const char *old_name, struct layer_dir *new_dir,
		const char *new_name, unsigned int flags, struct layer_dir *moved_dir,
		struct layer_dir *displaced_dir);
