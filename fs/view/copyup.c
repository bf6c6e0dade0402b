/* SPDX-License-Identifier: MIT */
#include "view/copyup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define COPY_BUFFER_SIZE (128u << 10)

static int copy_one_xattr(const char *src, const char *dst, const char *name)
{
	_cleanup_free_ char *value = NULL;
	ssize_t size = getxattr(src, name, NULL, 0);

	if (size < 0)
		return errno == ENODATA ? 0 : -errno;
	value = malloc((size_t)size + 1);
	if (!value)
		return -ENOMEM;
	size = getxattr(src, name, value, (size_t)size);
	if (size < 0)
		return errno == ENODATA ? 0 : -errno;
	if (setxattr(dst, name, value, (size_t)size, 0) == 0)
		return 0;
	/* What the store's file system has no place for, overlayfs leaves behind as well. */
	return errno == EOPNOTSUPP || errno == EPERM ? 0 : -errno;
}

static int copy_xattrs(const struct layout_names *names, int src_fd, int dst_fd)
{
	_cleanup_free_ char *list = NULL;
	char src[32], dst[32];
	ssize_t size;
	int r;

	sys_fd_path(src_fd, src);
	sys_fd_path(dst_fd, dst);
	size = listxattr(src, NULL, 0);
	if (size <= 0)
		return size == 0 || errno == EOPNOTSUPP ? 0 : -errno;
	list = malloc(XATTR_LIST_MAX);
	if (!list)
		return -ENOMEM;
	size = listxattr(src, list, XATTR_LIST_MAX);
	if (size < 0)
		return -errno;
	for (const char *name = list; name < list + size; name += strlen(name) + 1) {
		if (layout_xattr_is_private(names, name))
			continue;
		r = copy_one_xattr(src, dst, name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int copy_by_buffer(int src, int dst, off_t start, off_t end)
{
	_cleanup_free_ char *buffer = malloc(COPY_BUFFER_SIZE);

	if (!buffer)
		return -ENOMEM;
	while (start < end) {
		size_t want = (size_t)(end - start) < COPY_BUFFER_SIZE ? (size_t)(end - start)
								       : COPY_BUFFER_SIZE;
		ssize_t n = pread(src, buffer, want, start);

		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		for (ssize_t done = 0; done < n;) {
			ssize_t w = pwrite(dst, buffer + done, (size_t)(n - done), start + done);

			if (w < 0)
				return -errno;
			done += w;
		}
		start += n;
	}
	return 0;
}

static int copy_extent(int src, int dst, off_t start, off_t end)
{
	while (start < end) {
		off_t from = start, to = start;
		ssize_t n = copy_file_range(src, &from, dst, &to, (size_t)(end - start), 0);

		if (n < 0 && errno != ENOSPC && errno != EDQUOT && errno != EIO)
			return copy_by_buffer(src, dst, start, end);
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0; /* the lower was cut short meanwhile */
		start += n;
	}
	return 0;
}

/* Data with its holes; by reference where the file system can. */
static int copy_data(int src, int dst, off_t size)
{
	off_t at = 0;
	int r;

	if (size == 0 || ioctl(dst, FICLONE, src) == 0)
		return 0;
	while (at < size) {
		off_t data = lseek(src, at, SEEK_DATA);
		off_t hole;

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			data = at;
		hole = lseek(src, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		r = copy_extent(src, dst, data, hole);
		if (r < 0)
			return r;
		at = hole;
	}
	return ftruncate(dst, size) ? -errno : 0;
}

/* A path through /proc is for O_PATH fds alone: it takes five times as long. */
static int set_mode(int fd, mode_t mode)
{
	char path[32];

	if (fchmod(fd, mode) == 0)
		return 0;
	if (errno != EBADF)
		return -errno;
	sys_fd_path(fd, path);
	return chmod(path, mode) ? -errno : 0;
}

/* Order matters: chown clears set-id bits and capabilities, chmod and setxattr put them back. */
static int copy_metadata(const struct layout_names *names, int src_fd, const struct stat *st,
			 int dst_fd)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	int r = 0;

	if (fchownat(dst_fd, "", st->st_uid, st->st_gid, AT_EMPTY_PATH))
		return -errno;
	if (!S_ISLNK(st->st_mode))
		r = set_mode(dst_fd, st->st_mode & 07777);
	if (r == 0)
		r = copy_xattrs(names, src_fd, dst_fd);
	if (r < 0)
		return r;
	return utimensat(dst_fd, "", times, AT_EMPTY_PATH) ? -errno : 0;
}

static int copy_regular(int src_fd, const struct stat *st, int dirfd, const char *name,
			bool truncate)
{
	_cleanup_close_ int src = -1, dst = -1;
	char path[32];
	int r;

	dst = openat(dirfd, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (dst < 0)
		return -errno;
	if (!truncate && st->st_size > 0) {
		sys_fd_path(src_fd, path);
		src = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME);
		if (src < 0)
			src = open(path, O_RDONLY | O_CLOEXEC);
		if (src < 0)
			return -errno;
		r = copy_data(src, dst, st->st_size);
		if (r < 0)
			return r;
	}
	return TAKE_FD(dst);
}

static int copy_special(int src_fd, const struct stat *st, int dirfd, const char *name)
{
	char target[PATH_MAX];
	ssize_t len;
	int fd;

	if (S_ISLNK(st->st_mode)) {
		len = readlinkat(src_fd, "", target, sizeof(target) - 1);
		if (len < 0)
			return -errno;
		target[len] = '\0';
		if (symlinkat(target, dirfd, name))
			return -errno;
	} else if (mknodat(dirfd, name, st->st_mode & (S_IFMT | 0600), st->st_rdev)) {
		return -errno;
	}
	fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

int copyup_copy(const struct layout_names *names, int src_fd, const struct stat *st, int dirfd,
		const char *name, bool truncate, bool record_base)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (S_ISREG(st->st_mode))
		fd = copy_regular(src_fd, st, dirfd, name, truncate);
	else
		fd = copy_special(src_fd, st, dirfd, name);
	r = fd < 0 ? fd : copy_metadata(names, src_fd, st, fd);
	if (r == 0 && record_base)
		r = layout_set_base(names, fd, st);
	if (r < 0 && r != -EEXIST)
		unlinkat(dirfd, name, 0);
	return r;
}

int copyup_directory(struct layer_dir *parent, const char *name, int lower_fd)
{
	struct view *view = parent->view;
	char temporary[VIEW_TEMPORARY_SIZE];
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (fstatat(lower_fd, "", &st, AT_EMPTY_PATH))
		return -errno;
	r = layer_dir_mark_impure(parent);
	if (r < 0)
		return r;
	view_temporary_name(view, temporary);
	if (mkdirat(view->work_fd, temporary, 0700))
		return -errno;
	fd = openat(view->work_fd, temporary, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? -errno : copy_metadata(&view->setup->names, lower_fd, &st, fd);
	if (r == 0)
		r = layout_set_base(&view->setup->names, fd, &st);
	if (r == 0)
		r = sys_rename(view->work_fd, temporary, layer_dir_upper(parent), name,
			       RENAME_NOREPLACE);
	if (r < 0)
		unlinkat(view->work_fd, temporary, AT_REMOVEDIR);
	return r;
}

/*
 * Somebody else was first. His copy may have been made with its data; who asked for none cuts it
 * off. Or he has removed the name.
 */
static int follow_winner(struct layer_dir *dir, const char *name, bool truncate)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (fstatat(layer_dir_upper(dir), name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (layout_is_whiteout(&st))
		return -ENOENT;
	if (!truncate)
		return 0;
	fd = openat(layer_dir_upper(dir), name,
		    O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_TRUNC);
	return fd < 0 ? -errno : 0;
}

int copyup_entry(struct layer_dir *dir, const char *name, bool truncate)
{
	struct view *view = dir->view;
	char temporary[VIEW_TEMPORARY_SIZE];
	_cleanup_close_ int src = -1;
	struct stat st;
	int r;

	r = layer_dir_copy_up(dir);
	if (r < 0)
		return r;
	src = openat(dir->lower, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (src < 0 || fstatat(src, "", &st, AT_EMPTY_PATH))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	r = layer_dir_mark_impure(dir);
	if (r < 0)
		return r;
	truncate = truncate && S_ISREG(st.st_mode);
	view_temporary_name(view, temporary);
	r = copyup_copy(&view->setup->names, src, &st, view->work_fd, temporary, truncate, true);
	if (r < 0)
		return r;
	r = sys_rename(view->work_fd, temporary, layer_dir_upper(dir), name, RENAME_NOREPLACE);
	if (r == 0)
		return 0;
	unlinkat(view->work_fd, temporary, 0);
	return r == -EEXIST ? follow_winner(dir, name, truncate) : r;
}

int copyup_nameless(struct view *view, int lower_fd)
{
	char temporary[VIEW_TEMPORARY_SIZE];
	struct stat st;
	int fd, r;

	if (fstatat(lower_fd, "", &st, AT_EMPTY_PATH))
		return -errno;
	view_temporary_name(view, temporary);
	r = copyup_copy(&view->setup->names, lower_fd, &st, view->work_fd, temporary, false, true);
	if (r < 0)
		return r;
	fd = openat(view->work_fd, temporary, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? -errno : fd;
	unlinkat(view->work_fd, temporary, 0);
	return r;
}
