/* SPDX-License-Identifier: MIT */
/*
 * FALLOCATE, LSEEK, COPY_FILE_RANGE: what is done to ranges of a file. The kernel leaves these to
 * us with passthrough too, and has put its own cache in order before and after.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ops/fs.h"
#include "ops/room.h"

/*
 * The file of a node, which must be one of a view. `growth`: how many bytes it may come to need more
 * (0: none). `virtual_error`: for those that are not. Who writes
 * has had the data of a metacopy brought in; its lower is never opened so.
 */
static int open_node(struct fs *fs, fuse_ino_t nodeid, int flags, off_t growth, int virtual_error)
{
	struct node_info node;
	int r = node_get(fs->nodes, nodeid, &node);

	if (r < 0)
		return r;
	if (node.state == NODE_STATE_VIRTUAL)
		return virtual_error;
	if (growth)
		r = room_check_node(fs, &node, (uint64_t)growth);
	if (r < 0)
		return r;
	if ((flags & O_ACCMODE) != O_RDONLY)
		return fs_open_object(fs, &node, flags);
	return fs_open_data(fs, &node, flags);
}

/* Valid replies: err. The kernel lets KEEP_SIZE, PUNCH_HOLE and ZERO_RANGE through. */
static void do_fallocate(fuse_req_t req, fuse_ino_t nodeid, int mode, off_t offset, off_t length,
			 struct fuse_file_info *fi)
{
	off_t growth = mode & FALLOC_FL_PUNCH_HOLE ? 0 : length;
	_cleanup_close_ int fd = open_node(fs_of(req), nodeid, O_RDWR, growth, -EOPNOTSUPP);
	int r = fd;

	(void)fi;
	if (r >= 0)
		r = fs_as_writer(req);
	if (r >= 0) {
		r = fallocate(fd, mode, offset, length) ? -errno : 0;
		fs_as_worker();
	}
	fs_reply(req, r);
}

/* Valid replies: lseek, error. Only SEEK_DATA and SEEK_HOLE come here. */
static void do_lseek(fuse_req_t req, fuse_ino_t nodeid, off_t offset, int whence,
		     struct fuse_file_info *fi)
{
	_cleanup_close_ int fd = open_node(fs_of(req), nodeid, O_RDONLY, 0, -EINVAL);
	off_t at;

	(void)fi;
	if (fd < 0) {
		fs_reply(req, fd);
		return;
	}
	at = lseek(fd, offset, whence);
	if (at < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_lseek(req, at);
}

/*
 * By reference where the store's file system can; between the layers, or where it cannot copy by
 * itself, EXDEV or EOPNOTSUPP make the kernel copy the data through its own cache. Valid replies:
 * write, error.
 */
static void do_copy_file_range(fuse_req_t req, fuse_ino_t in_id, off_t in_offset,
			       struct fuse_file_info *in_fi, fuse_ino_t out_id, off_t out_offset,
			       struct fuse_file_info *out_fi, size_t len, int flags)
{
	_cleanup_close_ int in = open_node(fs_of(req), in_id, O_RDONLY, 0, -EOPNOTSUPP);
	_cleanup_close_ int out = -1;
	ssize_t n = in;

	(void)in_fi;
	(void)out_fi;
	if (in >= 0)
		n = out = open_node(fs_of(req), out_id, O_WRONLY, 1, -EOPNOTSUPP);
	if (n >= 0)
		n = fs_as_writer(req);
	if (n >= 0) {
		n = copy_file_range(in, &in_offset, out, &out_offset, len, (unsigned int)flags);
		if (n < 0)
			n = -errno;
		fs_as_worker();
	}
	if (n < 0)
		fs_reply(req, (int)n);
	else
		fuse_reply_write(req, (size_t)n);
}

void ops_range(struct fuse_lowlevel_ops *ops)
{
	ops->fallocate = do_fallocate;
	ops->lseek = do_lseek;
	ops->copy_file_range = do_copy_file_range;
}
