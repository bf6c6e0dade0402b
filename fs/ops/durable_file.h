/* SPDX-License-Identifier: MIT */
/*
 * fsync and O_SYNC: the data, and the names that lead to them (view/durable.h).
 */
#pragma once

#include "ops/fs.h"

/* fsync, or fdatasync where `data_only` and the name is known to be durable. 0 or negative errno. */
int durable_file(struct fs *fs, const struct node_info *node, int fd, bool data_only);
/* The same for a directory: its names, and its own. fd: of its upper, or its lower where it has none. */
int durable_dir(struct fs *fs, const struct node_info *node, int fd);
/*
 * A file was opened: one whose writes are synchronous is durable from the start, for the kernel does
 * those by itself. fd: O_PATH will do. 0 or negative errno.
 */
int durable_opened(struct fs *fs, const struct node_info *node, int fd, int flags);
