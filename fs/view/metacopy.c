/* SPDX-License-Identifier: MIT */
#include "view/metacopy.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "view/copydata.h"
#include "view/metacopy_attrs.h"

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

/* Whether it may be shown to whoever may read the metacopy. */
static bool may_be_shown(const struct layout_base *base, const struct stat *data)
{
	return S_ISREG(data->st_mode) && data->st_uid == base->uid && data->st_gid == base->gid &&
	       !(base->mode & 0444 & ~data->st_mode);
}

/* Under its lower's name it is whatever has that name; elsewhere the file that it was. */
static int check_identity(const struct layout_names *names, int dirfd, const char *name, int data,
			  const struct stat *data_st)
{
	struct metacopy_identity expected, is;
	int r = metacopy_get_moved(names, dirfd, name, &expected);

	if (r < 0)
		return r == -ENODATA ? 0 : r;
	r = metacopy_identify(data, data_st, &is);
	if (r < 0)
		return r;
	return metacopy_same_identity(&expected, &is) ? 0 : -EIO;
}

/* As metacopy_open_data(), with the base, of what was one a moment ago. */
static int open_data(const struct metacopy_world *world, int dirfd, const char *name,
		     struct layout_base *ret_base, struct stat *ret_st)
{
	_cleanup_free_ char *lower_path = NULL;
	_cleanup_close_ int fd = -1;
	int r;

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
	if (!may_be_shown(ret_base, ret_st))
		return -EIO;
	r = check_identity(world->names, dirfd, name, fd, ret_st);
	return r < 0 ? r : TAKE_FD(fd);
}

int metacopy_open_data(const struct metacopy_world *world, int dirfd, const char *name,
		       struct stat *ret_st)
{
	struct layout_base base = {0};
	struct stat st;
	int fd, is = metacopy_is(world->names, dirfd, name);

	if (is <= 0)
		return is < 0 ? is : -ENODATA;
	fd = open_data(world, dirfd, name, &base, &st);
	if (fd >= 0 && ret_st)
		*ret_st = st;
	return fd;
}

int metacopy_note_moved(const struct metacopy_world *world, int dirfd, const char *name)
{
	struct metacopy_identity identity = {0};
	_cleanup_close_ int fd = -1, data = -1;
	struct layout_base base = {0};
	struct stat st;
	int r = metacopy_is(world->names, dirfd, name);

	if (r <= 0)
		return r;
	r = metacopy_get_moved(world->names, dirfd, name, &identity);
	if (r != -ENODATA)
		return r;
	fd = *name ? openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)
		   : fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	data = open_data(world, fd, "", &base, &st);
	if (data == -ENODATA)
		return 0;
	identity = (struct metacopy_identity){.size = base.size, .mtime_ns = base.mtime_ns};
	r = data < 0 ? 0 : metacopy_identify(data, &st, &identity);
	return r < 0 ? r : metacopy_set_moved(world->names, fd, &identity);
}

/* The modification time to show: that of the data where they were changed since, else our own. */
static struct timespec shown_mtime(const struct layout_base *base, const struct stat *data,
				   const struct timespec *own)
{
	return metacopy_ns(&data->st_mtim) == base->mtime_ns ? *own : data->st_mtim;
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
	if (metacopy_get_pending(world->names, dirfd, name, &mtime) == 0)
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
	int r = metacopy_get_pending(names, dst, "", &again);

	while (r == 0) {
		struct timespec mtime = again;

		r = set_mtime(dst, &mtime);
		if (r == 0)
			r = metacopy_get_pending(names, dst, "", &again);
		if (r == 0 && metacopy_ns(&mtime) == metacopy_ns(&again))
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
	/* They mean nothing any more. */
	drop_xattr(dst, names->redirect);
	drop_xattr(dst, names->moved);
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
	r = metacopy_set_pending(names, dst, &st.st_mtim, XATTR_CREATE);
	if (r < 0 && r != -EEXIST)
		return r;
	r = metacopy_get_pending(names, dst, "", &st.st_mtim);
	if (r < 0)
		return r;
	shown = shown_mtime(base, data, &st.st_mtim);
	if (metacopy_ns(&shown) == metacopy_ns(&st.st_mtim))
		return 0;
	return metacopy_set_pending(names, dst, &shown, 0);
}

int metacopy_complete(const struct metacopy_world *world, int fd, const _Atomic bool *cancelled)
{
	const struct layout_names *names = world->names;
	_cleanup_close_ int data = -1, src = -1, dst = -1;
	struct layout_base base = {0};
	struct stat data_st;
	int r = metacopy_is(names, fd, "");

	if (r <= 0)
		return r;
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
	drop_xattr(dst, names->moved);
	drop_xattr(dst, names->pending);
	return 0;
}

void metacopy_note_mtime(const struct layout_names *names, int fd, const struct timespec *mtime)
{
	metacopy_set_pending(names, fd, mtime, XATTR_REPLACE);
}
