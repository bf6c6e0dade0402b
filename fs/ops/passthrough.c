/* SPDX-License-Identifier: MIT */
/* Registrations of backing files with the kernel (ARCHITECTURE: FUSE passthrough, Linux 6.9). */
#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "base/log.h"
#include "base/sys.h"
#include "ops/fs.h"
#include "ops/fuse_compat.h"

int passthrough_register(struct fs *fs, int fd, uid_t uid, gid_t gid)
{
	struct fuse_backing_map map = {.fd = fd};
	int r;

	/*
	 * The kernel writes to the backing file with the credentials of this moment: the caller's,
	 * and without what would leave set-id bits on a file that he writes, or let him use the
	 * disk's reserve.
	 */
	r = sys_as_user(uid, gid);
	if (r < 0)
		return r;
	/* With them it is not registered at all: data go through the worker then, which drops them too. */
	r = sys_drop_write_caps();
	if (r == 0) {
		r = ioctl(fs->fuse_fd, FUSE_DEV_IOC_BACKING_OPEN, &map);
		if (r < 0)
			r = -errno;
	}
	sys_restore_caps();
	sys_as_root();
	return r;
}

void passthrough_release(struct fs *fs, int backing_id)
{
	uint32_t id = (uint32_t)backing_id;

	if (ioctl(fs->fuse_fd, FUSE_DEV_IOC_BACKING_CLOSE, &id))
		log_warning("cannot release backing file %d: errno %d", backing_id, errno);
}
