/* SPDX-License-Identifier: MIT */
/* OPENDIR, READDIR, READDIRPLUS, RELEASEDIR, FSYNCDIR. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ops/durable_file.h"
#include "ops/fs.h"

/* Entries 0 and 1 of every stream; the listing begins at 2. */
#define DOTS 2

/* Valid replies: open, error. */
static void do_opendir(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle_record like = {.flags = (uint32_t)fi->flags};
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	struct node_info node;
	int r = node_get(fs->nodes, nodeid, &node);

	if (r == 0 && node.state == NODE_STATE_VIEW)
		r = node_dir(fs->nodes, node.index, &dir);
	like.node = node.index;
	if (r == 0)
		r = handle_open(fs->handles, &like, HANDLE_STATE_DIR, &fi->fh);
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	/* Nothing but this mount can change it, so the kernel may keep what it read. */
	if (dir && dir->sealed && dir->lower < 0) {
		fi->cache_readdir = 1;
		fi->keep_cache = 1;
	}
	node_opened(fs->nodes, node.index, false, 1);
	if (fuse_reply_open(req, fi) == -ENOENT) {
		node_opened(fs->nodes, node.index, false, -1);
		handle_close(fs->handles, fi->fh);
	}
}

/* Valid replies: err. */
static void do_releasedir(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle_record *handle = handle_at(fs->handles, fi->fh);

	(void)nodeid;
	if (handle) {
		uint32_t node = handle->node;

		handle_close(fs->handles, fi->fh);
		node_opened(fs->nodes, node, false, -1);
	}
	fuse_reply_err(req, 0);
}

/* The snapshot of a stream: made at its beginning, and anew when it is rewound. */
static int take_listing(struct fs *fs, fuse_req_t req, const struct node_info *node,
			struct handle_private *private, off_t offset)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	int r = 0;

	if (private->listed && offset != 0)
		return 0;
	view_listing_release(&private->listing);
	private->listed = false;
	if (node->state == NODE_STATE_VIRTUAL) {
		r = virtual_list(fs, req, node, &private->listing);
	} else {
		r = node_dir(fs->nodes, node->index, &dir);
		if (r == 0)
			r = view_list(dir, &private->listing);
	}
	private->listed = r == 0;
	return r;
}

struct stream {
	struct fs *fs;
	fuse_req_t req;
	struct node_info node;
	struct layer_dir *dir; /* NULL for a virtual directory */
	dev_t upper_dev;
	dev_t lower_dev;
	bool plus;
	char *data;
	size_t size;
	size_t used;
};

static const char *entry_name(const struct listing *listing, uint64_t at)
{
	if (at == 0)
		return ".";
	return at == 1 ? ".." : listing->entries[at - DOTS].name;
}

/* One without a look-up: ".", "..", virtual entries, and READDIR. nodeid 0 tells the kernel so. */
static size_t add_plain(struct stream *stream, const char *name, uint64_t ino, uint8_t type,
			off_t next)
{
	size_t room = stream->size - stream->used;
	char *at = stream->data + stream->used;

	if (stream->plus) {
		struct fuse_entry_param entry = {.ino = 0};

		entry.attr.st_ino = ino;
		entry.attr.st_mode = DTTOIF(type);
		return fuse_add_direntry_plus(stream->req, at, room, name, &entry, next);
	}
	{
		struct stat st = {.st_ino = ino, .st_mode = DTTOIF(type)};

		return fuse_add_direntry(stream->req, at, room, name, &st, next);
	}
}

/*
 * The number of an entry as its look-up would give it, without one: from the listing, and for what
 * was copied up from its base.
 */
static uint64_t entry_number(const struct stream *stream, const struct listing_entry *entry)
{
	const struct view *view = stream->dir->view;
	bool upper = entry->layer == LAYER_UPPER;
	struct layout_base base;

	if (upper && stream->dir->impure &&
	    layout_get_base_at(&stream->fs->views.names, layer_dir_upper(stream->dir), entry->name,
			       &base) == 0 &&
	    layout_base_is_origin(&base))
		return view_inode_number(view, base.dev, base.ino);
	return view_inode_number(view, upper ? stream->upper_dev : stream->lower_dev, entry->ino);
}

/*
 * An entry with its attributes: looked up. Returns the bytes that it takes, 0 where it is gone
 * meanwhile.
 */
static size_t add_looked_up(struct stream *stream, const char *name, off_t next)
{
	size_t room = stream->size - stream->used;
	struct fuse_entry_param entry;
	struct resolved found;
	struct node_info child;
	size_t size;

	/* Asked with no room first: what is looked up must be sent. */
	size = fuse_add_direntry_plus(stream->req, NULL, 0, name, NULL, 0);
	if (size > room)
		return size;
	if (view_resolve(stream->dir, name, &found) < 0 || found.layer == LAYER_NONE)
		return 0;
	if (fs_entry(stream->fs, &stream->node, stream->dir, name, &found, &entry, &child) < 0)
		return 0;
	return fuse_add_direntry_plus(stream->req, stream->data + stream->used, room, name, &entry,
				      next);
}

static size_t add_entry(struct stream *stream, const struct listing *listing, uint64_t at)
{
	const struct listing_entry *entry;
	const char *name = entry_name(listing, at);
	off_t next = (off_t)at + 1;

	if (at < DOTS)
		return add_plain(stream, name, stream->node.ino, DT_DIR, next);
	entry = &listing->entries[at - DOTS];
	if (!stream->dir)
		return add_plain(stream, name, entry->ino, entry->type, next);
	if (stream->plus)
		return add_looked_up(stream, name, next);
	return add_plain(stream, name, entry_number(stream, entry), entry->type, next);
}

static void fill(struct stream *stream, const struct listing *listing, off_t offset)
{
	for (uint64_t at = (uint64_t)offset; at < listing->count + DOTS; at++) {
		size_t size = add_entry(stream, listing, at);

		if (size > stream->size - stream->used)
			return;
		stream->used += size;
	}
}

/* The devices of the layers; entries that are mount points in the lower are not told apart. */
static int stat_layers(struct stream *stream)
{
	int upper = layer_dir_upper(stream->dir);
	struct stat st = {0};

	if (upper >= 0 && fstatat(upper, "", &st, AT_EMPTY_PATH))
		return -errno;
	if (upper >= 0)
		stream->upper_dev = st.st_dev;
	if (stream->dir->lower >= 0 && fstatat(stream->dir->lower, "", &st, AT_EMPTY_PATH))
		return -errno;
	stream->lower_dev = st.st_dev;
	return 0;
}

static void read_and_reply(fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
			   struct fuse_file_info *fi, bool plus)
{
	struct fs *fs = fs_of(req);
	struct handle_private *private = handle_private(fs->handles, fi->fh);
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	_cleanup_free_ char *data = malloc(size);
	struct stream stream = {.fs = fs, .req = req, .plus = plus, .data = data, .size = size};
	int r = private && data ? node_get(fs->nodes, nodeid, &stream.node) : -EBADF;

	if (r == 0 && stream.node.state == NODE_STATE_VIEW)
		r = node_dir(fs->nodes, stream.node.index, &dir);
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	stream.dir = dir;
	if (dir && !plus)
		r = stat_layers(&stream);
	/* The kernel reads one stream by one call at a time; the mutex is for odd clients. */
	pthread_mutex_lock(&private->mutex);
	if (r == 0)
		r = take_listing(fs, req, &stream.node, private, offset);
	if (r == 0)
		fill(&stream, &private->listing, offset);
	pthread_mutex_unlock(&private->mutex);
	if (r < 0)
		fs_reply(req, r);
	else
		fuse_reply_buf(req, data, stream.used);
}

/* Valid replies: buf, data, iov, error. */
static void do_readdir(fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
		       struct fuse_file_info *fi)
{
	read_and_reply(req, nodeid, size, offset, fi, false);
}

/* Valid replies: buf, data, iov, error. */
static void do_readdirplus(fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
			   struct fuse_file_info *fi)
{
	read_and_reply(req, nodeid, size, offset, fi, true);
}

/* Valid replies: err. */
static void do_fsyncdir(fuse_req_t req, fuse_ino_t nodeid, int datasync, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	_cleanup_close_ int fd = -1;
	struct node_info node;
	int r = node_get(fs->nodes, nodeid, &node);

	(void)datasync; /* of a directory the names are the data */
	(void)fi;
	if (r == 0 && node.state == NODE_STATE_VIRTUAL) {
		fs_reply(req, 0);
		return;
	}
	if (r == 0)
		r = fd = fs_open_data(fs, &node, O_RDONLY | O_DIRECTORY);
	if (r >= 0)
		r = durable_dir(fs, &node, fd);
	fs_reply(req, r);
}

void ops_dir(struct fuse_lowlevel_ops *ops)
{
	ops->opendir = do_opendir;
	ops->releasedir = do_releasedir;
	ops->readdir = do_readdir;
	ops->readdirplus = do_readdirplus;
	ops->fsyncdir = do_fsyncdir;
}
