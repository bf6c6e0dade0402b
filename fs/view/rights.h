/* SPDX-License-Identifier: MIT */
/*
 * What a view's user may do in the lower of a directory.
 *
 * The kernel checks rights by what the view shows, and of a directory that was copied up that is the
 * copy's owner, mode and ACL. The lower has its own, and they may have changed since: its owner may have
 * closed it, or have put another directory in its place. Where they are neither the copy's nor those that
 * the copy was made of, the lower shows only to who may enter it by them; and so does what is below. Of a directory that is in the lower
 * alone the kernel checks the right ones.
 *
 * Of the user only the uid is known here, not his groups: what only a group may do is not for him then.
 * Answers are half a second old at most.
 */
#pragma once

#include "view/view.h"

/* R_OK, W_OK and X_OK, of the directory's lower, which is there; all of them for root. */
int lower_rights(struct layer_dir *dir);

/*
 * Around a call that removes or renames a name in the lower of `a` and of `b` (may be NULL): -EACCES where
 * the user may not. Where the kernel has not checked all that it should have (sticky directories), the
 * thread is the user in between.
 */
int lower_change_begin(struct layer_dir *a, struct layer_dir *b);
void lower_change_end(void);
