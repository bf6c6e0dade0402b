/* SPDX-License-Identifier: MIT */
/*
 * FLOCK.
 *
 * Each handle on which flock(2) is used carries a real flock on the backing file, by an open file
 * description of its own: so sessions that share a lower file exclude each other, and outsiders.
 * A call that must wait is parked.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ops/claim.h"
#include "ops/fs.h"
#include "ops/parking.h"

/*
 * How long a call that must not block waits all the same. The kernel tells us of a last close by a
 * RELEASE that nobody waits for; one that was read before this call may be served after it. A local
 * file system has released the lock when close() returns.
 */
#define SETTLE_NS (2 * NSEC_PER_MSEC)

struct flock_call {
	struct fs *fs;
	uint64_t fh;
	uint64_t owner;
	int operation; /* LOCK_SH, LOCK_EX or LOCK_UN, without LOCK_NB */
	bool nonblocking;
	struct claim claim;
};

static int carrier(struct fs *fs, uint64_t fh, struct node_info *node)
{
	struct handle_record *record = handle_at(fs->handles, fh);
	struct handle_private *private = handle_private(fs->handles, fh);
	int fd;

	if (!record || !private)
		return -EBADF;
	if (node_get_index(fs->nodes, record->node, node) < 0)
		return -ESTALE;
	pthread_mutex_lock(&private->mutex);
	if (private->flock_fd < 0) {
		fd = fs_open_data(fs, node, O_RDONLY | O_NONBLOCK);
		if (fd >= 0)
		private->flock_fd = fd;
	} else {
		fd = private->flock_fd;
	}
	pthread_mutex_unlock(&private->mutex);
	return fd;
}

/* What flock(2) granted is kept in the handle, and told where the file is of class lock. */
static void granted(struct flock_call *call, int fd)
{
	struct fs *fs = call->fs;
	struct handle_record *record = handle_at(fs->handles, call->fh);
	bool unlock = call->operation == LOCK_UN;
	struct stat st;

	if (!record)
		return;
	if (call->claim.is_lock && unlock && record->flock_type)
		lock_flock_released(fs->instance->locks, &call->claim.key, record->flock_owner);
	record->flock_owner = call->owner;
	record->flock_type = unlock ? 0 : (uint32_t)call->operation;
	if (call->claim.is_lock && !unlock && fstat(fd, &st) == 0)
		lock_flock_granted(fs->instance->locks, &call->claim.key, &call->claim.actor, &st,
				   call->owner, call->operation == LOCK_EX);
	if (unlock)
		parking_wake(fs->parking);
}

/* 0, or negative errno; -EWOULDBLOCK: somebody else has it. */
static int attempt(struct flock_call *call)
{
	struct node_info node;
	int fd = carrier(call->fs, call->fh, &node);

	if (fd < 0)
		return fd;
	if (flock(fd, call->operation | LOCK_NB))
		return -errno;
	granted(call, fd);
	return 0;
}

/* What a call that must not block comes to. */
static int settled(const struct flock_call *call, int r)
{
	if (r == -EWOULDBLOCK && call->claim.is_lock)
		lock_denied(call->fs->instance->locks, &call->claim.key, LOCK_IDIOM_FLOCK,
			    &call->claim.actor);
	return r;
}

static bool try_parked(fuse_req_t req, enum parked_state state, void *context)
{
	struct flock_call *call = context;
	int r = state == PARKED_INTERRUPTED ? -EINTR : attempt(call);

	if (r == -EWOULDBLOCK && !(call->nonblocking && state == PARKED_DEADLINE))
		return false;
	if (call->nonblocking)
		r = settled(call, r);
	else if (call->claim.is_lock)
		locks_waiter_add(call->fs->instance->locks, &call->claim.key, -1);
	free(call);
	fs_reply(req, r);
	return true;
}

/* Replies, unless it returns an error. */
static int park(struct fs *fs, fuse_req_t req, struct flock_call *call_consume)
{
	uint64_t deadline = call_consume->nonblocking ? clock_boot_ns() + SETTLE_NS : 0;
	bool waits = call_consume->claim.is_lock && !call_consume->nonblocking;
	int r;

	if (waits)
		locks_waiter_add(fs->instance->locks, &call_consume->claim.key, 1);
	r = parking_park(fs->parking, req, deadline, try_parked, call_consume);
	if (r < 0) {
		if (waits)
			locks_waiter_add(fs->instance->locks, &call_consume->claim.key, -1);
		free(call_consume);
	}
	return r;
}

/* Finds out whether the file is a lock of ours, and whose it would be. */
static int identify(struct fs *fs, fuse_req_t req, const struct node_info *node,
		    struct claim *claim)
{
	_cleanup_layer_dir_ struct layer_dir *parent = NULL;
	int r;

	claim->is_lock = false;
	if (node->flags & NODE_NAMELESS)
		return 0;
	r = node_dir(fs->nodes, node->parent, &parent);
	return r < 0 ? r : claim_begin(fs, req, parent, node->name, LOCK_IDIOM_NONE, claim);
}

/* Valid replies: err. */
static void do_flock(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *fi, int operation)
{
	struct fs *fs = fs_of(req);
	struct flock_call *call = calloc(1, sizeof(*call));
	struct node_info node;
	int r;

	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	r = node_get(fs->nodes, nodeid, &node);
	if (r == 0 && node.state == NODE_STATE_VIRTUAL)
		r = -EOPNOTSUPP;
	if (r == 0) {
		call->fs = fs;
		call->fh = fi->fh;
		call->owner = fi->lock_owner;
		call->operation = operation & ~LOCK_NB;
		call->nonblocking = operation & LOCK_NB;
		r = identify(fs, req, &node, &call->claim);
	}
	if (r == 0)
		r = attempt(call);
	if (r == -EWOULDBLOCK) {
		r = park(fs, req, call);
		if (r < 0)
			fs_reply(req, r);
		return;
	}
	free(call);
	fs_reply(req, r);
}

/*
 * After a crash of the worker the descriptors that carried the flocks are gone: takes them again,
 * before any request is served.
 */
void flock_restore(struct fs *fs)
{
	for (uint64_t fh = 0; (fh = handle_next(fs->handles, fh));) {
		struct handle_record *record = handle_at(fs->handles, fh);
		struct node_info node;
		int fd;

		if (!record || record->head.state != HANDLE_STATE_FILE || !record->flock_type)
			continue;
		fd = carrier(fs, fh, &node);
		if (fd < 0 || flock(fd, (int)record->flock_type | LOCK_NB))
			record->flock_type = 0;
	}
}

void ops_flock(struct fuse_lowlevel_ops *ops)
{
	ops->flock = do_flock;
}
