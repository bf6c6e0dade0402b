/* SPDX-License-Identifier: MIT */
/* Virtual objects: turns what virt/ and ctl/ answer into FUSE replies. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ops/ctl_file.h"
#include "ops/fs.h"

static void fill_attr(struct fs *fs, const struct virt_entry *entry, uint64_t ino,
		      struct stat *ret_attr)
{
	uint64_t at = fs->instance->globals->started_real_ns;

	*ret_attr = (struct stat){.st_ino = ino,
				  .st_mode = entry->mode,
				  .st_uid = entry->uid,
				  .st_gid = entry->gid,
				  .st_nlink = S_ISDIR(entry->mode) ? 2 : 1,
				  .st_blksize = 4096};
	ret_attr->st_mtim.tv_sec = (time_t)(at / NSEC_PER_SEC);
	ret_attr->st_mtim.tv_nsec = (long)(at % NSEC_PER_SEC);
	ret_attr->st_ctim = ret_attr->st_mtim;
	ret_attr->st_atim = ret_attr->st_mtim;
	/* `tail -f` reads what the size has grown by. */
	if (entry->type == VIRT_EVENTS)
		ret_attr->st_size = (off_t)events_size_bytes(fs->instance->events);
}

static double attr_timeout(const struct virt_entry *entry)
{
	return entry->stable && entry->type != VIRT_EVENTS ? TIMEOUT_LOWER : 0;
}

static int child_path(struct fs *fs, const struct node_info *parent, const char *name, char *ret,
		      size_t size)
{
	int r = node_virtual_path(fs->nodes, parent->index, ret, size);
	size_t len;

	if (r < 0)
		return r;
	len = strlen(ret);
	if (len + strlen(name) + 2 > size)
		return -ENAMETOOLONG;
	if (len)
		ret[len++] = '/';
	strcpy(ret + len, name);
	return 0;
}

/* The root of a view: the first node of it. */
static int lookup_view(struct fs *fs, const struct node_info *parent, const char *name,
		       const struct virt_entry *entry, struct fuse_entry_param *reply)
{
	_cleanup_layer_dir_ struct layer_dir *root = NULL;
	struct node_info node = {0};
	struct resolved found;
	int r = view_open(&fs->views, entry->session, entry->share, &root);

	if (r == 0)
		r = view_resolve_root(root, &found);
	if (r == 0)
		r = node_lookup_view(fs->nodes, parent->index, name, entry->session, entry->share,
				     &found, &node);
	if (r < 0)
		return r;
	reply->ino = node.nodeid;
	fs_attr(&node, true, &found.st, &reply->attr);
	reply->attr_timeout = TIMEOUT_LOWER;
	return 0;
}

void virtual_lookup(struct fs *fs, fuse_req_t req, const struct node_info *parent, const char *name)
{
	struct fuse_entry_param reply = {0};
	struct virt_entry entry;
	struct node_info node;
	char path[PATH_MAX];
	int r = child_path(fs, parent, name, path, sizeof(path));

	if (r == 0)
		r = virt_resolve(fs->instance, path, fuse_req_ctx(req)->uid, &entry);
	if (r == 0 && entry.type == VIRT_VIEW) {
		r = lookup_view(fs, parent, name, &entry, &reply);
	} else if (r == 0) {
		r = node_lookup(fs->nodes, parent->index, name, NULL, entry.mode & S_IFMT, &node);
		if (r == 0) {
			reply.ino = node.nodeid;
			fill_attr(fs, &entry, node.ino, &reply.attr);
			reply.attr_timeout = attr_timeout(&entry);
		}
	}
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	reply.entry_timeout = entry.stable ? TIMEOUT_FOREVER : 0;
	fs_reply_entry(fs, req, &reply);
}

static int resolve_node(struct fs *fs, fuse_req_t req, const struct node_info *node, char *path,
			size_t size, struct virt_entry *ret_entry)
{
	int r = node_virtual_path(fs->nodes, node->index, path, size);

	return r < 0 ? r : virt_resolve(fs->instance, path, fuse_req_ctx(req)->uid, ret_entry);
}

int virtual_attr(struct fs *fs, fuse_req_t req, const struct node_info *node, struct stat *ret_attr,
		 double *ret_timeout)
{
	struct virt_entry entry;
	char path[PATH_MAX];
	int r = resolve_node(fs, req, node, path, sizeof(path), &entry);

	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	fill_attr(fs, &entry, node->ino, ret_attr);
	*ret_timeout = attr_timeout(&entry);
	return 0;
}

void virtual_readlink(struct fs *fs, fuse_req_t req, const struct node_info *node)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	_cleanup_buf_ struct buf target = {0};
	char path[PATH_MAX];
	int r = node_virtual_path(fs->nodes, node->index, path, sizeof(path));

	if (r == 0)
		r = virt_readlink(fs->instance, path, ctx->pid, ctx->uid, ctx->gid, &target);
	if (r == 0 && buf_failed(&target))
		r = -ENOMEM;
	if (r < 0)
		fs_reply(req, r);
	else
		fuse_reply_readlink(req, target.data);
}

static uint32_t handle_state(enum virt_type type)
{
	if (type == VIRT_CTL)
		return HANDLE_STATE_CTL;
	return type == VIRT_EVENTS ? HANDLE_STATE_EVENTS : HANDLE_STATE_TEXT;
}

static int open_text(struct fs *fs, fuse_req_t req, const char *path, uint64_t fh)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct handle_private *private = handle_private(fs->handles, fh);
	int r;

	if (!private)
		return -ENOMEM;
	r = virt_render(fs->instance, path, ctx->pid, ctx->uid, ctx->gid, &private->text);
	return r == 0 && buf_failed(&private->text) ? -ENOMEM : r;
}

void virtual_open(struct fs *fs, fuse_req_t req, const struct node_info *node,
		  struct fuse_file_info *fi)
{
	struct handle_record like = {
		.node = node->index, .flags = (uint32_t)fi->flags, .uid = fuse_req_ctx(req)->uid};
	struct virt_entry entry;
	char path[PATH_MAX];
	int r = resolve_node(fs, req, node, path, sizeof(path), &entry);

	if (r == 0)
		r = handle_open(fs->handles, &like, handle_state(entry.type), &fi->fh);
	if (r == 0 && entry.type == VIRT_FILE) {
		r = open_text(fs, req, path, fi->fh);
		if (r < 0)
			handle_close(fs->handles, fi->fh);
	}
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	fi->direct_io = 1;
	fi->noflush = 1;
	fi->nonseekable = entry.type != VIRT_FILE;
	if (fuse_reply_open(req, fi) == -ENOENT)
		virtual_release(fs, handle_at(fs->handles, fi->fh), fi->fh);
}

/*
 * Replies with a copy: once the kernel has the reply the client may close, and the handle with its
 * text be released by another thread before this one has returned from the write.
 */
static void reply_copy(fuse_req_t req, char *copy_consume, size_t size)
{
	if (copy_consume)
		fuse_reply_buf(req, copy_consume, size);
	else
		fuse_reply_err(req, ENOMEM);
	free(copy_consume);
}

static char *copy_of(const char *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (copy && size)
		memcpy(copy, data, size);
	return copy;
}

static void read_events(struct fs *fs, fuse_req_t req, struct handle_record *handle, size_t size,
			struct handle_private *private)
{
	char *copy;
	size_t n;

	pthread_mutex_lock(&private->mutex);
	if (private->text.len == 0)
		events_read(fs->instance->events, handle->uid, &handle->events_position,
			    &private->text);
	n = private->text.len < size ? private->text.len : size;
	copy = copy_of(private->text.data, n);
	/* What did not fit is the next read's. */
	if (copy && n) {
		memmove(private->text.data, private->text.data + n, private->text.len - n);
		private->text.len -= n;
	}
	pthread_mutex_unlock(&private->mutex);
	reply_copy(req, copy, n);
}

/* A snapshot that a crash of the worker took away is made anew. */
static int restore_text(struct fs *fs, fuse_req_t req, const struct handle_record *handle,
			struct handle_private *private, uint64_t fh)
{
	char path[PATH_MAX];
	int r;

	if (private->text.data)
		return 0;
	r = node_virtual_path(fs->nodes, handle->node, path, sizeof(path));
	return r < 0 ? r : open_text(fs, req, path, fh);
}

void virtual_read(struct fs *fs, fuse_req_t req, struct handle_record *handle, size_t size,
		  off_t offset, struct fuse_file_info *fi)
{
	struct handle_private *private = handle_private(fs->handles, fi->fh);
	size_t len, n;
	int r;

	if (!private) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (handle->head.state == HANDLE_STATE_CTL) {
		ctl_file_read(fs, req, fi->fh, size);
		return;
	}
	if (handle->head.state == HANDLE_STATE_EVENTS) {
		read_events(fs, req, handle, size, private);
		return;
	}
	r = restore_text(fs, req, handle, private, fi->fh);
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	len = private->text.len;
	n = (size_t)offset >= len ? 0 : len - (size_t)offset;
	if (n > size)
		n = size;
	reply_copy(req, copy_of(private->text.data + (n ? offset : 0), n), n);
}

void virtual_release(struct fs *fs, struct handle_record *handle, uint64_t fh)
{
	if (handle->head.state == HANDLE_STATE_CTL)
		ctl_file_release(fs, handle, fh);
	handle_close(fs->handles, fh);
}

struct names {
	struct buf text;
	struct listing listing;
	size_t capacity;
	uint32_t parent;
	int r;
};

static int add_name(const char *name, uint32_t mode, void *context)
{
	struct names *names = context;
	struct listing *listing = &names->listing;

	if (listing->count == names->capacity) {
		size_t capacity = names->capacity ? names->capacity * 2 : 32;
		void *entries = reallocarray(listing->entries, capacity, sizeof(*listing->entries));

		if (!entries)
			return names->r = -ENOMEM;
		listing->entries = entries;
		names->capacity = capacity;
	}
	/* The name's place is known when all are there: until then its offset stands for it. */
	listing->entries[listing->count++] = (struct listing_entry){
		.name = (const char *)names->text.len,
		.ino = node_virtual_ino(names->parent, name),
		.type = (uint8_t)IFTODT(mode),
	};
	buf_add(&names->text, name, strlen(name) + 1);
	return 0;
}

int virtual_list(struct fs *fs, fuse_req_t req, const struct node_info *node,
		 struct listing *ret_listing)
{
	struct names names = {.parent = node->index};
	char path[PATH_MAX];
	int r = node_virtual_path(fs->nodes, node->index, path, sizeof(path));

	if (r == 0)
		r = virt_list(fs->instance, path, fuse_req_ctx(req)->uid, add_name, &names);
	if (r >= 0)
		r = buf_failed(&names.text) ? -ENOMEM : names.r;
	if (r < 0) {
		free(names.listing.entries);
		buf_release(&names.text);
		return r;
	}
	for (size_t i = 0; i < names.listing.count; i++)
		names.listing.entries[i].name =
			names.text.data + (uintptr_t)names.listing.entries[i].name;
	names.listing.names = names.text.data;
	*ret_listing = names.listing;
	return 0;
}
