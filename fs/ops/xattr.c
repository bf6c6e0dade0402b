/* SPDX-License-Identifier: MIT */
/* SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "ops/fs.h"

#define VALUE_MAX (64u << 10) /* XATTR_SIZE_MAX, XATTR_LIST_MAX of the kernel */

/* The object's path in /proc: the xattr calls take no O_PATH fd. Returns the fd that it needs. */
static int open_object(struct fs *fs, fuse_ino_t nodeid, bool change, char path[32])
{
	struct node_info node;
	int r = node_get(fs->nodes, nodeid, &node);

	if (r == 0 && node.state == NODE_STATE_VIRTUAL)
		r = -EOPNOTSUPP;
	if (r == 0 && change)
		r = fs_make_upper(fs, &node, false, false);
	if (r == 0)
		r = fs_open_path(fs, &node, NULL);
	if (r >= 0)
		sys_fd_path(r, path);
	return r;
}

/* Valid replies: err. */
static void do_setxattr(fuse_req_t req, fuse_ino_t nodeid, const char *name, const char *value,
			size_t size, int flags)
{
	struct fs *fs = fs_of(req);
	_cleanup_close_ int fd = -1;
	char path[32];

	if (layout_xattr_is_private(&fs->views.names, name)) {
		fuse_reply_err(req, EPERM);
		return;
	}
	fd = open_object(fs, nodeid, true, path);
	if (fd < 0)
		fs_reply(req, fd);
	else
		fs_reply(req, setxattr(path, name, value, size, flags) ? -errno : 0);
}

/* Valid replies: err. */
static void do_removexattr(fuse_req_t req, fuse_ino_t nodeid, const char *name)
{
	struct fs *fs = fs_of(req);
	_cleanup_close_ int fd = -1;
	char path[32];

	if (layout_xattr_is_private(&fs->views.names, name)) {
		fuse_reply_err(req, ENODATA);
		return;
	}
	fd = open_object(fs, nodeid, true, path);
	if (fd < 0)
		fs_reply(req, fd);
	else
		fs_reply(req, removexattr(path, name) ? -errno : 0);
}

static void reply_bytes(fuse_req_t req, const char *data, ssize_t len, size_t size)
{
	if (len < 0)
		fs_reply(req, (int)len);
	else if (size == 0)
		fuse_reply_xattr(req, (size_t)len);
	else if ((size_t)len > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, data, (size_t)len);
}

/* Valid replies: buf, data, xattr (the size), error. */
static void do_getxattr(fuse_req_t req, fuse_ino_t nodeid, const char *name, size_t size)
{
	struct fs *fs = fs_of(req);
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *value = NULL;
	char path[32];
	ssize_t len;

	if (layout_xattr_is_private(&fs->views.names, name)) {
		fuse_reply_err(req, ENODATA);
		return;
	}
	fd = open_object(fs, nodeid, false, path);
	/* The kernel asks for ACLs of virtual objects too: they have none. */
	if (fd < 0) {
		fuse_reply_err(req, fd == -EOPNOTSUPP ? ENODATA : -fd);
		return;
	}
	value = malloc(size ? size : 1);
	if (!value) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	len = getxattr(path, name, value, size);
	reply_bytes(req, value, len < 0 ? -errno : len, size);
}

/* Takes the private names out of a list. Returns the bytes that are left. */
static ssize_t filter(const struct layout_names *names, char *list, ssize_t len)
{
	ssize_t kept = 0;

	for (ssize_t at = 0; at < len;) {
		ssize_t size = (ssize_t)strlen(list + at) + 1;

		if (!layout_xattr_is_private(names, list + at)) {
			memmove(list + kept, list + at, (size_t)size);
			kept += size;
		}
		at += size;
	}
	return kept;
}

/* Valid replies: buf, data, xattr (the size), error. */
static void do_listxattr(fuse_req_t req, fuse_ino_t nodeid, size_t size)
{
	struct fs *fs = fs_of(req);
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *list = malloc(VALUE_MAX);
	char path[32];
	ssize_t len;

	fd = list ? open_object(fs, nodeid, false, path) : -ENOMEM;
	if (fd < 0) {
		fs_reply(req, fd);
		return;
	}
	len = listxattr(path, list, VALUE_MAX);
	if (len < 0)
		len = -errno;
	else
		len = filter(&fs->views.names, list, len);
	reply_bytes(req, list, len, size);
}

void ops_xattr(struct fuse_lowlevel_ops *ops)
{
	ops->setxattr = do_setxattr;
	ops->getxattr = do_getxattr;
	ops->listxattr = do_listxattr;
	ops->removexattr = do_removexattr;
}
