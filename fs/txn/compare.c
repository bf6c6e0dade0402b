/* SPDX-License-Identifier: MIT */
#include "txn/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define READ_SIZE (64u << 10)

static int open_side(const struct compare_side *side)
{
	char path[32];
	int fd;

	if (side->metacopy) {
		sys_fd_path(side->data_fd, path);
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	} else {
		/* O_NONBLOCK: the name may be a FIFO by now. */
		fd = openat(side->dirfd, side->name,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	}
	return fd >= 0 ? fd : -errno;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int compare_files(const struct compare_side *ours, const struct compare_side *theirs)
{
	_cleanup_free_ char *buffer = NULL;
	_cleanup_close_ int a = -1, b = -1;
	ssize_t n, m;

	if (ours->metacopy && ours->data_fd < 0)
		return COMPARE_CONTENT;
	if (ours->metacopy && same_file(&ours->data_st, &theirs->st))
		return COMPARE_EQUAL;
	if (ours->st.st_size != theirs->st.st_size)
		return COMPARE_CONTENT;
	if (ours->st.st_size == 0)
		return COMPARE_EQUAL;
	a = open_side(ours);
	if (a < 0)
		return a;
	b = open_side(theirs);
	if (b < 0)
		return b;
	buffer = malloc(2 * READ_SIZE);
	if (!buffer)
		return -ENOMEM;
	do {
		n = sys_read_all(a, buffer, READ_SIZE);
		if (n < 0)
			return (int)n;
		m = sys_read_all(b, buffer + READ_SIZE, READ_SIZE);
		if (m < 0)
			return (int)m;
		if (n != m || memcmp(buffer, buffer + READ_SIZE, (size_t)n) != 0)
			return COMPARE_CONTENT;
	} while (n > 0);
	return COMPARE_EQUAL;
}

static int compare_symlinks(const struct compare_side *ours, const struct compare_side *theirs)
{
	char a[PATH_MAX], b[PATH_MAX];
	ssize_t n = readlinkat(ours->dirfd, ours->name, a, sizeof(a));
	ssize_t m;

	if (n < 0)
		return -errno;
	m = readlinkat(theirs->dirfd, theirs->name, b, sizeof(b));
	if (m < 0)
		return -errno;
	return n == m && memcmp(a, b, (size_t)n) == 0 ? COMPARE_EQUAL : COMPARE_CONTENT;
}

/* The name's path for calls that know no dirfd. */
static int side_path(const struct compare_side *side, char *ret, size_t size)
{
	char dir[32];

	sys_fd_path(side->dirfd, dir);
	return snprintf(ret, size, "%s/%s", dir, side->name) < (int)size ? 0 : -ENAMETOOLONG;
}

static bool attribute_counts(const struct layout_names *names, const char *attribute)
{
	if (strncmp(attribute, "system.posix_acl_", 17) == 0)
		return true;
	return strncmp(attribute, "user.", 5) == 0 && !layout_xattr_is_private(names, attribute);
}

/* The list of attributes; 0 long where the file system has none. */
static int list_attributes(const char *path, char **ret_list, size_t *ret_len)
{
	_cleanup_free_ char *list = NULL;
	ssize_t len = llistxattr(path, NULL, 0);

	if (len > 0) {
		list = malloc((size_t)len);
		if (!list)
			return -ENOMEM;
		len = llistxattr(path, list, (size_t)len);
	}
	if (len < 0 && errno != ENOTSUP)
		return errno == ERANGE ? -EAGAIN : -errno;
	*ret_len = len > 0 ? (size_t)len : 0;
	*ret_list = TAKE_PTR(list);
	return 0;
}

static int same_attribute(const char *a, const char *b, const char *attribute)
{
	_cleanup_free_ char *values = malloc(2 * XATTR_SIZE_MAX);
	ssize_t n, m;

	if (!values)
		return -ENOMEM;
	n = lgetxattr(a, attribute, values, XATTR_SIZE_MAX);
	m = lgetxattr(b, attribute, values + XATTR_SIZE_MAX, XATTR_SIZE_MAX);
	return n >= 0 && n == m && memcmp(values, values + XATTR_SIZE_MAX, (size_t)n) == 0;
}

/* Counts what counts of `list`; with `other`, fails (0) at the first that differs there. */
static int match_attributes(const struct layout_names *names, const char *list, size_t len,
			    const char *path, const char *other, size_t *ret_count)
{
	size_t count = 0;

	for (const char *name = list; name < list + len; name += strlen(name) + 1) {
		int r;

		if (!attribute_counts(names, name))
			continue;
		count++;
		r = other ? same_attribute(path, other, name) : 1;
		if (r <= 0)
			return r;
	}
	*ret_count = count;
	return 1;
}

int compare_attributes(const struct layout_names *names, const struct compare_side *ours,
		       const struct compare_side *theirs)
{
	_cleanup_free_ char *list = NULL, *their_list = NULL;
	char path[32 + NAME_MAX + 2], their_path[32 + NAME_MAX + 2];
	size_t len = 0, their_len = 0, count = 0, their_count = 0;
	int r;

	if (side_path(ours, path, sizeof(path)) < 0 ||
	    side_path(theirs, their_path, sizeof(their_path)) < 0)
		return -ENAMETOOLONG;
	r = list_attributes(path, &list, &len);
	if (r == 0)
		r = list_attributes(their_path, &their_list, &their_len);
	if (r == 0)
		r = match_attributes(names, list, len, path, their_path, &count);
	if (r <= 0)
		return r;
	match_attributes(names, their_list, their_len, their_path, NULL, &their_count);
	return count == their_count;
}

static int compare_metadata(const struct layout_names *names, const struct compare_side *ours,
			    const struct compare_side *theirs)
{
	const struct stat *a = &ours->st, *b = &theirs->st;
	int r;

	if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		return COMPARE_METADATA;
	if (S_ISLNK(a->st_mode))
		return COMPARE_EQUAL;
	if ((a->st_mode & 07777) != (b->st_mode & 07777))
		return COMPARE_METADATA;
	/* A directory's times follow what is in it, which is listed for itself. */
	if (!S_ISDIR(a->st_mode) &&
	    (a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec))
		return COMPARE_METADATA;
	r = compare_attributes(names, ours, theirs);
	if (r < 0)
		return r;
	return r ? COMPARE_EQUAL : COMPARE_METADATA;
}

int compare_objects(const struct layout_names *names, const struct compare_side *ours,
		    const struct compare_side *theirs)
{
	int r = COMPARE_EQUAL;

	if (same_file(&ours->st, &theirs->st))
		return COMPARE_EQUAL;
	if (S_ISREG(ours->st.st_mode))
		r = compare_files(ours, theirs);
	else if (S_ISLNK(ours->st.st_mode))
		r = compare_symlinks(ours, theirs);
	else if (S_ISCHR(ours->st.st_mode) || S_ISBLK(ours->st.st_mode))
		r = ours->st.st_rdev == theirs->st.st_rdev ? COMPARE_EQUAL : COMPARE_CONTENT;
	return r == COMPARE_EQUAL ? compare_metadata(names, ours, theirs) : r;
}
