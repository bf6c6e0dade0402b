/* SPDX-License-Identifier: MIT */
/*
 * Who sees which lock: whose path he could stat without sessionfs (SPEC section 3).
 *
 * Only the user's id is known here, not his groups: a directory that is not his own lets him
 * through where both its group and everybody may search it. So nothing is shown that stat() would
 * refuse; what is missed are locks in directories that only a group may enter.
 */
#pragma once

#include <stdbool.h>

#include "virt/context.h"

/*
 * Whether uid may search every directory on the way to a path of a share: those above the share,
 * its root, and those below down to the last slash. Touches the file system, never through our own
 * mount.
 */
bool visible_path(const struct config *config, uint32_t share, const char *path, uid_t uid);

/* Whether a path of a share lies in the directory of a lock: nothing there is one of its own. */
bool visible_in_lock(const struct instance *instance, uint32_t share, const char *path);
/* Whether it is a lock by its name, and lies in no lock's directory. */
bool visible_is_lock(const struct instance *instance, uint32_t share, const char *path);
/* Whether uid may see the lock; one that is private to a session only that session's user. */
bool visible_lock(struct instance *instance, const struct lock_record *lock, uid_t uid);
