/* SPDX-License-Identifier: MIT */
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The kernel asks to try again where a rename elsewhere raced with the walk (openat2(2)). */
#define OPEN_TRIES 32

int (*sys_fault_hook)(const char *call);

static int openat2_resolve(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	/* openat2 refuses a mode that open would ignore. */
	bool creates = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)flags | O_CLOEXEC,
		.mode = creates ? mode & 07777 : 0,
		.resolve = resolve | RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd, tries = 0, r = sys_fault("openat2");

	if (r)
		return r;
	do
		fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < OPEN_TRIES)));
	return fd < 0 ? -errno : fd;
}

/* "." is only there in a directory; the link of our own fd leads nowhere else than it does. */
static int reopen(int fd, int flags)
{
	char path[32];
	int ret;

	sys_fd_path(fd, path);
	do
		ret = open(path, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

int sys_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd = openat2_resolve(dirfd, *path ? path : ".", flags, mode, 0);

	if (fd == -ENOTDIR && !*path && dirfd >= 0 && !(flags & (O_DIRECTORY | O_CREAT)))
		return reopen(dirfd, flags);
	return fd;
}

int sys_rename(int old_dirfd, const char *old_name, int new_dirfd, const char *new_name,
	       unsigned int flags)
{
	int r = sys_fault("renameat2");

	if (r)
		return r;
	return renameat2(old_dirfd, old_name, new_dirfd, new_name, flags) ? -errno : 0;
}

ssize_t sys_read_all(int fd, void *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		int r = sys_fault("read");
		ssize_t n;

		if (r)
			return r;
		n = read(fd, (char *)buf + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int sys_write_all(int fd, const void *buf, size_t size)
{
	for (size_t done = 0; done < size;) {
		int r = sys_fault("write");
		ssize_t n;

		if (r)
			return r;
		n = write(fd, (const char *)buf + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

static int open_plain(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd, r = sys_fault("openat");

	if (r)
		return r;
	do
		fd = openat(dirfd, path, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

ssize_t sys_read_file(int dirfd, const char *path, size_t max, char **ret_content)
{
	_cleanup_close_ int fd = open_plain(dirfd, path, O_RDONLY | O_NOCTTY, 0);
	_cleanup_free_ char *content = NULL;
	/* One byte over tells the end from a buffer that is full. */
	size_t len = 0, size = max < 4095 ? max + 1 : 4096;

	if (fd < 0)
		return fd;
	for (;;) {
		char *larger = realloc(content, size + 1);
		ssize_t n;

		if (!larger)
			return -ENOMEM;
		content = larger;
		n = sys_read_all(fd, content + len, size - len);
		if (n < 0)
			return n;
		len += (size_t)n;
		if (len < size)
			break;
		if (size > max)
			return -EFBIG;
		size = size <= max / 2 ? size * 2 : max + 1;
	}
	content[len] = '\0';
	*ret_content = TAKE_PTR(content);
	return (ssize_t)len;
}

static struct timespec from_statx(const struct statx_timestamp *time)
{
	return (struct timespec){.tv_sec = time->tv_sec, .tv_nsec = time->tv_nsec};
}

static uint32_t hash_birth(const struct statx_timestamp *birth)
{
	uint64_t ns = (uint64_t)birth->tv_sec * 1000000000 + birth->tv_nsec;
	uint32_t hash = (uint32_t)((ns * 0x9e3779b97f4a7c15ULL) >> 32);

	return hash ? hash : 1;
}

int sys_stat_birth(int dirfd, const char *name, struct stat *ret_st, uint32_t *ret_birth)
{
	struct statx x;

	if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT,
		  STATX_BASIC_STATS | STATX_BTIME, &x))
		return -errno;
	*ret_st = (struct stat){
		.st_dev = makedev(x.stx_dev_major, x.stx_dev_minor),
		.st_ino = x.stx_ino,
		.st_mode = x.stx_mode,
		.st_nlink = x.stx_nlink,
		.st_uid = x.stx_uid,
		.st_gid = x.stx_gid,
		.st_rdev = makedev(x.stx_rdev_major, x.stx_rdev_minor),
		.st_size = (off_t)x.stx_size,
		.st_blksize = (blksize_t)x.stx_blksize,
		.st_blocks = (blkcnt_t)x.stx_blocks,
		.st_atim = from_statx(&x.stx_atime),
		.st_mtim = from_statx(&x.stx_mtime),
		.st_ctim = from_statx(&x.stx_ctime),
	};
	*ret_birth = x.stx_mask & STATX_BTIME ? hash_birth(&x.stx_btime) : 0;
	return 0;
}

static int sync_fd(int fd)
{
	int r = sys_fault("fsync");

	if (r)
		return r;
	while (fsync(fd))
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* A new file of a name that nobody else has. */
static int create_temporary(int dirfd, mode_t mode, char *ret_name, size_t size)
{
	int fd;

	do {
		uint64_t random;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -EIO;
		snprintf(ret_name, size, SYS_TEMPORARY_PREFIX "%016llx",
			 (unsigned long long)random);
		fd = open_plain(dirfd, ret_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
	} while (fd == -EEXIST);
	return fd;
}

static int write_and_sync(int fd, const void *content, size_t len, mode_t mode)
{
	int r = sys_write_all(fd, content, len);

	if (r)
		return r;
	if (fchmod(fd, mode))
		return -errno;
	return sync_fd(fd);
}

int sys_write_file_durable(int dirfd, const char *name, const void *content, size_t len,
			   mode_t mode)
{
	const char *slash = strrchr(name, '/');
	_cleanup_free_ char *parent = slash ? strndup(name, (size_t)(slash - name) + 1)
					    : strdup(".");
	_cleanup_close_ int dir = -1;
	_cleanup_close_ int fd = -1;
	char temporary[32];
	int r;

	if (!parent)
		return -ENOMEM;
	if (slash)
		name = slash + 1;
	dir = open_plain(dirfd, parent, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return dir;
	fd = create_temporary(dir, mode, temporary, sizeof(temporary));
	if (fd < 0)
		return fd;
	r = write_and_sync(fd, content, len, mode);
	if (!r)
		r = sys_rename(dir, temporary, dir, name, 0);
	if (r) {
		unlinkat(dir, temporary, 0);
		return r;
	}
	return sync_fd(dir);
}

static int make_directory(int dirfd, const char *path, mode_t mode)
{
	int r = sys_fault("mkdirat");

	if (r)
		return r;
	return mkdirat(dirfd, path, mode) ? -errno : 0;
}

int sys_mkdir_all(int dirfd, const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = NULL;
	struct stat st;
	int r;

	if (!*path)
		return 0;
	r = make_directory(dirfd, path, mode);
	if (r == -ENOENT) {
		copy = strdup(path);
		if (!copy)
			return -ENOMEM;
		for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
			*at = '\0';
			r = make_directory(dirfd, copy, mode);
			if (r && r != -EEXIST)
				return r;
			*at = '/';
		}
		r = make_directory(dirfd, path, mode);
	}
	if (r != -EEXIST)
		return r;
	if (fstatat(dirfd, path, &st, 0))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/*
 * Removal of a tree. Each level of recursion holds a descriptor, so directories at FLATTEN_DEPTH
 * are renamed into the top directory and removed from there: no depth is too much.
 */
#define FLATTEN_DEPTH 32

struct removal {
	int top_fd;
	uint64_t moved; /* how many were; makes their names */
};

static int remove_children_consume(struct removal *removal, int fd, unsigned int depth);

static int unlink_at(int dirfd, const char *name, int flags)
{
	int r = sys_fault("unlinkat");

	if (r)
		return r;
	if (!unlinkat(dirfd, name, flags) || errno == ENOENT)
		return 0;
	if (errno != EPERM)
		return -errno;
	if (!sys_unprotect(dirfd, name))
		return -EPERM;
	return unlinkat(dirfd, name, flags) ? -errno : 0;
}

static int move_up(struct removal *removal, int dirfd, const char *name)
{
	int r;

	do {
		char moved[64];

		snprintf(moved, sizeof(moved), SYS_TEMPORARY_PREFIX "removal-%llu",
			 (unsigned long long)++removal->moved);
		r = sys_rename(dirfd, name, removal->top_fd, moved, 0);
	} while (r == -EEXIST || r == -ENOTEMPTY || r == -ENOTDIR);
	return r;
}

static int remove_directory(struct removal *removal, int dirfd, const char *name,
			    unsigned int depth)
{
	/* Most are empty, or were emptied by an earlier attempt. */
	int r = unlink_at(dirfd, name, AT_REMOVEDIR);
	int fd;

	if (r != -ENOTEMPTY && r != -EEXIST)
		return r;
	if (depth >= FLATTEN_DEPTH)
		return move_up(removal, dirfd, name);
	fd = openat2_resolve(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_XDEV);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (depth == 0)
		removal->top_fd = fd;
	r = remove_children_consume(removal, fd, depth + 1);
	return r ? r : unlink_at(dirfd, name, AT_REMOVEDIR);
}

static int remove_entry(struct removal *removal, int dirfd, const char *name, bool maybe_file,
			unsigned int depth)
{
	if (maybe_file) {
		int r = unlink_at(dirfd, name, 0);

		/* EPERM is what POSIX says of a directory, EISDIR what Linux says. */
		if (r != -EISDIR && r != -EPERM)
			return r;
		if (r == -EPERM) {
			struct stat st;

			if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode))
				return r;
		}
	}
	return remove_directory(removal, dirfd, name, depth);
}

static int remove_children_consume(struct removal *removal, int fd, unsigned int depth)
{
	_cleanup_closedir_ DIR *dir = fdopendir(fd);
	bool any;

	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	/* Once more after changes: what POSIX leaves open of readdir, and what was moved here. */
	do {
		struct dirent *entry;

		any = false;
		rewinddir(dir);
		while (errno = 0, (entry = readdir(dir))) {
			int r;

			if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
				continue;
			any = true;
			r = remove_entry(removal, fd, entry->d_name, entry->d_type != DT_DIR,
					 depth);
			if (r)
				return r;
		}
		if (errno)
			return -errno;
	} while (any);
	return 0;
}

int sys_remove_tree(int dirfd, const char *name)
{
	struct removal removal = {.top_fd = -1};

	return remove_entry(&removal, dirfd, name, true, 0);
}

void sys_fd_path(int fd, char *ret)
{
	snprintf(ret, 32, "/proc/self/fd/%d", fd);
}
