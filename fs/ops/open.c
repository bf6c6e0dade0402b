/* SPDX-License-Identifier: MIT */
/* OPEN, RELEASE of files. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "ops/claim.h"
#include "ops/deferred.h"
#include "ops/durable_file.h"
#include "ops/fs.h"
#include "ops/locking.h"
#include "ops/notifier.h"
#include "ops/room.h"
#include "ops/upper.h"

static bool wants_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
}

/* A shared writable map needs a file opened for both. */
static bool may_map(int flags)
{
	return (flags & O_ACCMODE) == O_RDWR;
}

/* Registers a file for this open, unless somebody else has just done it. 0 or as below. */
static int add_backing(struct fs *fs, fuse_req_t req, const struct node_info *node, int fd,
		       int *ret_id)
{
	uid_t owner = registry_at(fs->instance->registry, node->session)->uid;
	int made, release, r;

	if (fd < 0)
		return -EAGAIN; /* what was registered when the caller looked is gone */
	/* Whoever opens it first (root, in another's session): it is the session that writes. */
	made = passthrough_register(fs, fd, owner, fuse_req_ctx(req)->gid);
	/* A backing that the kernel does not take (another FUSE, too deep a stack): plain I/O. */
	if (made <= 0)
		return 0;
	r = node_open_backing(fs->nodes, node->index, node_data_layer(node), made, ret_id,
			      &release);
	if (r < 0 || *ret_id != made)
		passthrough_release(fs, made);
	if (release)
		passthrough_release(fs, release);
	return r;
}

/*
 * The backing that this open, which is counted, shall use; 0: none, data go through us. -EAGAIN: the
 * file was copied up meanwhile. -ESTALE: it is open from another layer.
 */
static int choose_backing(struct fs *fs, fuse_req_t req, const struct node_info *node, int fd,
			  int flags, int *ret_id)
{
	int release, r;

	r = node_open_backing(fs->nodes, node->index, node_data_layer(node), 0, ret_id, &release);
	if (release)
		passthrough_release(fs, release);
	/* Who is left with the old content may have it by another descriptor too. */
	if (r == -ESTALE && (node->flags & NODE_DETACHED) && !wants_write(flags))
		return 0;
	if (r < 0 || *ret_id || !fs->passthrough)
		return r;
	return add_backing(fs, req, node, fd, ret_id);
}

/*
 * Whether each close is to be told, for a process's locks end with it. That is a round trip of some
 * 3 us, a tenth of making a small file and a quarter of reading one: who reads a private file or makes
 * one is spared it. Locks that are taken by such a handle end with it, or when their process is seen to
 * have closed the file or ended (ops/locking.c).
 */
static bool needs_flush(struct fs *fs, const struct node_info *node, int flags)
{
	struct advisory_key key = locking_key(node);

	if (node->flags & NODE_LOWER_CLASS || advisory_in_use(fs->advisory, &key))
		return true;
	/* Only CREATE shows this flag. */
	return (flags & O_ACCMODE) != O_RDONLY && !(flags & O_CREAT);
}

/*
 * The kernel's own open, for an ioctl: those of programs bear O_LARGEFILE (which is 0 for us, not for
 * it). It does not look again where it is told that the file is stale, and neither reads nor writes.
 */
static bool is_for_ioctl(int flags)
{
	return flags == O_RDONLY;
}

int file_opened(struct fs *fs, fuse_req_t req, const struct node_info *node, int fd,
		struct fuse_file_info *fi)
{
	struct handle_record like = {.node = node->index,
				     .flags = (uint32_t)fi->flags,
				     .layer = node_data_layer(node),
				     .unflushed = !needs_flush(fs, node, fi->flags),
				     .counted_blocks = room_opened(fs, node, fi->flags),
				     .uid = fuse_req_ctx(req)->uid};
	bool lower_class = node->flags & NODE_LOWER_CLASS;
	int backing_id = 0, r;

	r = durable_opened(fs, node, fd, fi->flags);
	if (r < 0)
		return r;
	/* Counted before the backing is looked at: from now on it stays as it is. */
	node_opened(fs->nodes, node->index, may_map(fi->flags), 1);
	r = choose_backing(fs, req, node, fd, fi->flags, &backing_id);
	if (r == -ESTALE && is_for_ioctl(fi->flags))
		r = backing_id = 0;
	if (r == 0)
		r = handle_open(fs->handles, &like, HANDLE_STATE_FILE, &fi->fh);
	if (r < 0) {
		node_opened(fs->nodes, node->index, may_map(fi->flags), -1);
		if (r == -ESTALE)
			fs_detach(fs, node, fs_open_path(fs, node, NULL));
		return r;
	}
	fi->backing_id = backing_id;
	fi->noflush = like.unflushed;
	if (!fi->backing_id) {
		/* Sessions share it: no cache of one may stand in for the file. */
		fi->direct_io = lower_class;
		fi->keep_cache = node_data_layer(node) == LAYER_UPPER;
		fi->parallel_direct_writes = 1;
	}
	return 0;
}

void file_undo_open(struct fs *fs, struct fuse_file_info *fi)
{
	struct handle_record *handle = handle_at(fs->handles, fi->fh);

	if (!handle)
		return;
	node_opened(fs->nodes, handle->node, may_map((int)handle->flags), -1);
	handle_close(fs->handles, fi->fh);
}

static int truncate_opened(fuse_req_t req, int path_fd)
{
	_cleanup_close_ int fd = -1;
	char path[32];
	int r;

	sys_fd_path(path_fd, path);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fs_as_writer(req);
	if (r < 0)
		return r;
	r = ftruncate(fd, 0) ? -errno : 0;
	fs_as_worker();
	return r;
}

/* Truncating a lock file is a sign of presence, as creating it is. */
static int truncate_named(struct fs *fs, fuse_req_t req, const struct node_info *node, int fd,
			  struct layer_dir *parent)
{
	struct claim claim;
	struct stat st;
	int r = truncate_opened(req, fd);

	if (r < 0 || !parent)
		return r;
	if (claim_begin(fs, req, parent, node->name, LOCK_IDIOM_NONE, &claim) == 0 &&
	    fstat(fd, &st) == 0)
		claim_present(fs, &claim, &st);
	return 0;
}

static int parent_dir(struct fs *fs, const struct node_info *node, struct layer_dir **ret_dir)
{
	if (node->flags & NODE_NAMELESS)
		return 0;
	return node_dir(fs->nodes, node->parent, ret_dir);
}

/* The kernel's __FMODE_EXEC: the file is opened to be run. */
#define OPEN_TO_RUN 0x20

static bool is_running(struct fs *fs, uint32_t node)
{
	for (uint64_t fh = 0; (fh = handle_next(fs->handles, fh));) {
		const struct handle_record *handle = handle_at(fs->handles, fh);

		if (handle && handle->node == node && handle->head.state == HANDLE_STATE_FILE &&
		    (handle->flags & OPEN_TO_RUN))
			return true;
	}
	return false;
}

/*
 * A program that runs is not to be cut. Where the caller opens it for writing the kernel sees to
 * that; for O_RDONLY with O_TRUNC it does only after we have answered.
 */
static bool cuts_running(struct fs *fs, const struct node_info *node, int flags)
{
	return (flags & O_TRUNC) && (flags & O_ACCMODE) == O_RDONLY && node->opens &&
	       is_running(fs, node->index);
}

static int open_once(struct fs *fs, fuse_req_t req, struct node_info *node,
		     struct fuse_file_info *fi, struct flight **ret_flight)
{
	struct upper_need need = fi->flags & O_TRUNC ? UPPER_TRUNCATE : UPPER_WRITE;
	_cleanup_layer_dir_ struct layer_dir *parent = NULL;
	_cleanup_close_ int fd = -1;
	int r = cuts_running(fs, node, fi->flags) ? -ETXTBSY : 0;

	/* Before anything is copied up or cut. */
	if (r == 0)
		r = handle_room(fs->handles, fuse_req_ctx(req)->uid);

	if (r == 0 && (fi->flags & O_ACCMODE) != O_RDONLY)
		r = room_check_node(fs, node, 0);
	if (r == 0 && wants_write(fi->flags))
		r = fs_make_upper(fs, node, need, ret_flight);
	/* What is registered already needs no fd, unless it is to be cut. */
	if (r == 0 && (!node->backing_id || (fi->flags & O_TRUNC)))
		r = fd = fs_open_data_path(fs, node);
	if (r >= 0 && (fi->flags & O_TRUNC)) {
		r = parent_dir(fs, node, &parent);
		if (r == 0)
			r = truncate_named(fs, req, node, fd, parent);
	}
	if (r < 0)
		return r;
	return file_opened(fs, req, node, fd, fi);
}

static int open_file(struct fs *fs, fuse_req_t req, struct node_info *node,
		     struct fuse_file_info *fi, struct flight **ret_flight)
{
	int r = -EAGAIN;

	/* Copy-ups by others come in between, each at most once in the life of a file. */
	for (int tries = 0; tries < 4 && r == -EAGAIN; tries++) {
		if (tries && node_get(fs->nodes, node->nodeid, node) < 0)
			return -ESTALE;
		r = open_once(fs, req, node, fi, ret_flight);
	}
	return r == -EAGAIN ? -ESTALE : r;
}

struct open_call {
	fuse_ino_t nodeid;
	struct fuse_file_info fi;
};

static int open_deferred(struct fs *fs, fuse_req_t req, const void *context,
			 struct flight **ret_flight)
{
	const struct open_call *call = context;
	struct fuse_file_info fi = call->fi;
	struct node_info node;
	bool first_map;
	int r = node_get(fs->nodes, call->nodeid, &node);

	if (r == 0)
		r = open_file(fs, req, &node, &fi, ret_flight);
	if (r == -EINPROGRESS)
		return r;
	if (r < 0) {
		fs_reply(req, r);
		return 0;
	}
	first_map = may_map(fi.flags) && !node.mapped;
	if (fuse_reply_open(req, &fi) == -ENOENT)
		file_undo_open(fs, &fi);
	/* From now on times may change unseen: what the kernel keeps for ever, it asks for again. */
	else if (first_map)
		notifier_attributes(fs->notifier, call->nodeid, 0);
	return 0;
}

/* Valid replies: open, error. */
static void do_open(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *fi)
{
	struct open_call call = {.nodeid = nodeid, .fi = *fi};
	struct fs *fs = fs_of(req);
	struct node_info node;
	int r = node_get(fs->nodes, nodeid, &node);

	if (r < 0)
		fs_reply(req, r);
	else if (node.state == NODE_STATE_VIRTUAL)
		virtual_open(fs, req, &node, fi);
	else
		deferred_run(fs, req, open_deferred, &call, sizeof(call));
}

/* Valid replies: err (0; the kernel does not wait for it). */
static void do_release(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle_record *handle = handle_at(fs->handles, fi->fh);
	struct handle_record copy;

	if (!handle || handle->head.state != HANDLE_STATE_FILE) {
		if (handle)
			virtual_release(fs, handle, fi->fh);
		fuse_reply_err(req, 0);
		return;
	}
	copy = *handle;
	locking_released(fs, fi->fh);
	handle_close(fs->handles, fi->fh);
	node_opened(fs->nodes, copy.node, may_map((int)copy.flags), -1);
	room_closed(fs, &copy);
	if (may_map((int)copy.flags))
		notifier_attributes(fs->notifier, nodeid, 0);
	fuse_reply_err(req, 0);
}

void ops_open(struct fuse_lowlevel_ops *ops)
{
	ops->open = do_open;
	ops->release = do_release;
}
