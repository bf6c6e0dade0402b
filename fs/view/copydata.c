/* SPDX-License-Identifier: MIT */
#include "view/copydata.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define BUFFER_SIZE (128u << 10)
/* Between two looks at `cancelled`: a few milliseconds. */
#define CHUNK_SIZE (8u << 20)
#define TRIES 4

struct copy {
	int src;
	int dst;
	const _Atomic bool *cancelled;
	bool by_buffer; /* copy_file_range does not do it between these two */
};

static off_t smaller(off_t a, off_t b)
{
	return a < b ? a : b;
}

static ssize_t copy_by_buffer(const struct copy *copy, off_t start, off_t end)
{
	_cleanup_free_ char *buffer = malloc(BUFFER_SIZE);
	ssize_t n;
	int r = sys_fault("pwrite");

	if (!buffer)
		return -ENOMEM;
	if (r)
		return r;
	n = pread(copy->src, buffer, (size_t)smaller(end - start, BUFFER_SIZE), start);
	if (n < 0)
		return -errno;
	for (ssize_t done = 0; done < n;) {
		ssize_t w = pwrite(copy->dst, buffer + done, (size_t)(n - done), start + done);

		if (w < 0 && errno != EINTR)
			return -errno;
		done += w > 0 ? w : 0;
	}
	return n;
}

static ssize_t copy_in_kernel(const struct copy *copy, off_t start, off_t end)
{
	size_t size = (size_t)smaller(end - start, CHUNK_SIZE);
	ssize_t n = sys_fault("copy_file_range");

	if (n)
		return n;
	do {
		off_t from = start, to = start;

		n = copy_file_range(copy->src, &from, copy->dst, &to, size, 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Whether an error is the disk's, which no other way of copying would avoid. */
static bool is_final(ssize_t r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EIO || r == -EFBIG || r == -ENOMEM;
}

static int copy_extent(struct copy *copy, off_t start, off_t end)
{
	while (start < end) {
		ssize_t n = copy->by_buffer ? copy_by_buffer(copy, start, end)
					    : copy_in_kernel(copy, start, end);

		if (n < 0 && !copy->by_buffer && !is_final(n)) {
			copy->by_buffer = true;
			continue;
		}
		if (n <= 0)
			return (int)n; /* 0: cut short meanwhile */
		start += n;
		if (copy->cancelled && *copy->cancelled)
			return -ECANCELED;
	}
	return 0;
}

/* The data up to `size`, without the holes between them. */
static int copy_extents(struct copy *copy, off_t size)
{
	off_t at = 0;

	while (at < size) {
		off_t data = lseek(copy->src, at, SEEK_DATA);
		off_t hole;
		int r;

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			data = at;
		hole = lseek(copy->src, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		r = copy_extent(copy, data, hole);
		if (r < 0)
			return r;
		at = hole;
	}
	return 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Not by the change time: a chmod, or another name, changes no data. */
static bool same_content(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && same_time(&a->st_mtim, &b->st_mtim);
}

int copydata_clone(int src, int dst, struct stat *ret_st)
{
	struct stat before = {0}, after = {0};
	int r = sys_fault("ioctl");

	if (r)
		return r;
	for (int tries = 0; tries < TRIES; tries++) {
		if (fstat(src, &before) || ioctl(dst, FICLONE, src) || fstat(src, &after))
			return -errno;
		/* Taken at one instant, but its times must be those of the data. */
		if (same_content(&before, &after))
			break;
	}
	/* What dst had beyond stays there. */
	if (ftruncate(dst, before.st_size))
		return -errno;
	*ret_st = before;
	return 0;
}

static int copy_once(struct copy *copy, struct stat *ret_before, struct stat *ret_after)
{
	int r;

	if (ftruncate(copy->dst, 0) || fstat(copy->src, ret_before))
		return -errno;
	r = copy_extents(copy, ret_before->st_size);
	if (r == 0 && fstat(copy->src, ret_after))
		r = -errno;
	if (r == 0 && ftruncate(copy->dst, smaller(ret_before->st_size, ret_after->st_size)))
		r = -errno;
	return r;
}

int copydata(int src, int dst, const _Atomic bool *cancelled, struct stat *ret_st)
{
	struct copy copy = {.src = src, .dst = dst, .cancelled = cancelled};
	struct stat before = {0}, after = {0};
	int r;

	if (copydata_clone(src, dst, ret_st) == 0)
		return 0;
	for (int tries = 0; tries < TRIES; tries++) {
		r = copy_once(&copy, &before, &after);
		if (r < 0)
			return r;
		if (same_content(&before, &after))
			break;
	}
	/* What was written last may be there in part: so these times stand for no later content. */
	before.st_size = smaller(before.st_size, after.st_size);
	*ret_st = before;
	return 0;
}
