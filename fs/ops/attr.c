/* SPDX-License-Identifier: MIT */
/* GETATTR, SETATTR, STATFS. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "ops/deferred.h"
#include "ops/fs.h"
#include "ops/room.h"
#include "ops/upper.h"

/* The time-out of an object depends on where its name stands. */
static double attr_timeout(struct fs *fs, const struct node_info *node, mode_t mode)
{
	_cleanup_layer_dir_ struct layer_dir *parent = NULL;
	struct node_info above;

	if (node->flags & NODE_NAMELESS)
		return fs_nameless_timeout(node, mode);
	if (node_get_index(fs->nodes, node->parent, &above) < 0)
		return 0;
	if (above.state == NODE_STATE_VIRTUAL)
		return TIMEOUT_LOWER;
	parent = node_dir_peek(fs->nodes, above.index);
	if (!parent)
		return 0;
	return fs_attr_timeout(node, parent, layer_dir_class(parent, node->name), mode);
}

/* What the kernel is told of an object, and how long that holds. 0 or negative errno. */
static int read_attr(struct fs *fs, fuse_req_t req, const struct node_info *node,
		     struct stat *ret_attr, double *ret_timeout)
{
	struct stat st;
	bool merged;
	int r;

	if (node->state == NODE_STATE_VIRTUAL)
		return virtual_attr(fs, req, node, ret_attr, ret_timeout);
	r = fs_stat(fs, node, &st, &merged);
	if (r < 0)
		return r;
	fs_attr(node, merged, &st, ret_attr);
	*ret_timeout = attr_timeout(fs, node, st.st_mode);
	return 0;
}

static void reply_attr(struct fs *fs, fuse_req_t req, const struct node_info *node)
{
	struct stat attr;
	double timeout;
	int r = read_attr(fs, req, node, &attr, &timeout);

	if (r < 0)
		fs_reply(req, r);
	else
		fuse_reply_attr(req, &attr, timeout);
}

/* Valid replies: attr, error. */
static void do_getattr(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct node_info node;
	int r = node_get(fs->nodes, nodeid, &node);

	(void)fi;
	if (r < 0)
		fs_reply(req, r);
	else
		reply_attr(fs, req, &node);
}

/* As the caller, so that the kernel takes set-id bits and the disk's reserve as for him. */
static int set_size(fuse_req_t req, const char *path, off_t size)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = fs_as_writer(req);
	if (r < 0)
		return r;
	r = ftruncate(fd, size) ? -errno : 0;
	fs_as_worker();
	return r;
}

static int set_times(const struct layout_names *names, int fd, const struct stat *attr, int valid)
{
	struct timespec mtime = attr->st_mtim;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};

	if (valid & FUSE_SET_ATTR_ATIME_NOW)
		times[0].tv_nsec = UTIME_NOW;
	else if (valid & FUSE_SET_ATTR_ATIME)
		times[0] = attr->st_atim;
	if (valid & FUSE_SET_ATTR_MTIME_NOW)
		times[1].tv_nsec = UTIME_NOW;
	else if (valid & FUSE_SET_ATTR_MTIME)
		times[1] = attr->st_mtim;
	/* While data are coming into the file, its own time does not count. */
	if (valid & FUSE_SET_ATTR_MTIME_NOW)
		clock_gettime(CLOCK_REALTIME, &mtime);
	if (names && (valid & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)))
		metacopy_note_mtime(names, fd, &mtime);
	return utimensat(fd, "", times, AT_EMPTY_PATH) ? -errno : 0;
}

/*
 * chown(path, -1, -1) takes set-id bits away too. Nothing but the call reaches us of it, as of a write
 * to such a file by another than its owner: there it is the write that will take them.
 */
static int clear_set_id(fuse_req_t req, int fd)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct stat st;

	if (fstatat(fd, "", &st, AT_EMPTY_PATH))
		return -errno;
	if (!S_ISREG(st.st_mode) || !(st.st_mode & (S_ISUID | S_ISGID)) ||
	    (ctx->uid != 0 && ctx->uid != st.st_uid))
		return 0;
	return fchownat(fd, "", -1, -1, AT_EMPTY_PATH) ? -errno : 0;
}

/* The kernel has checked that the caller may; the order is that of notify_change(). */
static int apply(fuse_req_t req, int fd, const struct node_info *node, const struct stat *attr,
		 int valid)
{
	uid_t uid = valid & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
	gid_t gid = valid & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;
	char path[32];
	int r = 0;

	if (!valid)
		return clear_set_id(req, fd);
	sys_fd_path(fd, path);
	if ((valid & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) &&
	    fchownat(fd, "", uid, gid, AT_EMPTY_PATH))
		return -errno;
	if ((valid & FUSE_SET_ATTR_MODE) && !S_ISLNK(node->type) &&
	    chmod(path, attr->st_mode & 07777))
		return -errno;
	if (valid & FUSE_SET_ATTR_SIZE)
		r = set_size(req, path, attr->st_size);
	if (r == 0 && (valid & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
				FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)))
		r = set_times(node->flags & NODE_METACOPY ? &fs_of(req)->views.names : NULL, fd,
			      attr, valid);
	return r;
}

struct setattr_call {
	fuse_ino_t nodeid;
	struct stat attr;
	int valid;
};

/* A smaller size is what makes room. */
static int check_growth(struct fs *fs, const struct node_info *node, off_t size)
{
	struct stat st;
	bool merged;
	int r = room_check_node(fs, node, 0);

	return r < 0 && fs_stat(fs, node, &st, &merged) == 0 && size <= st.st_size ? 0 : r;
}

static struct upper_need need_of(const struct setattr_call *call)
{
	if (!(call->valid & FUSE_SET_ATTR_SIZE))
		return UPPER_ATTRIBUTES;
	return call->attr.st_size ? UPPER_WRITE : UPPER_TRUNCATE;
}

static int setattr_deferred(struct fs *fs, fuse_req_t req, const void *context,
			    struct flight **ret_flight)
{
	const struct setattr_call *call = context;
	_cleanup_close_ int fd = -1;
	struct node_info node;
	int r = node_get(fs->nodes, call->nodeid, &node);

	if (r == 0 && node.state == NODE_STATE_VIRTUAL)
		r = -EPERM;
	if (r == 0 && call->valid & FUSE_SET_ATTR_SIZE && call->attr.st_size > 0)
		r = check_growth(fs, &node, call->attr.st_size);
	if (r == 0)
		r = fs_make_upper(fs, &node, need_of(call), ret_flight);
	if (r == -EINPROGRESS)
		return r;
	if (r == 0)
		r = fd = fs_open_path(fs, &node, NULL);
	if (r >= 0)
		r = apply(req, fd, &node, &call->attr, call->valid);
	if (r < 0)
		fs_reply(req, r);
	else
		reply_attr(fs, req, &node);
	return 0;
}

/* Valid replies: attr, error. */
static void do_setattr(fuse_req_t req, fuse_ino_t nodeid, struct stat *attr, int valid,
		       struct fuse_file_info *fi)
{
	struct setattr_call call = {.nodeid = nodeid, .attr = *attr, .valid = valid};

	(void)fi;
	deferred_run(fs_of(req), req, setattr_deferred, &call, sizeof(call));
}

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
static void fill_statx(const struct stat *attr, const struct statx_timestamp *birth,
		       struct statx *ret)
{
	*ret = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = (uint32_t)attr->st_blksize,
		.stx_nlink = (uint32_t)attr->st_nlink,
		.stx_uid = attr->st_uid,
		.stx_gid = attr->st_gid,
		.stx_mode = (uint16_t)attr->st_mode,
		.stx_ino = attr->st_ino,
		.stx_size = (uint64_t)attr->st_size,
		.stx_blocks = (uint64_t)attr->st_blocks,
		.stx_rdev_major = major(attr->st_rdev),
		.stx_rdev_minor = minor(attr->st_rdev),
		.stx_atime = {.tv_sec = attr->st_atim.tv_sec,
			      .tv_nsec = (uint32_t)attr->st_atim.tv_nsec},
		.stx_mtime = {.tv_sec = attr->st_mtim.tv_sec,
			      .tv_nsec = (uint32_t)attr->st_mtim.tv_nsec},
		.stx_ctime = {.tv_sec = attr->st_ctim.tv_sec,
			      .tv_nsec = (uint32_t)attr->st_ctim.tv_nsec},
	};
	if (birth) {
		ret->stx_mask |= STATX_BTIME;
		ret->stx_btime = *birth;
	}
}

/* When the object in the layer was made; false where its file system does not know. */
static bool birth_time(struct fs *fs, const struct node_info *node,
		       struct statx_timestamp *ret_birth)
{
	_cleanup_close_ int fd = -1;
	struct statx st;

	if (node->state != NODE_STATE_VIEW)
		return false;
	fd = fs_open_path(fs, node, NULL);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) ||
	    !(st.stx_mask & STATX_BTIME))
		return false;
	*ret_birth = st.stx_btime;
	return true;
}

/* What the kernel sends where a program asks for the birth time. Valid replies: statx, error. */
static void do_statx(fuse_req_t req, fuse_ino_t nodeid, int flags, int mask,
		     struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct statx_timestamp birth;
	struct node_info node;
	struct statx answer;
	struct stat attr;
	double timeout;
	int r = node_get(fs->nodes, nodeid, &node);

	(void)flags;
	(void)mask;
	(void)fi;
	if (r == 0)
		r = read_attr(fs, req, &node, &attr, &timeout);
	if (r != 0) {
		fs_reply(req, r);
		return;
	}
	fill_statx(&attr, birth_time(fs, &node, &birth) ? &birth : NULL, &answer);
	fuse_reply_statx(req, 0, &answer, timeout);
}
#endif

/* Valid replies: statfs, error. */
static void do_statfs(fuse_req_t req, fuse_ino_t nodeid)
{
	struct fs *fs = fs_of(req);
	_cleanup_close_ int fd = -1;
	struct statvfs statvfs;
	struct node_info node;
	int r = node_get(fs->nodes, nodeid, &node);

	if (r == 0 && node.state == NODE_STATE_VIEW)
		fd = fs_open_path(fs, &node, NULL);
	/* What is written goes to the store, wherever the lower is. */
	if (r == 0 && fstatvfs(fd >= 0 ? fd : store_fd(fs->instance->store), &statvfs))
		r = -errno;
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	statvfs.f_namemax = NAME_MAX;
	if (node.state == NODE_STATE_VIEW)
		room_statvfs(fs, node.session, &statvfs);
	fuse_reply_statfs(req, &statvfs);
}

void ops_attr(struct fuse_lowlevel_ops *ops)
{
	ops->getattr = do_getattr;
	ops->setattr = do_setattr;
	ops->statfs = do_statfs;
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
	ops->statx = do_statx;
#endif
}
