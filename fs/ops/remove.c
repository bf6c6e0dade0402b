/* SPDX-License-Identifier: MIT */
/* UNLINK, RMDIR. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ops/claim.h"
#include "ops/fs.h"
#include "view/remove.h"

/*
 * What is open, or is a working directory, goes on after its name: its node keeps an fd. Only where
 * the kernel knows the object.
 */
static int hold_object(struct fs *fs, const struct node_info *parent, const char *name)
{
	uint64_t nodeid = node_find(fs->nodes, parent->index, name);
	struct node_info node;

	if (!nodeid || node_get(fs->nodes, nodeid, &node) < 0 || S_ISDIR(node.type))
		return -1;
	return fs_open_path(fs, &node, NULL);
}

static void remove_and_reply(fuse_req_t req, fuse_ino_t parent_id, const char *name, bool directory)
{
	struct fs *fs = fs_of(req);
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	_cleanup_close_ int fd = -1;
	struct node_info parent;
	struct claim claim;
	int r = fs_view_dir(fs, parent_id, &parent, &dir);

	if (r == 0)
		r = claim_begin(fs, req, dir, name, LOCK_IDIOM_NONE, &claim);
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	fd = directory ? -1 : hold_object(fs, &parent, name);
	r = directory ? view_rmdir(dir, name) : view_unlink(dir, name);
	if (r == 0) {
		node_name_gone(fs->nodes, parent.index, name, fd >= 0 ? TAKE_FD(fd) : -1);
		claim_removed(fs, &claim);
	}
	fs_reply(req, r);
}

/* Valid replies: err. */
static void do_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_and_reply(req, parent, name, false);
}

/* Valid replies: err. */
static void do_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_and_reply(req, parent, name, true);
}

void ops_remove(struct fuse_lowlevel_ops *ops)
{
	ops->unlink = do_unlink;
	ops->rmdir = do_rmdir;
}
