/* SPDX-License-Identifier: MIT */
/* LOOKUP, FORGET, BATCH_FORGET, READLINK. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ops/fs.h"

#define LOOKUP_TRIES 8

static void reply_absent(fuse_req_t req, const struct layer_dir *dir, const struct resolved *found)
{
	struct fuse_entry_param entry = {.ino = 0};

	/* Nobody but this mount can bring it into being. */
	if (found->path_class == CLASS_PRIVATE && dir->inherited == CLASS_PRIVATE)
		entry.entry_timeout = found->whiteout || dir->sealed ? TIMEOUT_FOREVER
								     : TIMEOUT_LOWER;
	if (entry.entry_timeout > 0)
		fuse_reply_entry(req, &entry);
	else
		fuse_reply_err(req, ENOENT);
}

/* What the layers of a directory were opened as may have been replaced in the lower. */
static void refresh_dir(struct fs *fs, const struct node_info *node, struct layer_dir *dir,
			const char *name)
{
	_cleanup_layer_dir_ struct layer_dir *child = NULL;

	if (!S_ISDIR(node->type) || dir->sealed)
		return;
	child = node_dir_peek(fs->nodes, node->index);
	if (child && !view_dir_is_current(dir, name, child))
		node_dir_drop(fs->nodes, node->index, child);
}

/* Whoever meets the lock of another gets his denial on record; the kernel makes the EEXIST. */
static void note_lock(struct fs *fs, fuse_req_t req, const struct layer_dir *dir, const char *name,
		      const struct stat *st)
{
	char path[PATH_MAX];
	struct lock_key key;
	struct actor actor;

	if (fs_lock_key(dir, name, path, sizeof(path), &key) < 0)
		return;
	fs_actor(fs, req, dir->view->session, &actor);
	lock_looked_up(fs->instance->locks, &key, &actor, st);
}

/*
 * What a name stands for, and its entry unless there is none (LAYER_NONE). Others may change the name in
 * between: then once more, and at last as if they had done it a moment later.
 */
static int find_entry(struct fs *fs, const struct node_info *parent, struct layer_dir *dir,
		      const char *name, struct resolved *found, struct fuse_entry_param *ret_entry,
		      struct node_info *ret_node)
{
	int r = -EAGAIN;

	for (int tries = 0; tries < LOOKUP_TRIES && r == -EAGAIN; tries++) {
		uint32_t version = node_name_version(fs->nodes, parent->index, name);

		*found = (struct resolved){0};
		r = view_resolve(dir, name, found);
		if (r == 0 && found->layer != LAYER_NONE)
			r = fs_entry_since(fs, version, parent, dir, name, found, ret_entry,
					   ret_node);
	}
	return r == -EAGAIN ? fs_entry(fs, parent, dir, name, found, ret_entry, ret_node) : r;
}

static void lookup_in_view(struct fs *fs, fuse_req_t req, const struct node_info *parent,
			   const char *name)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	struct fuse_entry_param entry;
	struct resolved found = {0};
	struct node_info node = {0};
	int r = node_dir(fs->nodes, parent->index, &dir);

	if (r == 0)
		r = find_entry(fs, parent, dir, name, &found, &entry, &node);
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	if (found.layer == LAYER_NONE) {
		reply_absent(req, dir, &found);
		return;
	}
	if (found.path_class == CLASS_LOCK)
		note_lock(fs, req, dir, name, &found.st);
	refresh_dir(fs, &node, dir, name);
	fs_reply_entry(fs, req, &entry);
}

/* Valid replies: entry (nodeid 0: absent, with a time-out), error. */
static void do_lookup(fuse_req_t req, fuse_ino_t parent_id, const char *name)
{
	struct fs *fs = fs_of(req);
	struct node_info parent;
	int r = node_get(fs->nodes, parent_id, &parent);

	if (r == 0 && strlen(name) > NAME_MAX)
		r = -ENAMETOOLONG;
	if (r < 0)
		fs_reply(req, r);
	else if (parent.state == NODE_STATE_VIRTUAL)
		virtual_lookup(fs, req, &parent, name);
	else
		lookup_in_view(fs, req, &parent, name);
}

/* Valid replies: none. */
static void do_forget(fuse_req_t req, fuse_ino_t nodeid, uint64_t count)
{
	struct fs *fs = fs_of(req);

	fs_forget(fs, nodeid, count);
	fuse_reply_none(req);
}

/* Valid replies: none. */
static void do_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct fs *fs = fs_of(req);

	for (size_t i = 0; i < count; i++)
		fs_forget(fs, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

/* Valid replies: readlink, error. */
static void do_readlink(fuse_req_t req, fuse_ino_t nodeid)
{
	struct fs *fs = fs_of(req);
	_cleanup_close_ int fd = -1;
	char target[PATH_MAX];
	struct node_info node;
	ssize_t len;
	int r = node_get(fs->nodes, nodeid, &node);

	if (r == 0 && node.state == NODE_STATE_VIRTUAL) {
		virtual_readlink(fs, req, &node);
		return;
	}
	if (r == 0)
		r = fd = fs_open_path(fs, &node, NULL);
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	len = readlinkat(fd, "", target, sizeof(target) - 1);
	if (len < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	target[len] = '\0';
	fuse_reply_readlink(req, target);
}

void ops_lookup(struct fuse_lowlevel_ops *ops)
{
	ops->lookup = do_lookup;
	ops->forget = do_forget;
	ops->forget_multi = do_forget_multi;
	ops->readlink = do_readlink;
}
