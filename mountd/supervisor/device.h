/* SPDX-License-Identifier: MIT */
/*
 * /dev/fuse and mount(2).
 */
#pragma once

#include "base/err.h"
#include "base/mountinfo.h"

/* Opens /dev/fuse (close-on-exec). Returns the fd, or -1: PRECONDITION_FAILED where it is missing. */
int device_open(struct err *err);

/*
 * Mounts the connection of fuse_fd at an existing directory, and tells which mount that is.
 * Returns 0 or -1.
 */
int device_mount(int fuse_fd, const char *path, struct mount_info *ret_info, struct err *err);

/* Detaches that mount if it still stands at its path; another one is left alone. */
void device_unmount(const struct mount_info *info);

/* Whether the connection is over: unmounted or aborted. */
bool device_gone(int fuse_fd);
