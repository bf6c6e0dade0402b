/* SPDX-License-Identifier: MIT */
/*
 * Making new names in a directory of a view.
 *
 * The caller's fsuid and fsgid own what is made, and his umask is in force on the calling thread,
 * while our capabilities stay: the kernel has already checked his rights against the view
 * (default_permissions), as it does for overlayfs. A whiteout under the name is replaced
 * atomically; what is made in place of one inherits set-group-id and default ACLs all the same.
 *
 * Names whose class lives in the lower are made there. All return 0 (or an fd) or negative errno,
 * and -EEXIST where the name shows.
 */
#pragma once

#include <sys/types.h>

#include "view/resolve.h"
#include "view/view.h"

struct creator {
	uid_t uid;
	gid_t gid;
	mode_t umask;
};

/*
 * Makes and opens a regular file, always with O_EXCL. open_flags: the access mode and O_APPEND and
 * the like; never O_CREAT, O_TRUNC. Returns the fd.
 */
int view_create(struct layer_dir *dir, const char *name, int open_flags, mode_t mode,
		const struct creator *creator);
/*
 * Makes and opens (O_RDWR) a regular file without a name, with the owner, mode and ACL that one made in
 * the directory would have, in the layer that an ordinary name of it lives in (ret_layer). Returns
 * the fd; -EOPNOTSUPP where the file system has no such files.
 */
int view_tmpfile(struct layer_dir *dir, mode_t mode, const struct creator *creator,
		 enum layer *ret_layer);
int view_mkdir(struct layer_dir *dir, const char *name, mode_t mode, const struct creator *creator);
int view_symlink(struct layer_dir *dir, const char *name, const char *target,
		 const struct creator *creator);
/* Refuses a character device 0:0 with -EPERM: it would be a forged whiteout. */
int view_mknod(struct layer_dir *dir, const char *name, mode_t mode, dev_t rdev,
	       const struct creator *creator);
/*
 * Links src_name of src_dir, which is copied up first, to a new name. -EXDEV where the two names
 * live in different layers, or the directories in different views; but a lock may be made from a
 * private file (twin.h).
 */
int view_link(struct layer_dir *src_dir, const char *src_name, struct layer_dir *dir,
	      const char *name);
/* As view_link() for a file that has no name any more, or is known by fd (O_PATH) only. */
int view_link_fd(int src_fd, enum layer src_layer, struct layer_dir *dir, const char *name);
