/* SPDX-License-Identifier: MIT */
#include "store/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PROBE_PATH_SIZE (sizeof(STORE_TRASH) + STORE_TRASH_NAME_SIZE)

/* The disk's trouble, which says nothing about what it could do. */
static bool disk_trouble(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO ||
	       error == ENOMEM;
}

static void probe_path(struct store *store, char ret[PROBE_PATH_SIZE])
{
	char name[STORE_TRASH_NAME_SIZE];

	store_unique_name(store, name);
	snprintf(ret, PROBE_PATH_SIZE, STORE_TRASH "/%s", name);
}

static int probe_whiteout(struct store *store, struct err *err)
{
	char path[PROBE_PATH_SIZE];
	struct statfs fs;
	int error;

	probe_path(store, path);
	if (!mknodat(store->fd, path, S_IFCHR, makedev(0, 0))) {
		unlinkat(store->fd, path, 0);
		return 0;
	}
	error = errno;
	if (disk_trouble(error))
		return err_set_errno(err, ERR_IO_ERROR, error, "cannot write to the store %s",
				     store->path);
	err_set_errno(err, ERR_PRECONDITION_FAILED, error,
		      "the file system of the store %s cannot hold whiteouts (mknod c 0 0)%s",
		      store->path,
		      !fstatfs(store->fd, &fs) && fs.f_type == OVERLAYFS_SUPER_MAGIC
			      ? ", for it is an overlayfs"
			      : "");
	return err_suggest(
		err, "Name a directory on ext4, xfs, btrfs or tmpfs: sessionfs mount --store DIR");
}

static int probe_xattr(struct store *store, struct err *err)
{
	static const char *const prefixes[] = {"trusted.overlay.", "user.overlay."};
	char path[PROBE_PATH_SIZE];
	char name[64];
	_cleanup_close_ int fd = -1;
	int error = 0;

	probe_path(store, path);
	fd = openat(store->fd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, ERR_IO_ERROR, errno, "cannot write to the store %s",
				     store->path);
	unlinkat(store->fd, path, 0);
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		snprintf(name, sizeof(name), "%sopaque", prefixes[i]);
		if (!fsetxattr(fd, name, "y", 1, 0)) {
			store->xattr_prefix = prefixes[i];
			return 0;
		}
		error = errno;
		if (disk_trouble(error))
			return err_set_errno(err, ERR_IO_ERROR, error,
					     "cannot write to the store %s", store->path);
	}
	err_set_errno(err, ERR_PRECONDITION_FAILED, error,
		      "the file system of the store %s has no extended attributes", store->path);
	return err_suggest(
		err, "Name a directory on ext4, xfs, btrfs or tmpfs: sessionfs mount --store DIR");
}

int store_probe(struct store *store, struct err *err)
{
	if (probe_whiteout(store, err))
		return -1;
	return probe_xattr(store, err);
}
