/* SPDX-License-Identifier: MIT */
/*
 * What <linux/fuse.h> of Debian 12 (protocol 7.36) lacks. Numbers from the kernel's
 * include/uapi/linux/fuse.h, 7.40 and 7.41.
 */
#pragma once

#include <linux/fuse.h>
#include <linux/ioctl.h>
#include <stdint.h>

#ifndef FUSE_DEV_IOC_BACKING_OPEN
struct fuse_backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
#define FUSE_DEV_IOC_BACKING_OPEN _IOW(229, 1, struct fuse_backing_map)
#define FUSE_DEV_IOC_BACKING_CLOSE _IOW(229, 2, uint32_t)
#endif

/* Notification: requests that were read but not answered are to be queued again. */
#define COMPAT_NOTIFY_RESEND 7
/* Protocol minor from which the kernel knows RESEND. */
#define COMPAT_MINOR_RESEND 40
