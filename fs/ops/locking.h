/* SPDX-License-Identifier: MIT */
/*
 * Advisory locks of an open file, from the call to the reply: the table (lock/advisory.h) says who
 * has what in the views, a carrier (ops/carrier.h) excludes outsiders where the file lives in the
 * lower, and on a file of class lock it is told who holds it (lock/lock.h).
 */
#pragma once

#include "lock/advisory.h"
#include "ops/fs.h"

/*
 * The request of a call by fi's handle, but for its range: 0; -EBADF, -ESTALE; -EOPNOTSUPP for a
 * virtual file. flocks: flock(2), else F_SETLK or F_OFD_SETLK; which of these it is is read of the
 * caller, for FUSE does not tell.
 */
int locking_request(struct fs *fs, fuse_req_t req, const struct fuse_file_info *fi, bool flocks,
		    struct advisory_request *ret_request);

/*
 * Carries out a request of the caller and replies to it, now or, where he has to wait, later.
 * Without `sleeps` that is after a few milliseconds at most.
 */
void locking_reply(struct fs *fs, fuse_req_t req, const struct advisory_request *request,
		   bool sleeps);
/*
 * The lock of another that is in the request's way and begins first; what has ended unseen is taken
 * out of it. False: there is none.
 */
bool locking_obstacle(struct fs *fs, const struct advisory_request *request,
		      struct advisory_record *ret_record);
/* All that an owner has on a file goes; the request's range is changed. */
void locking_close_owner(struct fs *fs, struct advisory_request *request);

/* The key of a node's file. */
struct advisory_key locking_key(const struct node_info *node);
/* A process closed the file: what he locked by POSIX is gone. `handle` is one of the file's. */
void locking_flushed(struct fs *fs, uint64_t handle, uint64_t owner);
/* A handle was released, which must still be there: what was locked by it is gone. */
void locking_released(struct fs *fs, uint64_t handle);
/* The node's number was another until now: its locks go with it. */
void locking_renumbered(struct fs *fs, const struct node_info *node, uint64_t old_ino);
/* After a crash of the worker, before it serves: takes the real locks in the lower again. */
void locking_restore(struct fs *fs);
