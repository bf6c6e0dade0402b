/* SPDX-License-Identifier: MIT */
#include "supervisor/lower.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"

/* As in <linux/mount.h>, which cannot be included beside <sys/mount.h> everywhere. */
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

/* struct mount_attr of the kernel, first version. */
struct tree_attr {
	uint64_t attr_set;
	uint64_t attr_clr;
	uint64_t propagation;
	uint64_t userns_fd;
};

/* A detached clone that receives no later mounts. An fd or negative errno. */
static int tree_clone(const char *path)
{
	struct tree_attr attr = {.propagation = MS_PRIVATE};
	_cleanup_close_ int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path,
					      OPEN_TREE_CLONE | AT_RECURSIVE | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* A clone of a shared mount is its peer: our mount would propagate into it. */
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) <
	    0)
		return -errno;
	return TAKE_FD(fd);
}

static int lower_open(const struct config *config, struct share_config *share, struct err *err)
{
	int fd = tree_clone(share->path);

	if (fd < 0) {
		log_warning("share %s: no private clone of its mounts: errno %d", share->path, -fd);
		if (path_is_below(config->mountpoint, share->path)) {
			err_set_errno(err, ERR_PRECONDITION_FAILED, -fd,
				      "the mount point %.256s lies inside the share %.256s, which "
				      "cannot be cloned here",
				      config->mountpoint, share->path);
			return err_suggest(err, "Choose a mount point outside of every share.");
		}
		fd = open(share->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return err_set_errno(err, ERR_IO_ERROR, errno, "share %.256s", share->path);
	share->lower_fd = fd;
	return 0;
}

int lower_open_all(struct config *config, struct err *err)
{
	for (size_t i = 0; i < config->n_shares; i++) {
		if (lower_open(config, &config->shares[i], err) < 0)
			return -1;
	}
	return 0;
}
