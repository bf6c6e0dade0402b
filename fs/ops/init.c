/* SPDX-License-Identifier: MIT */
/* INIT, DESTROY: what we ask of the kernel. */
#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "ops/fs.h"

/*
 * Asked for, each with its reason:
 *   ATOMIC_O_TRUNC	a copy-up for O_TRUNC copies no data
 *   DONT_MASK		umask and default ACLs are applied by the backing file system
 *   POSIX_ACL		the kernel checks ACLs as it checks modes
 *   FLOCK_LOCKS, POSIX_LOCKS	are kept over copy-up, between sessions, and with outsiders
 *   HANDLE_KILLPRIV_V2	else each write costs a GETXATTR
 *   READDIRPLUS_AUTO	one round trip for a directory and the attributes of what is in it, where
 *			the reader has shown that he wants those
 *   DIRECT_IO_ALLOW_MMAP	files that sessions share can be mapped without passthrough too
 * Never WRITEBACK_CACHE (not together with passthrough) nor CACHE_SYMLINKS (magic links), nor the
 * SPLICE family: libfuse then makes a pipe for each request where it may not enlarge one, 12 system
 * calls of 20 (measured), and bulk data do not come this way.
 */
static const uint64_t wanted[] = {
	FUSE_CAP_ATOMIC_O_TRUNC,       FUSE_CAP_DONT_MASK,          FUSE_CAP_POSIX_ACL,
	FUSE_CAP_FLOCK_LOCKS,          FUSE_CAP_POSIX_LOCKS,        FUSE_CAP_READDIRPLUS,
	FUSE_CAP_READDIRPLUS_AUTO,     FUSE_CAP_HANDLE_KILLPRIV_V2, FUSE_CAP_PARALLEL_DIROPS,
	FUSE_CAP_DIRECT_IO_ALLOW_MMAP, FUSE_CAP_ASYNC_READ,         FUSE_CAP_ASYNC_DIO,
};

static const uint64_t unwanted[] = {
	FUSE_CAP_WRITEBACK_CACHE, FUSE_CAP_CACHE_SYMLINKS, FUSE_CAP_SPLICE_READ,
	FUSE_CAP_SPLICE_WRITE,    FUSE_CAP_SPLICE_MOVE,
};

/*
 * Releases and read-ahead that the kernel has under way at once. With its own number, 12, as many
 * files of a share that does not answer would keep all others from being closed, and their locks
 * held. Fewer than there can be threads.
 */
#define BACKGROUND_MAX 512

static bool is_overlayfs(int fd)
{
	struct statfs statfs;

	return fstatfs(fd, &statfs) == 0 && statfs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/*
 * Backing files on overlayfs (most containers' root) are themselves stacked, which must be allowed;
 * where it need not be it is not, for an overlayfs on a view would then be stacked too deep.
 */
static bool backing_is_stacked(const struct instance *instance)
{
	if (is_overlayfs(store_fd(instance->store)))
		return true;
	for (size_t i = 0; i < instance->config->n_shares; i++)
		if (is_overlayfs(instance->config->shares[i].lower_fd))
			return true;
	return false;
}

static void do_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *fs = userdata;
	struct instance *instance = fs->instance;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		fuse_set_feature_flag(conn, wanted[i]);
	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
		fuse_unset_feature_flag(conn, unwanted[i]);
	conn->max_backing_stack_depth = backing_is_stacked(instance) ? 1 : 0;
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = BACKGROUND_MAX * 3 / 4;
	instance->kernel_minor = conn->proto_minor;
	instance->passthrough = false;
	if (instance->config->no_passthrough)
		instance->passthrough_why = "switched off by --no-passthrough";
	else if (!fuse_set_feature_flag(conn, FUSE_CAP_PASSTHROUGH))
		instance->passthrough_why = "the kernel has no FUSE passthrough (Linux 6.9)";
	else
		instance->passthrough = true;
	if (instance->passthrough)
		instance->passthrough_why = NULL;
	fs->passthrough = instance->passthrough;
}

void ops_init(struct fuse_lowlevel_ops *ops)
{
	ops->init = do_init;
}
