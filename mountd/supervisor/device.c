/* SPDX-License-Identifier: MIT */
#include "supervisor/device.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mount.h>

#include "base/log.h"

#define DEVICE "/dev/fuse"

static int fail_missing(int errno_value, struct err *err)
{
	err_set_errno(err, ERR_PRECONDITION_FAILED, errno_value, DEVICE " is missing");
	return err_suggest(err,
			   "Load the module: modprobe fuse. In a container: pass the device in "
			   "(--device " DEVICE "), or make it: mknod " DEVICE " c 10 229");
}

int device_open(struct err *err)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO || errno == ENOTDIR)
		return fail_missing(errno, err);
	if (errno == EACCES || errno == EPERM) {
		err_set_errno(err, ERR_PERMISSION_DENIED, errno, DEVICE);
		return err_suggest(err,
				   "Mounting needs CAP_SYS_ADMIN and, in a container, leave to "
				   "use the device: --device " DEVICE);
	}
	return err_set_errno(err, ERR_IO_ERROR, errno, DEVICE);
}

int device_mount(int fuse_fd, const char *path, struct mount_info *ret_info, struct err *err)
{
	char options[160];

	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions",
		 fuse_fd);
	/*
	 * Set-user-id programs work in a view as they do below. Inside a user namespace the
	 * kernel itself ignores the bits of a file system that was mounted there.
	 */
	if (mount("sessionfs", path, "fuse.sessionfs", MS_NODEV, options) < 0) {
		int saved = errno;

		err_set_errno(err,
			      saved == EPERM || saved == EACCES ? ERR_PERMISSION_DENIED
								: ERR_PRECONDITION_FAILED,
			      saved, "cannot mount at %.256s", path);
		if (saved == ENODEV)
			err_suggest(err, "Load the module: modprobe fuse");
		return -1;
	}
	if (mountinfo_at(path, ret_info) == 1)
		return 0;
	umount2(path, MNT_DETACH);
	return err_set(err, ERR_INTERNAL_ERROR, "the mount at %.256s is not in mountinfo", path);
}

void device_unmount(const struct mount_info *info)
{
	struct mount_info now;

	if (mountinfo_at(info->path, &now) != 1 || !mountinfo_same(info, &now))
		return;
	if (umount2(info->path, MNT_DETACH) < 0)
		log_error("%s: cannot unmount: errno %d", info->path, errno);
}

bool device_gone(int fuse_fd)
{
	struct pollfd poll_fd = {.fd = fuse_fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLERR);
}
