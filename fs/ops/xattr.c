/* SPDX-License-Identifier: MIT */
/* SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR. */
#include <errno.h>
#include <fcntl.h>
#include <linux/xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/sys.h"
#include "ops/deferred.h"
#include "ops/fs.h"
#include "ops/upper.h"

#define XATTR_CAPABILITY "security.capability"
#define VALUE_MAX (64u << 10) /* XATTR_SIZE_MAX, XATTR_LIST_MAX of the kernel */
#define GROUPS_MAX 1024       /* who is in more of them is taken for a stranger to the others */

/* The object's path in /proc: the xattr calls take no O_PATH fd. Returns the fd that it needs. */
static int open_object(struct fs *fs, fuse_ino_t nodeid, bool change, char path[32])
{
	struct node_info node;
	int r = node_get(fs->nodes, nodeid, &node);

	if (r == 0 && node.state == NODE_STATE_VIRTUAL)
		r = -EOPNOTSUPP;
	if (r == 0 && change) {
		r = fs_make_upper(fs, &node, UPPER_ATTRIBUTES, NULL);
		node_may_be_capable(fs->nodes, node.index);
	}
	if (r == 0)
		r = fs_open_path(fs, &node, NULL);
	if (r >= 0)
		sys_fd_path(r, path);
	return r;
}

static bool is_member(const struct fuse_ctx *ctx, gid_t gid)
{
	gid_t groups[GROUPS_MAX];
	int count;

	if (ctx->uid == 0 || ctx->gid == gid)
		return true;
	count = proc_groups(ctx->pid, groups, GROUPS_MAX);
	for (int i = 0; i < count; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

/*
 * An ACL may change who is in the file's group class: as with chmod, who is not of the group cannot
 * leave a set-group-id bit there. The kernel asks this of us in a flag that libfuse does not hand on.
 */
static void clear_setgid(fuse_req_t req, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_ISGID) &&
	    !is_member(fuse_req_ctx(req), st.st_gid))
		chmod(path, st.st_mode & 07777 & ~(mode_t)S_ISGID);
}

static int set(fuse_req_t req, const char *path, const char *name, const char *value, size_t size,
	       int flags)
{
	if (setxattr(path, name, value, size, flags))
		return -errno;
	if (strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) == 0)
		clear_setgid(req, path);
	return 0;
}

struct capability_call {
	fuse_ino_t nodeid;
	size_t size;
	int flags;
	char value[64];
};

/* Writing to a file takes its capabilities away: so first its data, then these. */
static int set_capability_deferred(struct fs *fs, fuse_req_t req, const void *context,
				   struct flight **ret_flight)
{
	const struct upper_need need = {.data = COPYUP_WHOLE};
	const struct capability_call *call = context;
	_cleanup_close_ int fd = -1;
	struct node_info node;
	char path[32];
	int r = node_get(fs->nodes, call->nodeid, &node);

	if (r == 0 && node.state == NODE_STATE_VIRTUAL)
		r = -EOPNOTSUPP;
	if (r == 0)
		r = fs_make_upper(fs, &node, need, ret_flight);
	if (r == -EINPROGRESS)
		return r;
	if (r == 0) {
		node_may_be_capable(fs->nodes, node.index);
		fd = open_object(fs, call->nodeid, false, path);
		r = fd < 0 ? fd : 0;
	}
	if (r == 0 && setxattr(path, XATTR_CAPABILITY, call->value, call->size, call->flags))
		r = -errno;
	fs_reply(req, r);
	return 0;
}

static void set_capability(fuse_req_t req, fuse_ino_t nodeid, const char *value, size_t size,
			   int flags)
{
	struct capability_call call = {.nodeid = nodeid, .size = size, .flags = flags};

	if (size > sizeof(call.value)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	memcpy(call.value, value, size);
	deferred_run(fs_of(req), req, set_capability_deferred, &call, sizeof(call));
}

/* Valid replies: err. */
static void do_setxattr(fuse_req_t req, fuse_ino_t nodeid, const char *name, const char *value,
			size_t size, int flags)
{
	struct fs *fs = fs_of(req);
	char path[32], on_disk[LAYOUT_XATTR_SIZE];
	int r = layout_xattr_escape(&fs->views.names, name, on_disk);
	_cleanup_close_ int fd = -1;

	if (strcmp(name, XATTR_CAPABILITY) == 0) {
		set_capability(req, nodeid, value, size, flags);
		return;
	}
	fd = r == 0 ? open_object(fs, nodeid, true, path) : r;
	if (fd < 0)
		fs_reply(req, fd);
	else
		fs_reply(req, set(req, path, on_disk, value, size, flags));
}

/* Valid replies: err. */
static void do_removexattr(fuse_req_t req, fuse_ino_t nodeid, const char *name)
{
	struct fs *fs = fs_of(req);
	char path[32], on_disk[LAYOUT_XATTR_SIZE];
	int r = layout_xattr_escape(&fs->views.names, name, on_disk);
	_cleanup_close_ int fd = r == 0 ? open_object(fs, nodeid, true, path) : r;

	if (fd < 0)
		fs_reply(req, fd);
	else
		fs_reply(req, removexattr(path, on_disk) ? -errno : 0);
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

/* By its name, which spares the opening; -ESTALE where the name is not its own. */
static ssize_t get_by_name(struct fs *fs, fuse_ino_t nodeid, const char *name, void *value,
			   size_t size)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	struct node_info node;
	struct stat st;
	int fd, r = node_get(fs->nodes, nodeid, &node);

	if (r < 0 || node.state != NODE_STATE_VIEW || S_ISDIR(node.type))
		return -ESTALE;
	/* The first write to each file asks for this: of a new one it is known. */
	if ((node.flags & NODE_NO_CAPABILITY) && strcmp(name, "security.capability") == 0)
		return -ENODATA;
	if (node.flags & NODE_NAMELESS)
		return -ESTALE;
	r = node_dir(fs->nodes, node.parent, &dir);
	if (r < 0)
		return -ESTALE;
	fd = layer_dir_fd(dir, node.layer);
	if (fd < 0 || fstatat(fd, node.name, &st, AT_SYMLINK_NOFOLLOW) ||
	    st.st_dev != node.backing_dev || st.st_ino != node.backing_ino)
		return -ESTALE;
	return sys_get_xattr(fd, node.name, name, value, size);
}

static ssize_t get_opened(struct fs *fs, fuse_ino_t nodeid, const char *name, void *value,
			  size_t size)
{
	char path[32];
	_cleanup_close_ int fd = open_object(fs, nodeid, false, path);
	ssize_t len;

	/* The kernel asks for ACLs of virtual objects too: they have none. */
	if (fd < 0)
		return fd == -EOPNOTSUPP ? -ENODATA : fd;
	len = getxattr(path, name, value, size);
	return len < 0 ? -errno : len;
}

/* Valid replies: buf, data, xattr (the size), error. */
static void do_getxattr(fuse_req_t req, fuse_ino_t nodeid, const char *name, size_t size)
{
	struct fs *fs = fs_of(req);
	_cleanup_free_ char *value = NULL;
	char on_disk[LAYOUT_XATTR_SIZE];
	ssize_t len = layout_xattr_escape(&fs->views.names, name, on_disk);

	if (len == 0) {
		value = malloc(size ? size : 1);
		len = value ? get_by_name(fs, nodeid, on_disk, value, size) : -ENOMEM;
	}
	if (len == -ESTALE)
		len = get_opened(fs, nodeid, on_disk, value, size);
	reply_bytes(req, value, len, size);
}

/*
 * Turns a list from disk into the view's, without what is private; and without trusted.* for who may not
 * read those either, as local file systems do. Returns the bytes that are left.
 */
static ssize_t filter(const struct layout_names *names, bool trusted, char *list, ssize_t len)
{
	ssize_t kept = 0;

	for (ssize_t at = 0; at < len;) {
		char *name = list + at;

		at += (ssize_t)strlen(name) + 1;
		if (layout_xattr_is_private(names, name) ||
		    (!trusted &&
		     strncmp(name, XATTR_TRUSTED_PREFIX, XATTR_TRUSTED_PREFIX_LEN) == 0))
			continue;
		layout_xattr_unescape(names, name);
		memmove(list + kept, name, strlen(name) + 1);
		kept += (ssize_t)strlen(list + kept) + 1;
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
		len = filter(&fs->views.names, fuse_req_ctx(req)->uid == 0, list, len);
	reply_bytes(req, list, len, size);
}

void ops_xattr(struct fuse_lowlevel_ops *ops)
{
	ops->setxattr = do_setxattr;
	ops->getxattr = do_getxattr;
	ops->listxattr = do_listxattr;
	ops->removexattr = do_removexattr;
}
