/* SPDX-License-Identifier: MIT */
/* INIT, DESTROY: what we ask of the kernel. */
#include "ops/fs.h"

#include "base/log.h"

/*
 * Asked for, each with its reason:
 *   ATOMIC_O_TRUNC	a copy-up for O_TRUNC copies no data
 *   DONT_MASK		umask and default ACLs are applied by the backing file system
 *   POSIX_ACL		the kernel checks ACLs as it checks modes
 *   FLOCK_LOCKS	flock is arbitrated between sessions, and with outsiders
 *   HANDLE_KILLPRIV_V2	else each write costs a GETXATTR
 *   READDIRPLUS	one round trip for a directory and the attributes of what is in it
 *   DIRECT_IO_ALLOW_MMAP	files that sessions share can be mapped without passthrough too
 * Never WRITEBACK_CACHE (not together with passthrough) nor CACHE_SYMLINKS (magic links).
 */
static const uint64_t wanted[] = {
	FUSE_CAP_ATOMIC_O_TRUNC,  FUSE_CAP_DONT_MASK,
	FUSE_CAP_POSIX_ACL,       FUSE_CAP_FLOCK_LOCKS,
	FUSE_CAP_READDIRPLUS,     FUSE_CAP_HANDLE_KILLPRIV_V2,
	FUSE_CAP_PARALLEL_DIROPS, FUSE_CAP_DIRECT_IO_ALLOW_MMAP,
	FUSE_CAP_ASYNC_READ,      FUSE_CAP_ASYNC_DIO,
};

static void do_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *fs = userdata;
	struct instance *instance = fs->instance;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		fuse_set_feature_flag(conn, wanted[i]);
	fuse_unset_feature_flag(conn, FUSE_CAP_WRITEBACK_CACHE);
	fuse_unset_feature_flag(conn, FUSE_CAP_CACHE_SYMLINKS);
	fuse_unset_feature_flag(conn, FUSE_CAP_READDIRPLUS_AUTO);
	fuse_unset_feature_flag(conn, FUSE_CAP_POSIX_LOCKS);
	conn->max_backing_stack_depth = 0;
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
