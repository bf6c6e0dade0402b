/* SPDX-License-Identifier: MIT */
/*
 * READ, WRITE, FSYNC, FLUSH, FALLOCATE, LSEEK: of files without passthrough, and what passthrough
 * leaves to us.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "ops/ctl_file.h"
#include "ops/fs.h"

/* Opens the file of a handle for its own reads and writes. */
static int open_handle(struct fs *fs, const struct handle_record *record,
		       const struct node_info *node)
{
	int flags = (int)record->flags & ~(O_TRUNC | O_DIRECT | O_NOATIME);

	/* Our own reads, for pages that are written in part, need both. */
	if ((flags & O_ACCMODE) == O_WRONLY)
		flags = (flags & ~O_ACCMODE) | O_RDWR;
	return fs_open_data(fs, node, flags);
}

/*
 * The fd of a handle, opened when first needed, and anew where the file was copied up since: then
 * readers of the old one see what is written, as on one file. The number stays, for another thread
 * may be reading from it.
 */
static int handle_fd(struct fs *fs, uint64_t fh)
{
	struct handle_record *record = handle_at(fs->handles, fh);
	struct handle_private *private = handle_private(fs->handles, fh);
	struct node_info node;
	int fd;

	if (!record || !private || record->head.state != HANDLE_STATE_FILE)
		return -EBADF;
	if (node_get_index(fs->nodes, record->node, &node) < 0)
		return -ESTALE;
	pthread_mutex_lock(&private->mutex);
	fd = private->fd;
	if (fd < 0 || private->fd_layer != node.layer)
		fd = open_handle(fs, record, &node);
	if (fd >= 0 && private->fd >= 0 && fd != private->fd) {
		dup3(fd, private->fd, O_CLOEXEC);
		close(fd);
		fd = private->fd;
	}
	if (fd >= 0) {
		private->fd = fd;
		private->fd_layer = node.layer;
	}
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
	int fd;

	(void)nodeid;
	if (handle && handle->head.state != HANDLE_STATE_FILE) {
		virtual_read(fs, req, handle, size, offset, fi);
		return;
	}
	fd = handle_fd(fs, fi->fh);
	if (fd < 0) {
		fs_reply(req, fd);
		return;
	}
	data.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	data.buf[0].fd = fd;
	data.buf[0].pos = offset;
	fuse_reply_data(req, &data, FUSE_BUF_SPLICE_MOVE);
}

/* Only the control file is written to among virtual files; its messages are small. */
static void write_ctl(struct fs *fs, fuse_req_t req, uint64_t fh, struct fuse_bufvec *in)
{
	size_t size = fuse_buf_size(in);
	_cleanup_free_ char *data = malloc(size + 1);
	struct fuse_bufvec out = FUSE_BUFVEC_INIT(size);
	ssize_t n;

	if (!data) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	out.buf[0].mem = data;
	n = fuse_buf_copy(&out, in, 0);
	if (n < 0)
		fs_reply(req, (int)n);
	else
		ctl_file_write(fs, req, fh, data, (size_t)n);
}

/* Valid replies: write, error. */
static void do_write_buf(fuse_req_t req, fuse_ino_t nodeid, struct fuse_bufvec *in, off_t offset,
			 struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct handle_record *handle = handle_at(fs->handles, fi->fh);
	struct fuse_bufvec out = FUSE_BUFVEC_INIT(fuse_buf_size(in));
	ssize_t n;
	int fd;

	(void)nodeid;
	if (handle && handle->head.state == HANDLE_STATE_CTL) {
		write_ctl(fs, req, fi->fh, in);
		return;
	}
	fd = handle_fd(fs, fi->fh);
	if (fd < 0) {
		fs_reply(req, fd);
		return;
	}
	out.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	out.buf[0].fd = fd;
	out.buf[0].pos = offset;
	/* As the caller, so that set-id bits and the disk's reserve are treated as for him. */
	if (sys_as_user(ctx->uid, ctx->gid) < 0) {
		fuse_reply_err(req, EPERM);
		return;
	}
	sys_drop_write_caps();
	n = fuse_buf_copy(&out, in, 0);
	sys_restore_caps();
	sys_as_root();
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
		r = fd = fs_open_data(fs, &node, O_RDONLY | O_NONBLOCK);
	if (r >= 0)
		r = (datasync ? fdatasync(fd) : fsync(fd)) ? -errno : 0;
	fs_reply(req, r);
}

/* Valid replies: err. */
static void do_fallocate(fuse_req_t req, fuse_ino_t nodeid, int mode, off_t offset, off_t length,
			 struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	_cleanup_close_ int fd = -1;
	struct node_info node;
	int r = node_get(fs->nodes, nodeid, &node);

	(void)fi;
	if (r == 0 && node.state == NODE_STATE_VIRTUAL)
		r = -EOPNOTSUPP;
	if (r == 0)
		r = fd = fs_open_data(fs, &node, O_RDWR);
	if (r >= 0)
		r = sys_as_user(ctx->uid, ctx->gid);
	if (r >= 0) {
		sys_drop_write_caps();
		r = fallocate(fd, mode, offset, length) ? -errno : 0;
		sys_restore_caps();
		sys_as_root();
	}
	fs_reply(req, r);
}

/* Valid replies: lseek, error. Only SEEK_DATA and SEEK_HOLE come here. */
static void do_lseek(fuse_req_t req, fuse_ino_t nodeid, off_t offset, int whence,
		     struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	_cleanup_close_ int fd = -1;
	struct node_info node;
	off_t at = 0;
	int r = node_get(fs->nodes, nodeid, &node);

	(void)fi;
	if (r == 0 && node.state == NODE_STATE_VIRTUAL)
		r = -EINVAL;
	if (r == 0)
		r = fd = fs_open_data(fs, &node, O_RDONLY);
	if (r >= 0) {
		at = lseek(fd, offset, whence);
		r = at < 0 ? -errno : 0;
	}
	if (r < 0)
		fs_reply(req, r);
	else
		fuse_reply_lseek(req, at);
}

void ops_data(struct fuse_lowlevel_ops *ops)
{
	ops->read = do_read;
	ops->write_buf = do_write_buf;
	ops->fsync = do_fsync;
	ops->fallocate = do_fallocate;
	ops->lseek = do_lseek;
}
