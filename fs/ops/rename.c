/* SPDX-License-Identifier: MIT */
/* RENAME. */
#include "view/rename.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ops/claim.h"
#include "ops/fs.h"
#include "ops/hidden.h"
#include "ops/notifier.h"
#include "ops/room.h"

struct rename_end {
	struct node_info parent;
	struct layer_dir *dir;
	const char *name;
	struct claim claim;
	struct node_info node; /* of the name before; index 0: the kernel knows none */
};

static int end_open(struct fs *fs, fuse_req_t req, fuse_ino_t parent_id, const char *name,
		    enum lock_idiom idiom, struct rename_end *end)
{
	uint64_t nodeid;
	int r = fs_view_dir(fs, parent_id, &end->parent, &end->dir);

	end->name = name;
	end->node.index = 0;
	if (r < 0)
		return r;
	nodeid = node_find(fs->nodes, end->parent.index, name);
	if (!nodeid || node_get(fs->nodes, nodeid, &end->node) < 0)
		end->node.index = 0;
	return claim_begin(fs, req, end->dir, name, idiom, &end->claim);
}

/*
 * The moved object's backing may be another now (copy-up, a move between layers): the name that it
 * got tells. A file that is open with passthrough from the lower, where its class has put it, gives
 * its name to a new node.
 */
static void follow_object(struct fs *fs, const struct rename_end *from, const struct rename_end *to,
			  int old_fd)
{
	struct node_place place;
	struct resolved found;
	struct node_info node;
	bool copied_up;
	int backing_id;

	if (!from->node.index || view_resolve(to->dir, to->name, &found) < 0 ||
	    found.layer == LAYER_NONE || node_get(fs->nodes, from->node.nodeid, &node) < 0)
		return;
	if (S_ISDIR(node.type))
		return;
	if (found.st.st_dev == node.backing_dev && found.st.st_ino == node.backing_ino)
		return;
	copied_up = node.layer == LAYER_LOWER && !(node.flags & NODE_LOWER_CLASS) &&
		    found.layer == LAYER_UPPER;
	if (node.opens && node.backing_id && !found.metacopy && !copied_up) {
		fs_detach(fs, &node, fcntl(old_fd, F_DUPFD_CLOEXEC, 3));
		return;
	}
	place = (struct node_place){.layer = found.layer,
				    .metacopy = found.metacopy,
				    .lower_class = view_lives_in_lower(to->dir, found.path_class),
				    .dev = found.st.st_dev,
				    .ino = found.st.st_ino,
				    .birth = found.birth};
	/* To be moved: what is open of it goes on, as after a change of attributes. */
	if (copied_up) {
		node_copied_up(fs->nodes, node.index, &place, false, &backing_id);
		if (backing_id)
			passthrough_release(fs, backing_id);
		return;
	}
	/* Of a metacopy the data are where they were. */
	if (node.backing_id && !found.metacopy)
		passthrough_release(fs, node_take_backing(fs->nodes, node.index));
	node_moved_layer(fs->nodes, node.index, &place);
}

/* Directories that are cached learn where they stand. */
static void move_cached_dir(struct fs *fs, const struct rename_end *from,
			    const struct rename_end *to)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;

	if (!from->node.index || !S_ISDIR(from->node.type))
		return;
	dir = node_dir_peek(fs->nodes, from->node.index);
	if (dir)
		layer_dir_moved(dir, to->dir, to->name);
}

static void tell_locks(struct fs *fs, struct rename_end *from, struct rename_end *to,
		       unsigned int flags)
{
	struct stat st;

	claim_removed(fs, &from->claim);
	if (!to->claim.is_lock)
		return;
	if (!(flags & RENAME_NOREPLACE))
		claim_removed(fs, &to->claim);
	if (fstatat(to->dir->lower >= 0 ? to->dir->lower : layer_dir_upper(to->dir), to->name, &st,
		    AT_SYMLINK_NOFOLLOW))
		return;
	if (flags & RENAME_NOREPLACE)
		claim_end(fs, &to->claim, 0, &st);
	else
		claim_present(fs, &to->claim, &st);
}

/* The kernel keeps the source's node and time-outs under the new name, and lower names have none. */
static void expire_shared_name(struct fs *fs, const struct rename_end *to)
{
	if (view_lives_in_lower(to->dir, layer_dir_class(to->dir, to->name)))
		notifier_expire(fs->notifier, to->parent.nodeid, to->name);
}

static int open_object(struct fs *fs, const struct rename_end *end)
{
	if (!end->node.index || S_ISDIR(end->node.type))
		return -1;
	return fs_open_path(fs, &end->node, NULL);
}

static struct layer_dir *known_dir(struct fs *fs, const struct rename_end *end)
{
	return node_dir_known(fs->nodes, end->parent.index, end->name);
}

/* As room_check_moved(), of one end or of both. */
static int check_room(struct fs *fs, const struct rename_end *from, const struct rename_end *to,
		      unsigned int flags, bool ret_comes[2])
{
	int r = room_check_moved(fs, from->dir, from->name, &ret_comes[0]);

	ret_comes[1] = false;
	if (r == 0 && flags & RENAME_EXCHANGE)
		r = room_check_moved(fs, to->dir, to->name, &ret_comes[1]);
	return r;
}

static int rename_ends(struct fs *fs, struct rename_end *from, struct rename_end *to,
		       unsigned int flags)
{
	_cleanup_layer_dir_ struct layer_dir *moved = known_dir(fs, from);
	_cleanup_layer_dir_ struct layer_dir *target = known_dir(fs, to);
	_cleanup_close_ int old_fd = open_object(fs, from);
	_cleanup_close_ int displaced_fd = flags & RENAME_EXCHANGE ? open_object(fs, to) : -1;
	struct room_going going;
	struct parting replaced;
	struct resolved done;
	bool comes[2];
	int r = check_room(fs, from, to, flags, comes);

	if (r < 0)
		return r;
	if (!(flags & RENAME_EXCHANGE)) {
		room_going(fs, to->dir, to->name, &going);
		parting_begin(fs, &to->parent, to->dir, to->name, &replaced);
	}
	r = view_rename(from->dir, from->name, to->dir, to->name, flags, moved,
			flags & RENAME_EXCHANGE ? target : NULL);
	if (claim_was_done(&from->claim, r, -ENOENT) && !to->claim.is_lock)
		r = view_resolve(to->dir, to->name, &done) == 0 && done.layer != LAYER_NONE
			    ? 0
			    : -ENOENT;
	if (!(flags & RENAME_EXCHANGE)) {
		parting_end(fs, &to->parent, to->name, r, &replaced);
		room_gone(fs, &going, r);
	}
	if (r < 0)
		return r;
	if (comes[0])
		room_moved(fs, to->dir, to->name);
	if (comes[1])
		room_moved(fs, from->dir, from->name);
	if (flags & RENAME_EXCHANGE) {
		node_exchanged(fs->nodes, from->parent.index, from->name, to->parent.index,
			       to->name);
		move_cached_dir(fs, to, from);
		follow_object(fs, to, from, displaced_fd);
	} else {
		node_renamed(fs->nodes, from->parent.index, from->name, to->parent.index, to->name);
	}
	move_cached_dir(fs, from, to);
	follow_object(fs, from, to, old_fd);
	return 0;
}

/* Valid replies: err. */
static void do_rename(fuse_req_t req, fuse_ino_t old_parent, const char *old_name,
		      fuse_ino_t new_parent, const char *new_name, unsigned int flags)
{
	struct fs *fs = fs_of(req);
	struct rename_end from = {0}, to = {0};
	bool noreplace = flags & RENAME_NOREPLACE;
	int r = 0;

	if (flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		r = -EINVAL;
	if (r == 0)
		r = end_open(fs, req, old_parent, old_name, LOCK_IDIOM_NONE, &from);
	/* The file that he would rename is gone; the one under that name is another's lock. */
	if (r == 0 && claim_is_lost(fs, &from.claim))
		r = -ENOENT;
	if (r == 0)
		r = end_open(fs, req, new_parent, new_name,
			     noreplace ? LOCK_IDIOM_RENAME : LOCK_IDIOM_NONE, &to);
	if (r == 0 &&
	    (from.parent.session != to.parent.session || from.parent.share != to.parent.share))
		r = -EXDEV;
	if (r == 0)
		r = rename_ends(fs, &from, &to, flags);
	if (r == 0) {
		tell_locks(fs, &from, &to, flags);
		expire_shared_name(fs, &to);
	} else if (to.dir) {
		claim_end(fs, &to.claim, r, NULL);
	}
	layer_dir_unref(from.dir);
	layer_dir_unref(to.dir);
	fs_reply(req, r);
}

void ops_rename(struct fuse_lowlevel_ops *ops)
{
	ops->rename = do_rename;
}
