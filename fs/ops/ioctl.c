/* SPDX-License-Identifier: MIT */
/*
 * IOCTL: the file attributes of lsattr(1) and chattr(1), where the backing has them. The kernel turns
 * the calls of programs, and file_getattr(2), into these requests for files and directories; it
 * has checked that the caller is the owner, and may set what only CAP_LINUX_IMMUTABLE may.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ops/deferred.h"
#include "ops/fs.h"
#include "ops/upper.h"

/* Both shapes of the same attributes: FS_..._FL flags, or a struct with FS_XFLAG_... */
union attributes {
	unsigned int flags;
	struct fsxattr extended;
};

struct shape {
	unsigned int get, set;
	size_t size;
};

static const struct shape shapes[] = {
	{FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, sizeof(unsigned int)},
	{FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR, sizeof(struct fsxattr)},
};

static int open_node(struct fs *fs, const struct node_info *node)
{
	return fs_open_object(fs, node, O_RDONLY | O_NONBLOCK);
}

static int get(struct fs *fs, const struct node_info *node, const struct shape *shape,
	       union attributes *ret)
{
	_cleanup_close_ int fd = open_node(fs, node);

	if (fd < 0)
		return fd;
	return ioctl(fd, shape->get, ret) ? -errno : 0;
}

/*
 * Only what the caller changes: he saw the attributes of the lower, and the copy's file system may
 * have others (extents, inline data) that cannot be given to it.
 */
static void change(const struct shape *shape, const union attributes *seen,
		   const union attributes *wanted, union attributes *now)
{
	unsigned int changed;

	if (shape->set == FS_IOC_SETFLAGS) {
		changed = seen->flags ^ wanted->flags;
		now->flags = (now->flags & ~changed) | (wanted->flags & changed);
		return;
	}
	changed = seen->extended.fsx_xflags ^ wanted->extended.fsx_xflags;
	now->extended.fsx_xflags = (now->extended.fsx_xflags & ~changed) |
				   (wanted->extended.fsx_xflags & changed);
	now->extended.fsx_projid = wanted->extended.fsx_projid;
	now->extended.fsx_extsize = wanted->extended.fsx_extsize;
	now->extended.fsx_cowextsize = wanted->extended.fsx_cowextsize;
}

/* No data can be brought into what is immutable, or append only: first they, then that. */
static bool closes_file(const struct shape *shape, const union attributes *attributes)
{
	if (shape->set == FS_IOC_SETFLAGS)
		return attributes->flags & (FS_IMMUTABLE_FL | FS_APPEND_FL);
	return attributes->extended.fsx_xflags & (FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND);
}

/* -EINPROGRESS as fs_make_upper(). */
static int set(struct fs *fs, struct node_info *node, const struct shape *shape,
	       const union attributes *wanted, struct flight **ret_flight)
{
	struct upper_need need = {.data = closes_file(shape, wanted) ? COPYUP_WHOLE
								     : COPYUP_DEFERRED};
	_cleanup_close_ int fd = -1;
	union attributes seen, now;
	int r = get(fs, node, shape, &seen);

	if (r == 0)
		r = fs_make_upper(fs, node, need, ret_flight);
	if (r < 0)
		return r;
	fd = open_node(fs, node);
	if (fd < 0)
		return fd;
	if (ioctl(fd, shape->get, &now))
		return -errno;
	change(shape, &seen, wanted, &now);
	return ioctl(fd, shape->set, &now) ? -errno : 0;
}

struct ioctl_call {
	fuse_ino_t nodeid;
	bool get;
	const struct shape *shape;
	union attributes attributes;
};

static int ioctl_deferred(struct fs *fs, fuse_req_t req, const void *context,
			  struct flight **ret_flight)
{
	const struct ioctl_call *call = context;
	union attributes attributes = {0};
	struct node_info node;
	int r = node_get(fs->nodes, call->nodeid, &node);

	if (r == 0 && node.state == NODE_STATE_VIRTUAL)
		r = -ENOTTY;
	if (r == 0 && call->get)
		r = get(fs, &node, call->shape, &attributes);
	else if (r == 0)
		r = set(fs, &node, call->shape, &call->attributes, ret_flight);
	if (r == -EINPROGRESS)
		return r;
	if (r < 0)
		fs_reply(req, r);
	else
		fuse_reply_ioctl(req, 0, &attributes, call->get ? call->shape->size : 0);
	return 0;
}

/* Valid replies: ioctl, error. */
static void do_ioctl(fuse_req_t req, fuse_ino_t nodeid, unsigned int cmd, void *arg,
		     struct fuse_file_info *fi, unsigned int flags, const void *in, size_t in_size,
		     size_t out_size)
{
	struct ioctl_call call = {.nodeid = nodeid};
	const struct shape *shape = NULL;

	(void)arg;
	(void)fi;
	(void)flags;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		if ((cmd == shapes[i].get && out_size >= shapes[i].size) ||
		    (cmd == shapes[i].set && in_size >= shapes[i].size))
			shape = &shapes[i];
	if (!shape) {
		fuse_reply_err(req, ENOTTY);
		return;
	}
	call.shape = shape;
	call.get = cmd == shape->get;
	if (!call.get)
		memcpy(&call.attributes, in, shape->size);
	deferred_run(fs_of(req), req, ioctl_deferred, &call, sizeof(call));
}

void ops_ioctl(struct fuse_lowlevel_ops *ops)
{
	ops->ioctl = do_ioctl;
}
