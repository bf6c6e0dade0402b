/* SPDX-License-Identifier: MIT */
/*
 * Questions to a file system that may never answer, asked by a child process with a time limit.
 *
 * A child that is stuck in the kernel is killed and left to init: the caller goes on. Must be
 * called from a process with one thread.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * Asks the file system at path whether it is alive (statfs(2), which FUSE never answers from a
 * cache). 0, -ETIMEDOUT, or the negative errno of the call: -ENOTCONN for a dead FUSE mount.
 */
int probe_statfs(const char *path, int timeout_ms);

/*
 * Reads a file of at most `max` bytes: NUL-terminated, the caller frees. Returns its length,
 * -ETIMEDOUT, -EFBIG, or negative errno.
 */
ssize_t probe_read_file(const char *path, size_t max, int timeout_ms, char **ret_content);
