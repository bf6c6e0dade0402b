/* SPDX-License-Identifier: MIT */
#include "view/layout.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/xattr.h>

#include "base/clock.h"
#include "base/sys.h"

void layout_names_init(struct layout_names *names, const char *overlay_prefix)
{
	const char *own = strncmp(overlay_prefix, "user.", 5) == 0 ? "user.sessionfs."
								   : "trusted.sessionfs.";

	snprintf(names->prefix, sizeof(names->prefix), "%s", overlay_prefix);
	snprintf(names->own_prefix, sizeof(names->own_prefix), "%s", own);
	snprintf(names->opaque, sizeof(names->opaque), "%sopaque", overlay_prefix);
	snprintf(names->redirect, sizeof(names->redirect), "%sredirect", overlay_prefix);
	snprintf(names->whiteout, sizeof(names->whiteout), "%swhiteout", overlay_prefix);
	snprintf(names->impure, sizeof(names->impure), "%simpure", overlay_prefix);
	snprintf(names->metacopy, sizeof(names->metacopy), "%smetacopy", overlay_prefix);
	snprintf(names->base, sizeof(names->base), "%sbase", own);
	snprintf(names->pending, sizeof(names->pending), "%spending", own);
	snprintf(names->moved, sizeof(names->moved), "%smoved", own);
}

int layout_make_whiteout(int dirfd, const char *name)
{
	return mknodat(dirfd, name, S_IFCHR, makedev(0, 0)) ? -errno : 0;
}

/* O_PATH fds are refused; their path in /proc is not, but takes five times as long. */
int layout_set_xattr(int fd, const char *xattr, const void *value, size_t size)
{
	char path[32];

	if (fsetxattr(fd, xattr, value, size, 0) == 0)
		return 0;
	if (errno != EBADF)
		return -errno;
	sys_fd_path(fd, path);
	return setxattr(path, xattr, value, size, 0) ? -errno : 0;
}

int layout_set_opaque(const struct layout_names *names, int dir_fd)
{
	return layout_set_xattr(dir_fd, names->opaque, "y", 1);
}

static bool says_yes(int dir_fd, const char *xattr)
{
	char path[32];
	char value[4];

	sys_fd_path(dir_fd, path);
	return getxattr(path, xattr, value, sizeof(value)) == 1 && value[0] == 'y';
}

bool layout_is_opaque(const struct layout_names *names, int dir_fd)
{
	return says_yes(dir_fd, names->opaque);
}

/* Symlinks and special files take no user.* attributes, and some file systems none at all. */
static int unless_unsupported(int r)
{
	return r == -EPERM || r == -ENOTSUP || r == -ELOOP ? 0 : r;
}

int layout_set_impure(const struct layout_names *names, int dir_fd)
{
	return unless_unsupported(layout_set_xattr(dir_fd, names->impure, "y", 1));
}

bool layout_is_impure(const struct layout_names *names, int dir_fd)
{
	return says_yes(dir_fd, names->impure);
}

int layout_set_redirect(const struct layout_names *names, int dir_fd, const char *lower_path)
{
	char value[PATH_MAX];
	int len = snprintf(value, sizeof(value), "/%s", lower_path);

	if (len >= (int)sizeof(value))
		return -ENAMETOOLONG;
	return layout_set_xattr(dir_fd, names->redirect, value, (size_t)len);
}

int layout_get_redirect_at(const struct layout_names *names, int dirfd, const char *name,
			   char **ret_lower_path)
{
	char value[PATH_MAX];
	ssize_t len = sys_get_xattr(dirfd, name, names->redirect, value, sizeof(value) - 1);

	if (len < 0)
		return len == -ENOTSUP ? -ENODATA : (int)len;
	value[len] = '\0';
	if (value[0] != '/' || !value[1])
		return -EINVAL;
	*ret_lower_path = strdup(value + 1);
	return *ret_lower_path ? 0 : -ENOMEM;
}

int layout_get_redirect(const struct layout_names *names, int dir_fd, char **ret_lower_path)
{
	return layout_get_redirect_at(names, dir_fd, "", ret_lower_path);
}

void layout_encode_base(const struct stat *lower, struct layout_base *ret_base)
{
	*ret_base = (struct layout_base){
		.version = htole32(LAYOUT_BASE_VERSION),
		.mode = htole32(lower->st_mode),
		.uid = htole32(lower->st_uid),
		.gid = htole32(lower->st_gid),
		.dev = htole64(lower->st_dev),
		.ino = htole64(lower->st_ino),
		.size = htole64((uint64_t)lower->st_size),
		.mtime_ns = htole64((uint64_t)lower->st_mtim.tv_sec * NSEC_PER_SEC +
				    (uint64_t)lower->st_mtim.tv_nsec),
		.ctime_ns = htole64((uint64_t)lower->st_ctim.tv_sec * NSEC_PER_SEC +
				    (uint64_t)lower->st_ctim.tv_nsec),
		.nlink = htole64(lower->st_nlink),
	};
}

int layout_decode_base(const struct layout_base *disk, struct layout_base *ret_base)
{
	if (le32toh(disk->version) != LAYOUT_BASE_VERSION)
		return -ENODATA;
	*ret_base = (struct layout_base){
		.version = LAYOUT_BASE_VERSION,
		.mode = le32toh(disk->mode),
		.uid = le32toh(disk->uid),
		.gid = le32toh(disk->gid),
		.dev = le64toh(disk->dev),
		.ino = le64toh(disk->ino),
		.size = le64toh(disk->size),
		.mtime_ns = le64toh(disk->mtime_ns),
		.ctime_ns = le64toh(disk->ctime_ns),
		.nlink = le64toh(disk->nlink),
	};
	return 0;
}

int layout_set_base(const struct layout_names *names, int fd, const struct stat *lower)
{
	struct layout_base base;

	layout_encode_base(lower, &base);
	return unless_unsupported(layout_set_xattr(fd, names->base, &base, sizeof(base)));
}

int layout_get_base(const struct layout_names *names, int fd, struct layout_base *ret_base)
{
	return layout_get_base_at(names, fd, "", ret_base);
}

int layout_get_base_at(const struct layout_names *names, int dirfd, const char *name,
		       struct layout_base *ret_base)
{
	struct layout_base disk;
	ssize_t size = sys_get_xattr(dirfd, name, names->base, &disk, sizeof(disk));

	return size == (ssize_t)sizeof(disk) ? layout_decode_base(&disk, ret_base) : -ENODATA;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* That of the two prefixes which the name has, or NULL. */
static const char *prefix_of(const struct layout_names *names, const char *xattr)
{
	if (begins(xattr, names->prefix))
		return names->prefix;
	return begins(xattr, names->own_prefix) ? names->own_prefix : NULL;
}

/* "overlay." of "trusted.overlay." */
static const char *doubled_part(const char *prefix)
{
	return strchr(prefix, '.') + 1;
}

static bool is_escaped(const char *xattr, const char *prefix)
{
	return begins(xattr + strlen(prefix), doubled_part(prefix));
}

bool layout_xattr_is_private(const struct layout_names *names, const char *xattr)
{
	const char *prefix = prefix_of(names, xattr);

	return prefix && !is_escaped(xattr, prefix);
}

int layout_xattr_escape(const struct layout_names *names, const char *xattr,
			char ret[LAYOUT_XATTR_SIZE])
{
	const char *prefix = prefix_of(names, xattr);
	size_t len = prefix ? strlen(prefix) : 0;
	int n = snprintf(ret, LAYOUT_XATTR_SIZE, "%s%s%s", prefix ? prefix : "",
			 prefix ? doubled_part(prefix) : "", xattr + len);

	return n < LAYOUT_XATTR_SIZE ? 0 : -ERANGE;
}

void layout_xattr_unescape(const struct layout_names *names, char *xattr)
{
	const char *prefix = prefix_of(names, xattr);
	char *doubled, *rest;

	if (!prefix || !is_escaped(xattr, prefix))
		return;
	doubled = xattr + strlen(prefix);
	rest = doubled + strlen(doubled_part(prefix));
	memmove(doubled, rest, strlen(rest) + 1);
}
