/* SPDX-License-Identifier: MIT */
#include "ops/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "ops/hidden.h"
#include "ops/notifier.h"
#include "view/twin.h"

int fs_view_dir(struct fs *fs, fuse_ino_t parent, struct node_info *ret_node,
		struct layer_dir **ret_dir)
{
	int r = node_get(fs->nodes, parent, ret_node);

	if (r < 0)
		return r;
	if (ret_node->state != NODE_STATE_VIEW)
		return -EPERM;
	return node_dir(fs->nodes, ret_node->index, ret_dir);
}

void fs_actor(struct fs *fs, fuse_req_t req, uint32_t session, struct actor *ret_actor)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct proc_id id;

	*ret_actor = (struct actor){
		.session = session, .tid = ctx->pid, .uid = ctx->uid, .gid = ctx->gid};
	strcpy(ret_actor->identified_by, "subtree");
	if (proc_identify(ctx->pid, &id) == 0)
		ret_actor->pid = id.pid;
	ret_actor->run = identity_run(fs->instance->identity, ctx->pid, ctx->uid, session);
}

struct creator fs_creator(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct creator){.uid = ctx->uid, .gid = ctx->gid, .umask = ctx->umask};
}

int fs_as_writer(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	int r = sys_as_user(ctx->uid, ctx->gid);

	if (r < 0)
		return r;
	r = sys_drop_write_caps();
	if (r < 0)
		sys_as_root();
	return r;
}

void fs_as_worker(void)
{
	sys_restore_caps();
	sys_as_root();
}

int fs_lock_key(const struct layer_dir *dir, const char *name, char *path, size_t size,
		struct lock_key *ret_key)
{
	bool shared = dir->lower >= 0;
	int r = shared ? layer_dir_lower_path(dir, name, path, size)
		       : layer_dir_view_path(dir, name, path, size);

	if (r < 0)
		return r;
	*ret_key = (struct lock_key){.share = dir->view->share,
				     .session = shared ? 0 : dir->view->session,
				     .path = path};
	return 0;
}

double fs_entry_timeout(const struct node_info *node, const struct layer_dir *parent,
			enum path_class path_class)
{
	if (path_class != CLASS_PRIVATE || parent->inherited != CLASS_PRIVATE)
		return 0;
	/* Another directory may come to stand under its name in the lower, and merge with it. */
	if (S_ISDIR(node->type) && !parent->sealed)
		return TIMEOUT_LOWER;
	return node->layer == LAYER_UPPER ? TIMEOUT_FOREVER : TIMEOUT_LOWER;
}

double fs_attr_timeout(const struct node_info *node, const struct layer_dir *parent,
		       enum path_class path_class, mode_t mode)
{
	/* A write takes set-id bits away, and with passthrough nobody tells this inode. */
	if (S_ISREG(mode) && (mode & (S_ISUID | S_ISGID)))
		return 0;
	/* Changed by a descriptor that the kernel holds for another inode. */
	if (node->flags & NODE_TWIN)
		return 0;
	/* A shared writable map changes times without the kernel telling this inode. */
	if (node->mapped && node->layer == LAYER_UPPER)
		return TIMEOUT_LOWER;
	/* Size and times of its data follow the lower. */
	if ((node->flags & NODE_METACOPY) && fs_entry_timeout(node, parent, path_class) > 0)
		return TIMEOUT_LOWER;
	return fs_entry_timeout(node, parent, path_class);
}

double fs_nameless_timeout(const struct node_info *node, mode_t mode)
{
	/* Only that which has no other node either is changed through this one alone. */
	if (!(node->flags & NODE_HIDDEN) || (node->flags & NODE_TWIN) ||
	    (mode & (S_ISUID | S_ISGID)))
		return 0;
	return node->mapped ? TIMEOUT_LOWER : TIMEOUT_FOREVER;
}

void fs_attr(const struct node_info *node, bool merged_dir, const struct stat *backing,
	     struct stat *ret_attr)
{
	*ret_attr = *backing;
	ret_attr->st_ino = node->ino;
	/* The number of subdirectories of a merge is not known; 1 says so, as overlayfs does. */
	if (merged_dir)
		ret_attr->st_nlink = 1;
	else if (((node->flags & NODE_HIDDEN) || node->twin_hidden) && node->layer == LAYER_UPPER &&
		 ret_attr->st_nlink)
		ret_attr->st_nlink--;
}

static void fill_entry(const struct node_info *node, struct layer_dir *dir,
		       const struct resolved *found, struct fuse_entry_param *ret_entry)
{
	memset(ret_entry, 0, sizeof(*ret_entry));
	ret_entry->ino = node->nodeid;
	fs_attr(node, S_ISDIR(found->st.st_mode), &found->st, &ret_entry->attr);
	ret_entry->entry_timeout = fs_entry_timeout(node, dir, found->path_class);
	ret_entry->attr_timeout = fs_attr_timeout(node, dir, found->path_class, found->st.st_mode);
}

int fs_entry(struct fs *fs, const struct node_info *parent, struct layer_dir *dir, const char *name,
	     const struct resolved *found, struct fuse_entry_param *ret_entry,
	     struct node_info *ret_node)
{
	int r = node_lookup(fs->nodes, parent->index, name, found, 0, ret_node);

	if (r == 0)
		fill_entry(ret_node, dir, found, ret_entry);
	return r;
}

int fs_entry_since(struct fs *fs, uint32_t version, const struct node_info *parent,
		   struct layer_dir *dir, const char *name, const struct resolved *found,
		   struct fuse_entry_param *ret_entry, struct node_info *ret_node)
{
	int r = node_lookup_since(fs->nodes, version, parent->index, name, found, ret_node);

	if (r == 0)
		fill_entry(ret_node, dir, found, ret_entry);
	return r;
}

void fs_reply_entry(struct fs *fs, fuse_req_t req, const struct fuse_entry_param *entry)
{
	uint64_t nodeid = entry->ino;

	/* -ENOENT: the request was interrupted, the kernel never learnt of the node. */
	if (fuse_reply_entry(req, entry) == -ENOENT && nodeid)
		fs_forget(fs, nodeid, 1);
}

void fs_forget(struct fs *fs, uint64_t nodeid, uint64_t count)
{
	struct node_left left;

	node_forget(fs->nodes, nodeid, count, &left);
	if (left.backing_id)
		passthrough_release(fs, left.backing_id);
	if (!left.hidden)
		return;
	hidden_drop(fs, nodeid, &left);
	/* Whoever looked at another of its names in between has counted the link that is gone now. */
	nodeid = node_find_object(fs->nodes, &left);
	if (nodeid)
		notifier_attributes(fs->notifier, nodeid, 0);
}

struct metacopy_world fs_metacopy_world(struct fs *fs, const struct node_info *node)
{
	return (struct metacopy_world){.names = &fs->views.names,
				       .lower_root =
					       fs->views.config->shares[node->share].lower_fd};
}

/* fstatat(), for what the node may be a metacopy. */
static int stat_object(struct fs *fs, const struct node_info *node, int dirfd, const char *name,
		       struct stat *ret_st)
{
	struct metacopy_world world = fs_metacopy_world(fs, node);
	int r;

	if (!(node->flags & NODE_METACOPY))
		return fstatat(dirfd, name, ret_st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ? -errno
											 : 0;
	r = metacopy_stat(&world, dirfd, name, ret_st);
	return r < 0 ? r : 0;
}

static int stat_dir(struct fs *fs, const struct node_info *node, struct stat *ret_st,
		    bool *ret_merged)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	int upper, r;

	r = node_dir(fs->nodes, node->index, &dir);
	if (r < 0)
		return r;
	upper = layer_dir_upper(dir);
	*ret_merged = true;
	return fstatat(upper >= 0 ? upper : dir->lower, "", ret_st, AT_EMPTY_PATH) ? -errno : 0;
}

/* The node as it stands now: another thread may have copied it up or renamed it. */
static int stat_by_name(struct fs *fs, const struct node_info *node, struct stat *ret_st)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	uint32_t birth = 0;
	int fd, r;

	r = node_dir(fs->nodes, node->parent, &dir);
	if (r < 0)
		return r;
	fd = layer_dir_fd(dir, node->layer);
	if (fd < 0)
		return -ESTALE;
	if (node->layer == LAYER_LOWER)
		r = sys_stat_birth(fd, node->name, ret_st, &birth);
	else
		r = stat_object(fs, node, fd, node->name, ret_st);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	if (!node_is_object(node, ret_st, birth))
		return -ESTALE;
	if (node->flags & NODE_LOWER_CLASS)
		twin_show_links(dir->view, ret_st);
	return 0;
}

/* What was removed from the view while only in the lower has lost a name here, though not there. */
static void lose_link(const struct node_info *node, struct stat *st)
{
	if (node->layer == LAYER_LOWER && !(node->flags & NODE_LOWER_CLASS) && st->st_nlink)
		st->st_nlink--;
}

static int stat_hidden(struct fs *fs, const struct node_info *node, struct stat *ret_st)
{
	_cleanup_close_ int fd = -1;

	if (!(node->flags & NODE_METACOPY))
		return hidden_stat(fs, node, ret_st);
	fd = hidden_open(fs, node);
	return fd < 0 ? fd : stat_object(fs, node, fd, "", ret_st);
}

/* Where an object without a name is found: by a descriptor, by its link, or in the lower. */
static int stat_nameless(struct fs *fs, const struct node_info *node, struct stat *ret_st)
{
	int fd = node_nameless_fd(fs->nodes, node->index);
	int r = -ESTALE;

	if (fd >= 0)
		r = stat_object(fs, node, fd, "", ret_st);
	else if ((node->flags & NODE_NAMELESS) && node->layer == LAYER_LOWER)
		r = lower_stat(fs, node, ret_st);
	else if (node->flags & NODE_HIDDEN)
		r = stat_hidden(fs, node, ret_st);
	if (r == 0)
		lose_link(node, ret_st);
	return r;
}

int fs_stat(struct fs *fs, const struct node_info *node, struct stat *ret_st, bool *ret_merged)
{
	struct node_info now = *node;
	int r = -ESTALE;

	*ret_merged = false;
	if (S_ISDIR(node->type))
		return stat_dir(fs, node, ret_st, ret_merged);
	for (int tries = 0; tries < 3 && r == -ESTALE; tries++) {
		if (tries && node_get(fs->nodes, node->nodeid, &now) < 0)
			break;
		r = stat_nameless(fs, &now, ret_st);
		if (r == -ESTALE)
			r = stat_by_name(fs, &now, ret_st);
	}
	return r;
}

static int open_by_name(struct fs *fs, const struct node_info *node)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	uint32_t birth;
	int dirfd, r;

	r = node_dir(fs->nodes, node->parent, &dir);
	if (r < 0)
		return r;
	dirfd = layer_dir_fd(dir, node->layer);
	if (dirfd < 0)
		return -ESTALE;
	fd = openat(dirfd, node->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	r = sys_stat_birth(fd, "", &st, &birth);
	if (r < 0)
		return r;
	return node_is_object(node, &st, birth) ? TAKE_FD(fd) : -ESTALE;
}

static int open_dir_path(struct fs *fs, const struct node_info *node, enum layer *ret_layer)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	int upper, fd, r;

	r = node_dir(fs->nodes, node->index, &dir);
	if (r < 0)
		return r;
	upper = layer_dir_upper(dir);
	if (ret_layer)
		*ret_layer = upper >= 0 ? LAYER_UPPER : LAYER_LOWER;
	fd = fcntl(upper >= 0 ? upper : dir->lower, F_DUPFD_CLOEXEC, 3);
	return fd >= 0 ? fd : -errno;
}

/* As stat_nameless(). */
static int open_nameless(struct fs *fs, const struct node_info *node)
{
	int fd = node_nameless_fd(fs->nodes, node->index);

	if (fd >= 0) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		return fd >= 0 ? fd : -errno;
	}
	if ((node->flags & NODE_NAMELESS) && node->layer == LAYER_LOWER)
		return lower_open(fs, node);
	return node->flags & NODE_HIDDEN ? hidden_open(fs, node) : -ESTALE;
}

int fs_open_path(struct fs *fs, const struct node_info *node, enum layer *ret_layer)
{
	struct node_info now = *node;
	int r = -ESTALE;

	if (S_ISDIR(node->type))
		return open_dir_path(fs, node, ret_layer);
	for (int tries = 0; tries < 3 && r == -ESTALE; tries++) {
		if (tries && node_get(fs->nodes, node->nodeid, &now) < 0)
			break;
		if (ret_layer)
			*ret_layer = now.layer;
		r = open_nameless(fs, &now);
		if (r == -ESTALE)
			r = open_by_name(fs, &now);
	}
	return r;
}

int fs_open_data_path(struct fs *fs, struct node_info *node)
{
	_cleanup_close_ int fd = fs_open_path(fs, node, NULL);
	struct metacopy_world world = fs_metacopy_world(fs, node);
	int data, r;

	if (fd < 0 || !(node->flags & NODE_METACOPY))
		return TAKE_FD(fd);
	data = metacopy_open_data(&world, fd, "", NULL);
	if (data != -ENODATA)
		return data;
	/* Somebody has brought its data in, and nobody has told the node. */
	r = fs_data_came(fs, node, fd, false);
	return r < 0 ? r : TAKE_FD(fd);
}

int fs_reopen(int path_fd, int flags)
{
	char path[32];
	int fd;

	sys_fd_path(path_fd, path);
	fd = open(path, (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

void fs_detach(struct fs *fs, const struct node_info *node, int fd_consume)
{
	bool named = !(node->flags & NODE_NAMELESS);
	struct node_info parent;

	node_detach(fs->nodes, node->index, fd_consume);
	notifier_attributes(fs->notifier, node->nodeid, 0);
	/* Who came by /proc, and not by the name, leaves the kernel with the old one under it. */
	if (named && node_get_index(fs->nodes, node->parent, &parent) == 0)
		notifier_expire(fs->notifier, parent.nodeid, node->name);
	/* Which other names it has, only the kernel knows. */
	if (node->flags & NODE_BY_INODE)
		notifier_expire_all(fs->notifier);
}

int fs_open_data(struct fs *fs, struct node_info *node, int flags)
{
	_cleanup_close_ int path_fd = fs_open_data_path(fs, node);

	return path_fd < 0 ? path_fd : fs_reopen(path_fd, flags);
}

int fs_open_object(struct fs *fs, const struct node_info *node, int flags)
{
	_cleanup_close_ int path_fd = fs_open_path(fs, node, NULL);

	return path_fd < 0 ? path_fd : fs_reopen(path_fd, flags);
}
