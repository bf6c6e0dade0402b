/* SPDX-License-Identifier: MIT */
#include "view/metacopy_attrs.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include "base/sys.h"

/* "pending" on disk. */
struct pending {
	int64_t mtime_s;
	uint32_t mtime_ns;
	uint32_t version;
};
#define PENDING_VERSION 1

/* "moved" on disk. */
struct moved {
	uint32_t version;
	uint32_t birth_ns;
	int64_t birth_s;
	uint64_t ino;
	uint64_t size;
	uint64_t mtime_ns;
};
#define MOVED_VERSION 1

int metacopy_get_pending(const struct layout_names *names, int dirfd, const char *name,
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

int metacopy_set_pending(const struct layout_names *names, int fd, const struct timespec *mtime,
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

int metacopy_identify(int fd, const struct stat *st, struct metacopy_identity *ret)
{
	struct statx answer = {0};

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &answer))
		return -errno;
	*ret = (struct metacopy_identity){
		.birth_ns = answer.stx_btime.tv_nsec,
		.birth_s = answer.stx_btime.tv_sec,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = metacopy_ns(&st->st_mtim),
	};
	return 0;
}

bool metacopy_same_identity(const struct metacopy_identity *a, const struct metacopy_identity *b)
{
	bool same_file = a->ino == b->ino && a->birth_s == b->birth_s && a->birth_ns == b->birth_ns;

	return same_file || (a->size == b->size && a->mtime_ns == b->mtime_ns);
}

int metacopy_get_moved(const struct layout_names *names, int dirfd, const char *name,
		       struct metacopy_identity *ret)
{
	struct moved moved;
	ssize_t n = sys_get_xattr(dirfd, name, names->moved, &moved, sizeof(moved));

	if (n < 0)
		return (int)n;
	if (n != sizeof(moved) || le32toh(moved.version) != MOVED_VERSION)
		return -EIO;
	*ret = (struct metacopy_identity){
		.birth_ns = le32toh(moved.birth_ns),
		.birth_s = (int64_t)le64toh((uint64_t)moved.birth_s),
		.ino = le64toh(moved.ino),
		.size = le64toh(moved.size),
		.mtime_ns = le64toh(moved.mtime_ns),
	};
	return 0;
}

int metacopy_set_moved(const struct layout_names *names, int fd,
		       const struct metacopy_identity *identity)
{
	struct moved moved = {
		.version = htole32(MOVED_VERSION),
		.birth_ns = htole32(identity->birth_ns),
		.birth_s = (int64_t)htole64((uint64_t)identity->birth_s),
		.ino = htole64(identity->ino),
		.size = htole64(identity->size),
		.mtime_ns = htole64(identity->mtime_ns),
	};

	return layout_set_xattr(fd, names->moved, &moved, sizeof(moved));
}
