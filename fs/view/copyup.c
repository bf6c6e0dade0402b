/* SPDX-License-Identifier: MIT */
#include "view/copyup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "view/copydata.h"
#include "view/metacopy.h"
#include "view/seen.h"

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
		if (names && layout_xattr_is_private(names, name))
			continue;
		r = copy_one_xattr(src, dst, name);
		if (r < 0)
			return r;
	}
	return 0;
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
int copyup_metadata(const struct layout_names *names, int src_fd, const struct stat *st, int dst_fd)
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

static int open_data(int path_fd)
{
	char path[32];
	int fd;

	sys_fd_path(path_fd, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

/* What data are brought in later would take with it stays a file of its own. */
static bool may_defer(const struct copyup_source *source)
{
	char path[32];

	if (source->st.st_size <= COPYUP_DEFERRED_MIN_SIZE || !source->lower_path)
		return false;
	sys_fd_path(source->fd, path);
	return getxattr(path, "security.capability", NULL, 0) < 0;
}

/* *st becomes that of the data that were copied, where any were. */
static int fill(const struct layout_names *names, const struct copyup_source *source, int dst,
		struct stat *st)
{
	bool defer = source->data == COPYUP_DEFERRED || source->data == COPYUP_DEFERRED_ONLY;
	_cleanup_close_ int src = -1;
	struct stat data_st;
	int r;

	if (source->data == COPYUP_EMPTY || st->st_size == 0)
		return 0;
	r = src = open_data(source->data_fd);
	if (r < 0)
		return r;
	r = defer ? copydata_clone(src, dst, &data_st) : -EOPNOTSUPP;
	if (r < 0 && defer && may_defer(source) &&
	    metacopy_make(names, dst, st, source->lower_path) == 0)
		return 0;
	if (r < 0 && source->data != COPYUP_DEFERRED_ONLY)
		r = copydata(src, dst, source->cancelled, &data_st);
	else if (r < 0)
		r = -EOPNOTSUPP;
	if (r == 0 && source->data_fd == source->fd)
		*st = data_st;
	return r;
}

static int copy_regular(const struct layout_names *names, const struct copyup_source *source,
			int dirfd, const char *name, struct stat *st)
{
	_cleanup_close_ int dst = openat(dirfd, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	int r;

	if (dst < 0)
		return -errno;
	r = fill(names, source, dst, st);
	if (r < 0) {
		unlinkat(dirfd, name, 0);
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
	if (fd >= 0)
		return fd;
	fd = -errno;
	unlinkat(dirfd, name, 0);
	return fd;
}

int copyup_source_open(const struct metacopy_world *world, int fd, off_t max_size,
		       struct copyup_source *source)
{
	int r = 0;

	if (world)
		r = metacopy_stat(world, fd, "", &source->st);
	else if (fstatat(fd, "", &source->st, AT_EMPTY_PATH))
		r = -errno;
	if (r < 0)
		return r;
	if (S_ISREG(source->st.st_mode) && source->st.st_size > max_size)
		return -EXDEV;
	source->fd = source->data_fd = fd;
	r = r == 1 ? metacopy_open_data(world, fd, "", NULL) : -ENODATA;
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	source->data_fd = r;
	return 0;
}

void copyup_source_release(struct copyup_source *source)
{
	if (source->data_fd != source->fd)
		cleanup_close(&source->data_fd);
}

int copyup_copy(const struct layout_names *names, const struct copyup_source *source, int dirfd,
		const char *name)
{
	struct stat st = source->st;
	_cleanup_close_ int fd = -1;
	int r;

	if (S_ISREG(st.st_mode))
		r = fd = copy_regular(names, source, dirfd, name, &st);
	else
		r = fd = copy_special(source->fd, &st, dirfd, name);
	if (r < 0)
		return r;
	r = copyup_metadata(names, source->fd, &st, fd);
	if (r == 0 && source->record_base)
		r = layout_set_base(names, fd, &st);
	if (r < 0)
		unlinkat(dirfd, name, 0);
	return r;
}

/*
 * Puts a copy where the view shows the original already: nothing has come to the directory, so its
 * mtime stays. Another's change in between (microseconds) is not told by it, as in overlayfs.
 */
static int put_copy(struct layer_dir *dir, const char *name, const char *temporary)
{
	int upper = layer_dir_upper(dir);
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct stat st;
	int r;

	if (fstatat(upper, "", &st, AT_EMPTY_PATH))
		return -errno;
	times[1] = st.st_mtim;
	r = sys_rename(dir->view->work_fd, temporary, upper, name, RENAME_NOREPLACE);
	if (r == 0)
		utimensat(upper, "", times, AT_EMPTY_PATH);
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
	view_temporary_name(temporary);
	if (mkdirat(view->work_fd, temporary, 0700))
		return -errno;
	fd = openat(view->work_fd, temporary, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? -errno : copyup_metadata(&view->setup->names, lower_fd, &st, fd);
	if (r == 0)
		r = layout_set_base(&view->setup->names, fd, &st);
	if (r == 0)
		r = put_copy(parent, name, temporary);
	if (r == 0)
		seen_note(parent, name, &st);
	else
		unlinkat(view->work_fd, temporary, AT_REMOVEDIR);
	return r;
}

/*
 * Somebody else was first. His copy may have been made with its data; who asked for none cuts it
 * off, but for a metacopy, which is for the caller. Or he has removed the name.
 */
static int follow_winner(struct layer_dir *dir, const char *name, bool truncate)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (fstatat(layer_dir_upper(dir), name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (layout_is_whiteout(&st))
		return -ENOENT;
	if (!truncate || !S_ISREG(st.st_mode) ||
	    metacopy_is(&dir->view->setup->names, layer_dir_upper(dir), name))
		return 0;
	fd = openat(layer_dir_upper(dir), name,
		    O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_TRUNC);
	return fd < 0 ? -errno : 0;
}

int copyup_entry(struct layer_dir *dir, const char *name, enum copyup_data data,
		 const _Atomic bool *cancelled)
{
	struct copyup_source source = {.data = data, .record_base = true, .cancelled = cancelled};
	char lower_path[PATH_MAX], temporary[VIEW_TEMPORARY_SIZE];
	struct view *view = dir->view;
	_cleanup_close_ int src = -1;
	int r;

	r = layer_dir_copy_up(dir);
	if (r < 0)
		return r;
	src = openat(dir->lower, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (src < 0 || fstatat(src, "", &source.st, AT_EMPTY_PATH))
		return -errno;
	if (S_ISDIR(source.st.st_mode))
		return -EISDIR;
	r = layer_dir_mark_impure(dir);
	if (r < 0)
		return r;
	source.fd = source.data_fd = src;
	if (layer_dir_lower_path(dir, name, lower_path, sizeof(lower_path)) == 0)
		source.lower_path = lower_path;
	view_temporary_name(temporary);
	r = copyup_copy(&view->setup->names, &source, view->work_fd, temporary);
	if (r < 0)
		return r;
	r = put_copy(dir, name, temporary);
	if (r == 0) {
		seen_note(dir, name, &source.st);
		return 0;
	}
	unlinkat(view->work_fd, temporary, 0);
	return r == -EEXIST ? follow_winner(dir, name, data == COPYUP_EMPTY) : r;
}
