/* SPDX-License-Identifier: MIT */
/*
 * READ, WRITE of files without passthrough; FSYNC, which passthrough leaves to us.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ops/ctl_file.h"
#include "ops/durable_file.h"
#include "ops/fs.h"
#include "ops/room.h"
#include "session/usage.h"

/* Opens the file of a handle for its own reads and writes. */
static int open_handle(struct fs *fs, const struct handle_record *record, struct node_info *node)
{
	int flags = (int)record->flags & (O_ACCMODE | O_NOATIME);

	/* Our own reads, for pages that are written in part, need both. */
	if ((flags & O_ACCMODE) == O_WRONLY)
		flags = (flags & ~O_ACCMODE) | O_RDWR;
	/* Who may write has had the data brought in; a lower is never opened so. */
	if ((flags & O_ACCMODE) == O_RDWR)
		return fs_open_object(fs, node, flags);
	return fs_open_data(fs, node, flags);
}

/*
 * The fd of a handle, opened when first needed, and anew where the file was copied up since: then
 * readers of the old one see what is written, as on one file. The number stays, for another thread
 * may be reading from it. Where too many are kept already it is for this call alone: ret_own is to be
 * closed (else -1).
 */
static int handle_fd(struct fs *fs, uint64_t fh, int *ret_own)
{
	struct handle_record *record = handle_at(fs->handles, fh);
	struct handle_private *private = handle_private(fs->handles, fh);
	struct node_info node;
	int fd;

	*ret_own = -1;
	if (!record || !private || record->head.state != HANDLE_STATE_FILE)
		return -EBADF;
	if (node_get_index(fs->nodes, record->node, &node) < 0)
		return -ESTALE;
	pthread_mutex_lock(&private->mutex);
	fd = private->fd;
	if (fd < 0 || private->fd_layer != node_data_layer(&node))
		fd = open_handle(fs, record, &node);
	if (fd >= 0 && private->fd >= 0 && fd != private->fd) {
		dup3(fd, private->fd, O_CLOEXEC);
		close(fd);
		fd = private->fd;
	}
	if (fd >= 0 && private->fd < 0 && !handle_keep_fd(fs->handles, private, fd))
		*ret_own = fd;
	else if (fd >= 0)
	private->fd_layer = node_data_layer(&node);
	pthread_mutex_unlock(&private->mutex);
	return fd;
}

/* Valid replies: buf, data, iov, error. */
static void do_read(fuse_req_t req, fuse_ino_t nodeid, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle_record *handle = handle_at(fs->handles, fi->fh);
	struct fuse_bufvec data = FUSE_BUFVEC_INIT(size);
	_cleanup_close_ int own = -1;
	int fd;

	(void)nodeid;
	if (handle && handle->head.state != HANDLE_STATE_FILE) {
		virtual_read(fs, req, handle, size, offset, fi);
		return;
	}
	fd = handle_fd(fs, fi->fh, &own);
	if (fd < 0) {
		fs_reply(req, fd);
		return;
	}
	data.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	data.buf[0].fd = fd;
	data.buf[0].pos = offset;
	fuse_reply_data(req, &data, FUSE_BUF_SPLICE_MOVE);
}

/*
 * How this write goes to the file, by the flags that its descriptor has now (fcntl(2) may have changed
 * them). Appending is of a write, not of our fd: the kernel sends pages of a map by any handle.
 */
static int write_flags(const struct fuse_file_info *fi)
{
	int flags = 0;

	if (fi->writepage)
		return 0;
	if (fi->flags & O_APPEND)
		flags |= RWF_APPEND;
	if ((fi->flags & O_SYNC) == O_SYNC)
		flags |= RWF_SYNC;
	else if (fi->flags & O_DSYNC)
		flags |= RWF_DSYNC;
	return flags;
}

static ssize_t write_at(int fd, const char *data, size_t size, off_t offset,
			const struct fuse_file_info *fi)
{
	const struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	ssize_t n = pwritev2(fd, &part, 1, offset, write_flags(fi));

	return n < 0 ? -errno : n;
}

/* Whether the session may write more; the worker's own writes are not to wait for the next look. */
static int check_room(struct fs *fs, const struct handle_record *handle)
{
	struct node_info node;

	if (!usage_limited(fs->instance->config) || !handle ||
	    node_get_index(fs->nodes, handle->node, &node) < 0)
		return 0;
	return room_check_node(fs, &node, 0);
}

/*
 * As the caller, so that set-id bits and the disk's reserve are treated as for him; but pages of a
 * map come from nobody, and were accepted when he wrote to them. Valid replies: write, error.
 */
static void do_write(fuse_req_t req, fuse_ino_t nodeid, const char *data, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle_record *handle = handle_at(fs->handles, fi->fh);
	_cleanup_close_ int own = -1;
	ssize_t n;
	int fd;

	(void)nodeid;
	/* Only the control file is written to among virtual files. */
	if (handle && handle->head.state == HANDLE_STATE_CTL) {
		ctl_file_write(fs, req, fi->fh, data, size);
		return;
	}
	n = fd = handle_fd(fs, fi->fh, &own);
	if (fd >= 0 && !fi->writepage)
		n = check_room(fs, handle);
	if (n >= 0 && !fi->writepage)
		n = fs_as_writer(req);
	if (n >= 0) {
		n = write_at(fd, data, size, offset, fi);
		if (!fi->writepage)
			fs_as_worker();
	}
	if (n < 0)
		fs_reply(req, (int)n);
	else
		fuse_reply_write(req, (size_t)n);
}

/* Valid replies: err. */
static void do_fsync(fuse_req_t req, fuse_ino_t nodeid, int datasync, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	_cleanup_close_ int fd = -1;
	struct node_info node;
	int r = node_get(fs->nodes, nodeid, &node);

	(void)fi;
	if (r == 0 && node.state == NODE_STATE_VIRTUAL) {
		fs_reply(req, 0);
		return;
	}
	/* fsync is of the file, not of a descriptor; passthrough leaves it to the server. */
	if (r == 0)
		r = fd = fs_open_object(fs, &node, O_RDONLY | O_NONBLOCK);
	if (r >= 0)
		r = durable_file(fs, &node, fd, datasync);
	fs_reply(req, r);
}

void ops_data(struct fuse_lowlevel_ops *ops)
{
	ops->read = do_read;
	ops->write = do_write;
	ops->fsync = do_fsync;
}
