/* SPDX-License-Identifier: MIT */
#include "view/metacopy.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"
#include "view/copydata.h"

/* The value of the attribute "pending"; little endian on disk. */
struct pending {
	int64_t mtime_s;
	uint32_t mtime_ns;
	uint32_t version;
};
#define PENDING_VERSION 1

static int get_pending(const struct layout_names *names, int dirfd, const char *name,
		       struct timespec *ret_mtime)
{
	struct pending pending;
	ssize_t n = sys_get_xattr(dirfd, name, names->pending, &pending, sizeof(pending));

	if (n < 0)
		return (int)n;
	if (n != sizeof(pending) || le32toh(pending.version) != PENDING_VERSION)
		return -ENODATA;
	ret_mtime->tv_sec = (int64_t)le64toh((uint64_t)pending.mtime_s);
	ret_mtime->tv_nsec = le32toh(pending.mtime_ns);
	return 0;
}

/* flags: as for setxattr(2). */
static int set_pending(const struct layout_names *names, int fd, const struct timespec *mtime,
		       int flags)
{
	struct pending pending = {
		.mtime_s = (int64_t)htole64((uint64_t)mtime->tv_sec),
		.mtime_ns = htole32((uint32_t)mtime->tv_nsec),
		.version = htole32(PENDING_VERSION),
	};
	char path[32];

	sys_fd_path(fd, path);
	return setxattr(path, names->pending, &pending, sizeof(pending), flags) ? -errno : 0;
}

int metacopy_make(const struct layout_names *names, int fd, const struct stat *lower,
		  const char *lower_path)
{
	int r = layout_set_redirect(names, fd, lower_path);

	if (r == 0)
		r = layout_set_xattr(fd, names->metacopy, "", 0);
	/* What overlayfs takes for its size. */
	if (r == 0 && ftruncate(fd, lower->st_size))
		r = -errno;
	return r;
}

int metacopy_is(const struct layout_names *names, int dirfd, const char *name)
{
	ssize_t n = sys_get_xattr(dirfd, name, names->metacopy, NULL, 0);

	if (n >= 0)
		return 1;
	/* What has no such attributes is none: a symlink, a whiteout. */
	return n == -ENOENT ? -ENOENT : 0;
}

static uint64_t as_ns(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * NSEC_PER_SEC + (uint64_t)time->tv_nsec;
}

/* Whether it may be shown to whoever may read the metacopy. */
static bool is_same_file(const struct layout_base *base, const struct stat *data)
{
	bool same = data->st_ino == base->ino || ((uint64_t)data->st_size == base->size &&
						  as_ns(&data->st_mtim) == base->mtime_ns);

	return S_ISREG(data->st_mode) && same && data->st_uid == base->uid &&
	       !(base->mode & 0444 & ~data->st_mode);
}

/* As metacopy_open_data(), with the base. */
static int open_data(const struct metacopy_world *world, int dirfd, const char *name,
		     struct layout_base *ret_base, struct stat *ret_st)
{
	_cleanup_free_ char *lower_path = NULL;
	_cleanup_close_ int fd = -1;
	int r = metacopy_is(world->names, dirfd, name);

	if (r <= 0)
		return r < 0 ? r : -ENODATA;
	r = layout_get_redirect_at(world->names, dirfd, name, &lower_path);
	if (r == 0)
		r = layout_get_base_at(world->names, dirfd, name, ret_base);
	/* Its attributes go one after the other when its data have come. */
	if (r < 0)
		return r == -ENODATA && metacopy_is(world->names, dirfd, name) == 1 ? -EIO : r;
	fd = sys_open_beneath(world->lower_root, lower_path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd == -ENOMEM || fd == -EMFILE || fd == -ENFILE ? fd : -EIO;
	if (fstatat(fd, "", ret_st, AT_EMPTY_PATH))
		return -errno;
	return is_same_file(ret_base, ret_st) ? TAKE_FD(fd) : -EIO;
}

int metacopy_open_data(const struct metacopy_world *world, int dirfd, const char *name,
		       struct stat *ret_st)
{
	struct layout_base base = {0};
	struct stat st;
	int fd = open_data(world, dirfd, name, &base, &st);

	if (fd >= 0 && ret_st)
		*ret_st = st;
	return fd;
}

/* The modification time to show: that of the data where they were changed since, else our own. */
static struct timespec shown_mtime(const struct layout_base *base, const struct stat *data,
				   const struct timespec *own)
{
	return as_ns(&data->st_mtim) == base->mtime_ns ? *own : data->st_mtim;
}

int metacopy_stat(const struct metacopy_world *world, int dirfd, const char *name,
		  struct stat *ret_st)
{
	_cleanup_close_ int data = -1;
	struct layout_base base = {0};
	struct timespec mtime;
	struct stat st, data_st;
	/* First: when it turns out to be complete, what is read next is final. */
	int is = metacopy_is(world->names, dirfd, name);

	if (is < 0)
		return is;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -errno;
	*ret_st = st;
	if (!is)
		return 0;
	if (get_pending(world->names, dirfd, name, &mtime) == 0)
		st.st_mtim = mtime;
	data = open_data(world, dirfd, name, &base, &data_st);
	if (data == -ENODATA)
		return fstatat(dirfd, name, ret_st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ? -errno
											 : 0;
	if (data >= 0) {
		st.st_size = data_st.st_size;
		st.st_blocks = data_st.st_blocks;
		st.st_mtim = shown_mtime(&base, &data_st, &st.st_mtim);
	}
	*ret_st = st;
	return 1;
}

static int reopen(int fd, int flags)
{
	char path[32];
	int again;

	sys_fd_path(fd, path);
	again = open(path, flags | O_CLOEXEC);
	return again >= 0 ? again : -errno;
}

static int reopen_data(int fd)
{
	int again = reopen(fd, O_RDONLY | O_NOATIME);

	return again == -EPERM ? reopen(fd, O_RDONLY) : again;
}

static int set_mtime(int fd, const struct timespec *mtime)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, *mtime};

	return utimensat(fd, "", times, AT_EMPTY_PATH) ? -errno : 0;
}

static int drop_xattr(int fd, const char *xattr)
{
	return fremovexattr(fd, xattr) && errno != ENODATA ? -errno : 0;
}

/* Who sets the time meanwhile notes it before he sets it; so the one that is noted last wins. */
static int restore_mtime(const struct layout_names *names, int dst)
{
	struct timespec again = {0};
	int r = get_pending(names, dst, "", &again);

	while (r == 0) {
		struct timespec mtime = again;

		r = set_mtime(dst, &mtime);
		if (r == 0)
			r = get_pending(names, dst, "", &again);
		if (r == 0 && as_ns(&mtime) == as_ns(&again))
			break;
	}
	return r;
}

/* What came of the data does not count, and takes no room. */
static void give_up(const struct layout_names *names, int dst, off_t size)
{
	if (ftruncate(dst, 0) == 0)
		(void)!ftruncate(dst, size);
	if (restore_mtime(names, dst) == 0)
		drop_xattr(dst, names->pending);
}

/* From here on it is a complete file. The order matters. */
static int finish(const struct layout_names *names, int dst)
{
	int r = restore_mtime(names, dst);

	if (r == 0)
		r = sys_fault("fremovexattr");
	if (r == 0)
		r = drop_xattr(dst, names->metacopy);
	if (r < 0)
		return r;
	/* Neither means anything any more. */
	drop_xattr(dst, names->redirect);
	drop_xattr(dst, names->pending);
	return 0;
}

/* Notes what time the file is to show when it is complete; one that is noted already stands. */
static int note_shown_mtime(const struct layout_names *names, int dst,
			    const struct layout_base *base, const struct stat *data)
{
	struct timespec shown;
	struct stat st;
	int r;

	if (fstat(dst, &st))
		return -errno;
	r = set_pending(names, dst, &st.st_mtim, XATTR_CREATE);
	if (r < 0 && r != -EEXIST)
		return r;
	r = get_pending(names, dst, "", &st.st_mtim);
	if (r < 0)
		return r;
	shown = shown_mtime(base, data, &st.st_mtim);
	if (as_ns(&shown) == as_ns(&st.st_mtim))
		return 0;
	return set_pending(names, dst, &shown, 0);
}

int metacopy_complete(const struct metacopy_world *world, int fd, const _Atomic bool *cancelled)
{
	const struct layout_names *names = world->names;
	_cleanup_close_ int data = -1, src = -1, dst = -1;
	struct layout_base base = {0};
	struct stat data_st;
	int r;

	data = open_data(world, fd, "", &base, &data_st);
	if (data < 0)
		return data == -ENODATA ? 0 : data;
	r = src = reopen_data(data);
	if (r >= 0)
		r = dst = reopen(fd, O_RDWR);
	if (r >= 0)
		r = note_shown_mtime(names, dst, &base, &data_st);
	if (r < 0)
		return r;
	r = copydata(src, dst, cancelled, &data_st);
	/* It may have been written to since the time was noted. */
	if (r == 0)
		r = note_shown_mtime(names, dst, &base, &data_st);
	if (r == 0)
		r = finish(names, dst);
	if (r < 0)
		give_up(names, dst, (off_t)base.size);
	return r;
}

int metacopy_cut(const struct layout_names *names, int fd)
{
	_cleanup_close_ int dst = -1;
	int r = metacopy_is(names, fd, "");

	if (r <= 0)
		return r;
	r = dst = reopen(fd, O_RDWR);
	if (r < 0)
		return r;
	/* A hole that is cut is a metacopy still: the attribute alone decides. */
	if (ftruncate(dst, 0))
		return -errno;
	r = drop_xattr(dst, names->metacopy);
	if (r < 0)
		return r;
	drop_xattr(dst, names->redirect);
	drop_xattr(dst, names->pending);
	return 0;
}

void metacopy_note_mtime(const struct layout_names *names, int fd, const struct timespec *mtime)
{
	set_pending(names, fd, mtime, XATTR_REPLACE);
}
