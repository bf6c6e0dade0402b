/* SPDX-License-Identifier: MIT */
/* UNLINK, RMDIR. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ops/claim.h"
#include "ops/fs.h"
#include "ops/hidden.h"
#include "ops/room.h"
#include "view/remove.h"

static void remove_and_reply(fuse_req_t req, fuse_ino_t parent_id, const char *name, bool directory)
{
	struct fs *fs = fs_of(req);
	_cleanup_layer_dir_ struct layer_dir *dir = NULL, *known = NULL;
	struct node_info parent = {0};
	struct room_going going;
	struct parting parting;
	struct claim claim;
	int r = fs_view_dir(fs, parent_id, &parent, &dir);

	if (r == 0)
		r = claim_begin(fs, req, dir, name, LOCK_IDIOM_NONE, &claim);
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	/* His lock is gone, as he would have it. */
	if (claim_is_lost(fs, &claim)) {
		fs_reply(req, 0);
		return;
	}
	if (directory)
		known = node_dir_known(fs->nodes, parent.index, name);
	(void)known; /* held until the end, that is what it is for */
	room_going(fs, dir, name, &going);
	parting_begin(fs, &parent, dir, name, &parting);
	r = directory ? view_rmdir(dir, name) : view_unlink(dir, name);
	if (claim_was_done(&claim, r, -ENOENT))
		r = 0;
	parting_end(fs, &parent, name, r, &parting);
	room_gone(fs, &going, r);
	if (r == 0)
		claim_removed(fs, &claim);
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
