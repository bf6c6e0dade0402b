/* SPDX-License-Identifier: MIT */
/*
 * The values of the attributes of metacopies that are our own (metacopy.h), little endian on disk,
 * docs/format.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "view/layout.h"

static inline uint64_t metacopy_ns(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * NSEC_PER_SEC + (uint64_t)time->tv_nsec;
}

/* "pending": the modification time to show while data are coming. 0, -ENODATA, or negative errno. */
int metacopy_get_pending(const struct layout_names *names, int dirfd, const char *name,
			 struct timespec *ret_mtime);
/* flags: as for setxattr(2). `fd` may be O_PATH. 0 or negative errno. */
int metacopy_set_pending(const struct layout_names *names, int fd, const struct timespec *mtime,
			 int flags);

/*
 * "moved": which file the data were of. A number is used again as soon as it is free: the time of
 * birth tells, where the file system knows it.
 */
struct metacopy_identity {
	uint32_t birth_ns;
	int64_t birth_s;
	uint64_t ino; /* 0: there was none any more */
	uint64_t size;
	uint64_t mtime_ns;
};

/* That of a file (its fd may be O_PATH). 0 or negative errno. */
int metacopy_identify(int fd, const struct stat *st, struct metacopy_identity *ret);
bool metacopy_same_identity(const struct metacopy_identity *a, const struct metacopy_identity *b);
/* 0; -ENODATA: it never was moved; or negative errno. */
int metacopy_get_moved(const struct layout_names *names, int dirfd, const char *name,
		       struct metacopy_identity *ret);
int metacopy_set_moved(const struct layout_names *names, int fd,
		       const struct metacopy_identity *identity);
