/* SPDX-License-Identifier: MIT */
/* GETLK, SETLK, SETLKW, FLOCK, FLUSH. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "ops/carrier.h"
#include "ops/locking.h"

static enum range_type type_of(short type)
{
	return type == F_WRLCK ? RANGE_WRITE : type == F_RDLCK ? RANGE_READ : RANGE_NONE;
}

/* The kernel has resolved whence and negative lengths. */
static struct range range_of(const struct flock *lock)
{
	struct range range = {(uint64_t)lock->l_start, RANGE_END, type_of(lock->l_type)};

	if (lock->l_len)
		range.end = range.start + (uint64_t)lock->l_len - 1;
	return range;
}

/* Of a process whose closes are not told, it must be known whether it is still that one. */
static void identify(struct advisory_request *request, pid_t pid)
{
	request->process.pid = pid;
	if (request->unflushed && request->kind == ADVISORY_POSIX && pid > 0)
		proc_identify(pid, &request->process);
}

/* Valid replies: err. */
static void do_setlk(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *fi,
		     struct flock *lock, int sleeps)
{
	struct fs *fs = fs_of(req);
	struct advisory_request request;
	int r = locking_request(fs, req, fi, false, &request);

	(void)nodeid;
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	request.range = range_of(lock);
	identify(&request, lock->l_pid);
	locking_reply(fs, req, &request, sleeps);
}

/* Who has locked what is in the way. The kernel shows pid 0 for an open file's lock, natively -1. */
static void describe(const struct advisory_record *record, struct flock *ret_lock)
{
	*ret_lock = (struct flock){
		.l_type = record->type == RANGE_WRITE ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)record->start,
		.l_len = record->end == RANGE_END ? 0 : (off_t)(record->end - record->start + 1),
		.l_pid = record->kind == ADVISORY_OFD ? -1 : (pid_t)record->pid};
}

/* Valid replies: lock, error. */
static void do_getlk(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *fi,
		     struct flock *lock)
{
	struct fs *fs = fs_of(req);
	struct flock found = {.l_type = F_UNLCK};
	struct advisory_request request;
	struct advisory_record record;
	int r = locking_request(fs, req, fi, false, &request);

	(void)nodeid;
	if (r == 0) {
		request.range = range_of(lock);
		if (locking_obstacle(fs, &request, &record))
			describe(&record, &found);
		else if (!request.key.session)
			r = carrier_test(fs, &request, &found);
	}
	if (r < 0)
		fs_reply(req, r);
	else
		fuse_reply_lock(req, &found);
}

/* Valid replies: err. */
static void do_flock(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *fi, int operation)
{
	struct fs *fs = fs_of(req);
	struct advisory_request request;
	int r = locking_request(fs, req, fi, true, &request);

	(void)nodeid;
	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	request.range = (struct range){0, RANGE_END, RANGE_NONE};
	if (operation & LOCK_EX)
		request.range.type = RANGE_WRITE;
	else if (operation & LOCK_SH)
		request.range.type = RANGE_READ;
	identify(&request, fuse_req_ctx(req)->pid);
	locking_reply(fs, req, &request, !(operation & LOCK_NB));
}

/* Valid replies: err. */
static void do_flush(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *fi)
{
	(void)nodeid;
	locking_flushed(fs_of(req), fi->fh, fi->lock_owner);
	fs_reply(req, 0);
}

void ops_advisory(struct fuse_lowlevel_ops *ops)
{
	ops->getlk = do_getlk;
	ops->setlk = do_setlk;
	ops->flock = do_flock;
	ops->flush = do_flush;
}
