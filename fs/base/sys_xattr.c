/* SPDX-License-Identifier: MIT */
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Linux 6.13; the number is that of every architecture but alpha. */
#ifndef SYS_getxattrat
#define SYS_getxattrat 464
#endif

/* struct xattr_args of <linux/xattr.h>, which is younger than Debian 12. */
struct getxattrat_args {
	_Alignas(8) uint64_t value;
	uint32_t size;
	uint32_t flags;
};

static _Atomic bool lacks_getxattrat;

static ssize_t get_through_proc(int dirfd, const char *name, const char *xattr, void *value,
				size_t size)
{
	char path[32 + 1 + NAME_MAX + 1];
	char dir[32];
	ssize_t n;

	sys_fd_path(dirfd, dir);
	if (!*name) {
		n = getxattr(dir, xattr, value, size);
		return n < 0 ? -errno : n;
	}
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	n = lgetxattr(path, xattr, value, size);
	return n < 0 ? -errno : n;
}

ssize_t sys_get_xattr(int dirfd, const char *name, const char *xattr, void *value, size_t size)
{
	struct getxattrat_args args = {.value = (uintptr_t)value, .size = (uint32_t)size};
	ssize_t n;

	/* Of an O_PATH fd itself getxattrat(2) does not read. */
	if (lacks_getxattrat || !*name)
		return get_through_proc(dirfd, name, xattr, value, size);
	n = syscall(SYS_getxattrat, dirfd, name, AT_SYMLINK_NOFOLLOW, xattr, &args, sizeof(args));
	if (n >= 0)
		return n;
	/* Seccomp filters of containers answer EPERM to calls that they do not know. */
	if (errno != ENOSYS && errno != EPERM)
		return -errno;
	n = get_through_proc(dirfd, name, xattr, value, size);
	if (n != -EPERM)
		lacks_getxattrat = true;
	return n;
}
