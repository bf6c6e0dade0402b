/* SPDX-License-Identifier: MIT */
/*
 * Who asks for an advisory lock, and on which file.
 *
 * FUSE tells a number for the owner: of the process's table of descriptors for F_SETLK, of the open
 * file for F_OFD_SETLK and flock, and not which of the two it is. That is read from
 * /proc/<tid>/syscall, 4 us, and kept with the handle: a handle's open file has one number for life.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "ops/locking.h"

/* Looks at a caller who is not seen asleep yet; on one processor the first look suffices. */
#define LOOKS_MAX 50

/* Older than the headers of some. */
#define COMMAND_OFD_GETLK 36
#define COMMAND_OFD_SETLKW 38

struct advisory_key locking_key(const struct node_info *node)
{
	if (node->flags & NODE_LOWER_CLASS)
		return (struct advisory_key){
			.share = node->share, .dev = node->backing_dev, .ino = node->backing_ino};
	return (struct advisory_key){
		.session = node->session, .share = node->share, .ino = node->ino};
}

/* fcntl's command is the second argument also of the calls of other ABIs. */
static int read_kind(pid_t tid, enum advisory_kind *ret_kind)
{
	struct proc_syscall call;
	int r = -EAGAIN;

	if (tid <= 0)
		return -ESRCH;
	for (int looks = 0; r == -EAGAIN && looks < LOOKS_MAX; looks++) {
		r = proc_syscall_read(tid, &call);
		if (r == -EAGAIN)
			sched_yield();
	}
	if (r < 0)
		return r;
	*ret_kind = call.args[1] >= COMMAND_OFD_GETLK && call.args[1] <= COMMAND_OFD_SETLKW
			    ? ADVISORY_OFD
			    : ADVISORY_POSIX;
	return 0;
}

static enum advisory_kind kind_of(struct handle_record *handle, pid_t tid, uint64_t owner)
{
	enum advisory_kind kind = ADVISORY_POSIX;

	if (owner == atomic_load(&handle->file_owner))
		return ADVISORY_OFD;
	if (owner == atomic_load(&handle->process_owner))
		return ADVISORY_POSIX;
	if (read_kind(tid, &kind) < 0)
		return ADVISORY_POSIX;
	atomic_store(kind == ADVISORY_OFD ? &handle->file_owner : &handle->process_owner, owner);
	return kind;
}

int locking_request(struct fs *fs, fuse_req_t req, const struct fuse_file_info *fi, bool flocks,
		    struct advisory_request *ret_request)
{
	struct handle_record *handle = handle_at(fs->handles, fi->fh);
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct node_info node;

	if (!handle)
		return -EBADF;
	if (handle->head.state != HANDLE_STATE_FILE)
		return -EOPNOTSUPP;
	if (node_get_index(fs->nodes, handle->node, &node) < 0)
		return -ESTALE;
	*ret_request = (struct advisory_request){
		.key = locking_key(&node),
		.kind = flocks ? ADVISORY_FLOCK : kind_of(handle, ctx->pid, fi->lock_owner),
		.unflushed = handle->unflushed,
		.owner = fi->lock_owner,
		.handle = fi->fh,
		.uid = ctx->uid};
	if (flocks)
		atomic_store(&handle->file_owner, fi->lock_owner);
	/* Before the lock is there, so that no release misses it. */
	atomic_store(&handle->locked, 1);
	return 0;
}
