/* SPDX-License-Identifier: MIT */
/* What the table of lock files is told of advisory locks, where the file is of class lock. */
#pragma once

#include "lock/advisory.h"
#include "ops/claim.h"

/* A call that may take a lock, or be denied it. */
struct told {
	struct claim claim;
};

/* NULL in ret_told: the file is no lock. 0, or negative errno. The caller frees it. */
int told_begin(struct fs *fs, fuse_req_t req, const struct node_info *node, struct told **ret_told);
/* The request was granted. */
void told_granted(struct fs *fs, const struct told *told, const struct advisory_request *request);
/* It met another's. */
void told_denied(struct fs *fs, const struct told *told, const struct advisory_request *request,
		 const struct lock_wait *wait);
/* How long a call that does not want to wait does so all the same: 0 outside of runs. */
uint64_t told_timeout_ns(struct fs *fs, const struct told *told);
/* It waits (1), or not any more (-1). */
void told_waits(struct fs *fs, const struct told *told, int delta);

/* The request's owner has nothing left on the file; by the file's name as it is now. */
void told_released(struct fs *fs, const struct advisory_request *request);
/* After a crash: who holds a lock beside the one that is recorded was known to the last worker only. */
void told_again(struct fs *fs, const struct advisory_record *record);
