/* SPDX-License-Identifier: MIT */
/* CREATE, MKNOD, MKDIR, SYMLINK, LINK. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "ops/claim.h"
#include "ops/fs.h"
#include "ops/room.h"
#include "ops/upper.h"

/* What stands under the name now, for the reply; `path_fd` (may be -1) spares the look by name. */
static int resolve_made(struct layer_dir *dir, const char *name, int path_fd,
			struct resolved *ret_found)
{
	struct resolved found = {.path_class = layer_dir_class(dir, name), .made = true};
	bool in_lower = view_lives_in_lower(dir, found.path_class);
	int dirfd = path_fd >= 0 ? path_fd : in_lower ? dir->lower : layer_dir_upper(dir);
	int r;

	if (path_fd >= 0)
		name = "";
	r = sys_stat_birth(dirfd, name, &found.st, &found.birth);
	/* It is made: that when is not known is no reason to say that it is not. */
	if (r < 0 && fstatat(dirfd, name, &found.st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return r;
	found.layer = in_lower ? LAYER_LOWER : LAYER_UPPER;
	found.origin_dev = found.st.st_dev;
	found.origin_ino = found.st.st_ino;
	*ret_found = found;
	return 0;
}

/* The last part of every family member: a node for what was made, and the reply. */
static void reply_made(struct fs *fs, fuse_req_t req, const struct node_info *parent,
		       struct layer_dir *dir, const char *name, const struct resolved *found)
{
	struct fuse_entry_param entry;
	struct node_info node;
	int r = fs_entry(fs, parent, dir, name, found, &entry, &node);

	if (r < 0)
		fs_reply(req, r);
	else
		fs_reply_entry(fs, req, &entry);
}

/* One of MKNOD, MKDIR, SYMLINK: they differ in one call. */
struct making {
	mode_t mode; /* with S_IFMT */
	dev_t rdev;
	const char *target;
	enum lock_idiom idiom;
};

static int make(struct layer_dir *dir, const char *name, const struct making *making,
		const struct creator *creator)
{
	if (S_ISDIR(making->mode))
		return view_mkdir(dir, name, making->mode, creator);
	if (S_ISLNK(making->mode))
		return view_symlink(dir, name, making->target, creator);
	return view_mknod(dir, name, making->mode, making->rdev, creator);
}

static void make_and_reply(fuse_req_t req, fuse_ino_t parent_id, const char *name,
			   const struct making *making)
{
	struct fs *fs = fs_of(req);
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	struct creator creator = fs_creator(req);
	struct node_info parent;
	struct resolved found = {0};
	struct claim claim;
	int r = fs_view_dir(fs, parent_id, &parent, &dir);

	if (r == 0)
		r = nodes_room(fs->nodes);
	if (r == 0)
		r = claim_begin(fs, req, dir, name, making->idiom, &claim);
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	r = room_check_name(fs, dir, name);
	if (r == 0)
		r = make(dir, name, making, &creator);
	if (claim_was_done(&claim, r, -EEXIST))
		r = 0;
	if (r == 0)
		r = resolve_made(dir, name, -1, &found);
	if (r == 0)
		room_made(fs, parent.session, found.layer, &found.st);
	claim_end(fs, &claim, r, r == 0 ? &found.st : NULL);
	if (r < 0)
		fs_reply(req, r);
	else
		reply_made(fs, req, &parent, dir, name, &found);
}

/* Valid replies: entry, error. */
static void do_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct making making = {.mode = mode, .rdev = rdev, .idiom = LOCK_IDIOM_CREATE};

	make_and_reply(req, parent, name, &making);
}

/* Valid replies: entry, error. */
static void do_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct making making = {.mode = S_IFDIR | mode, .idiom = LOCK_IDIOM_MKDIR};

	make_and_reply(req, parent, name, &making);
}

/* Valid replies: entry, error. */
static void do_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct making making = {
		.mode = S_IFLNK | 0777, .target = target, .idiom = LOCK_IDIOM_SYMLINK};

	make_and_reply(req, parent, name, &making);
}

/* The source's node is from now on known by inode, for it has two names. */
static int link_source(struct fs *fs, struct node_info *src, struct layer_dir *dir,
		       const struct claim *claim, const char *name)
{
	_cleanup_close_ int fd = -1;
	enum layer layer;
	int r = fs_make_upper(fs, src, UPPER_ATTRIBUTES, NULL);

	if (r < 0)
		return r;
	fd = fs_open_path(fs, src, &layer);
	if (fd < 0)
		return fd;
	r = view_link_fd(fd, layer, dir, name);
	if (claim_was_done(claim, r, -EEXIST))
		r = 0;
	if (r == 0)
		node_linked(fs->nodes, src->index);
	return r;
}

/* Valid replies: entry, error. */
static void do_link(fuse_req_t req, fuse_ino_t nodeid, fuse_ino_t parent_id, const char *name)
{
	struct fs *fs = fs_of(req);
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	struct node_info parent, src;
	struct resolved found;
	struct claim claim;
	int r = fs_view_dir(fs, parent_id, &parent, &dir);

	if (r == 0)
		r = node_get(fs->nodes, nodeid, &src);
	if (r == 0 && (src.session != parent.session || src.share != parent.share ||
		       src.state != NODE_STATE_VIEW))
		r = -EXDEV;
	if (r == 0)
		r = nodes_room(fs->nodes);
	if (r == 0)
		r = claim_begin(fs, req, dir, name, LOCK_IDIOM_LINK, &claim);
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	r = link_source(fs, &src, dir, &claim, name);
	if (r == 0)
		r = view_resolve(dir, name, &found);
	if (r == 0 && found.layer == LAYER_NONE)
		r = -ENOENT;
	claim_end(fs, &claim, r, r == 0 ? &found.st : NULL);
	if (r < 0)
		fs_reply(req, r);
	else
		reply_made(fs, req, &parent, dir, name, &found);
}

/*
 * Somebody else made the file between the kernel's look and this call: with O_EXCL that is an
 * error, without it the file is opened as it is.
 */
static int open_existing(struct fs *fs, const struct node_info *parent, struct layer_dir *dir,
			 const char *name, int flags, struct resolved *ret_found)
{
	struct fuse_entry_param entry;
	struct node_info node;
	int r = view_resolve(dir, name, ret_found);

	if (r < 0)
		return r;
	if (ret_found->layer == LAYER_NONE || !S_ISREG(ret_found->st.st_mode))
		return -ESTALE; /* the kernel looks again and finds what it is */
	r = fs_entry(fs, parent, dir, name, ret_found, &entry, &node);
	if (r < 0)
		return r;
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
		r = fs_make_upper(fs, &node, flags & O_TRUNC ? UPPER_TRUNCATE : UPPER_WRITE, NULL);
	/* The kernel keeps others out of the directory now, but not when it looks again. */
	if (r == -EINPROGRESS)
		r = -ESTALE;
	if (r == 0)
		r = fs_open_data(fs, &node, flags);
	fs_forget(fs, entry.ino, 1);
	if (r >= 0 && view_resolve(dir, name, ret_found) < 0) {
		close(r);
		return -ESTALE;
	}
	return r;
}

static void reply_created(struct fs *fs, fuse_req_t req, const struct node_info *parent,
			  struct layer_dir *dir, const char *name, const struct resolved *found,
			  int fd, struct fuse_file_info *fi)
{
	struct node_info node = {0};
	struct fuse_entry_param entry;
	int r = fs_entry(fs, parent, dir, name, found, &entry, &node);

	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	r = file_opened(fs, req, &node, fd, fi);
	if (r < 0) {
		fs_forget(fs, entry.ino, 1);
		fs_reply(req, r);
		return;
	}
	if (fuse_reply_create(req, &entry, fi) == -ENOENT) {
		file_undo_open(fs, fi);
		fs_forget(fs, entry.ino, 1);
	}
}

/* Valid replies: create, error. */
static void do_create(fuse_req_t req, fuse_ino_t parent_id, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	struct creator creator = fs_creator(req);
	_cleanup_close_ int fd = -1;
	bool exclusive = fi->flags & O_EXCL;
	struct node_info parent;
	struct resolved found = {0};
	struct claim claim;
	int r = fs_view_dir(fs, parent_id, &parent, &dir);

	/* What could not be opened is not made: a lock file above all, which would be held. */
	if (r == 0)
		r = nodes_room(fs->nodes);
	if (r == 0)
		r = handle_room(fs->handles, fuse_req_ctx(req)->uid);
	if (r == 0)
		r = claim_begin(fs, req, dir, name, exclusive ? LOCK_IDIOM_CREATE : LOCK_IDIOM_NONE,
				&claim);
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	/* Data go through the kernel or through fds of our own: this one may be read and written. */
	r = room_check_name(fs, dir, name);
	if (r == 0)
		r = fd = view_create(dir, name, O_RDWR, mode, &creator);
	if (r >= 0)
		r = resolve_made(dir, name, fd, &found);
	if (r == 0)
		room_made(fs, parent.session, found.layer, &found.st);
	if (claim_was_done(&claim, r, -EEXIST) || (r == -EEXIST && !exclusive))
		r = fd = open_existing(fs, &parent, dir, name, fi->flags, &found);
	claim_end(fs, &claim, r, r >= 0 ? &found.st : NULL);
	if (r >= 0 && !exclusive)
		claim_present(fs, &claim, &found.st);
	if (r < 0)
		fs_reply(req, r);
	else
		reply_created(fs, req, &parent, dir, name, &found, fd, fi);
}

void ops_create(struct fuse_lowlevel_ops *ops)
{
	ops->create = do_create;
	ops->mknod = do_mknod;
	ops->mkdir = do_mkdir;
	ops->symlink = do_symlink;
	ops->link = do_link;
}
