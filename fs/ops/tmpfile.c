/* SPDX-License-Identifier: MIT */
/* TMPFILE: files that are made without a name. LINK (create.c) may give them one. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ops/fs.h"
#include "ops/hidden.h"
#include "ops/room.h"

/* A node for a file without a name, which fd is open on, and a handle; then the reply. */
static void reply_tmpfile(struct fs *fs, fuse_req_t req, const struct node_info *parent,
			  struct layer_dir *dir, const struct resolved *made, int fd,
			  struct fuse_file_info *fi)
{
	bool hide = made->layer == LAYER_UPPER;
	struct fuse_entry_param entry = {0};
	int kept = hide ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	struct node_info node = {0};
	int r = !hide && kept < 0 ? -errno : 0;

	if (r == 0)
		r = node_new_nameless(fs->nodes, parent->index, made, kept, &node);
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	if (hide)
		r = hidden_link(fs, &node, dir, fd);
	if (r == 0)
		r = node_get(fs->nodes, node.nodeid, &node);
	if (r == 0)
		r = file_opened(fs, req, &node, fd, fi);
	if (r < 0) {
		fs_forget(fs, node.nodeid, 1);
		fs_reply(req, r);
		return;
	}
	entry.ino = node.nodeid;
	fs_attr(&node, false, &made->st, &entry.attr);
	/* As it was before the link that shows nowhere. */
	entry.attr.st_nlink = 0;
	entry.attr_timeout = fs_nameless_timeout(&node, made->st.st_mode);
	if (fuse_reply_create(req, &entry, fi) == -ENOENT) {
		file_undo_open(fs, fi);
		fs_forget(fs, node.nodeid, 1);
	}
}

/* Valid replies: create, error. */
static void do_tmpfile(fuse_req_t req, fuse_ino_t parent_id, mode_t mode, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	struct creator creator = fs_creator(req);
	_cleanup_close_ int fd = -1;
	struct resolved made = {.path_class = CLASS_PRIVATE};
	struct node_info parent;
	int r = fs_view_dir(fs, parent_id, &parent, &dir);

	if (r == 0)
		r = nodes_room(fs->nodes);
	if (r == 0)
		r = handle_room(fs->handles, creator.uid);
	if (r == 0)
		r = room_check_name(fs, dir, "");
	if (r == 0)
		r = fd = view_tmpfile(dir, mode, &creator, &made.layer);
	if (r >= 0)
		r = fstat(fd, &made.st) ? -errno : 0;
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	if (made.layer == LAYER_LOWER)
		made.path_class = CLASS_SHARED;
	made.origin_dev = made.st.st_dev;
	made.origin_ino = made.st.st_ino;
	reply_tmpfile(fs, req, &parent, dir, &made, fd, fi);
}

void ops_tmpfile(struct fuse_lowlevel_ops *ops)
{
	ops->tmpfile = do_tmpfile;
}
