/* SPDX-License-Identifier: MIT */
/*
 * Names of the upper on stable storage.
 *
 * Programs take it that fsync of a file that was just made, or written for the first time, keeps its
 * name too; in a view that name may hang on directories that were just copied up. ext4 (with its
 * journal), xfs and btrfs commit with an inode all that was done to names before, so an fsync (not
 * fdatasync) of the file is enough there. Elsewhere every directory above is synced that was not.
 */
#pragma once

#include "view/view.h"

/* Whether the file system that fd is on keeps names with what they stand for. */
bool durable_with_file(int fd);
/*
 * Brings the names in a directory that has an upper to stable storage, and the directory's own, up to
 * the store. 0 or negative errno.
 */
int durable_names(struct layer_dir *dir);
