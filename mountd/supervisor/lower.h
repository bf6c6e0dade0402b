/* SPDX-License-Identifier: MIT */
/*
 * The lowers: what the shares hold beneath our own mount.
 */
#pragma once

#include <stdbool.h>

#include "base/config.h"
#include "base/err.h"

/*
 * Opens each share's lower_fd: a private clone of the share and the mounts below it, taken before
 * ours comes into being, so that no walk can enter us even where the mount point is in the share.
 * Where the kernel refuses clones a plain O_PATH fd is used, and a warning logged: then a mount
 * point inside a share is refused (PRECONDITION_FAILED). Call after dead mounts were cleared away.
 * Returns 0 or -1; the fds belong to config.
 */
int lower_open_all(struct config *config, struct err *err);
