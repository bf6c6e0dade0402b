/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define PROTECTION (FS_IMMUTABLE_FL | FS_APPEND_FL)

static bool lift(int dirfd, const char *name)
{
	_cleanup_close_ int fd = -1;
	unsigned int flags;
	struct stat st;

	/* Of others the file systems keep no such attributes, and to open them may wait, or act. */
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return false;
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) || !(flags & PROTECTION))
		return false;
	flags &= ~(unsigned int)PROTECTION;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

bool sys_unprotect(int dirfd, const char *name)
{
	bool directory = lift(dirfd, ".");

	return lift(dirfd, name) || directory;
}
