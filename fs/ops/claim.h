/* SPDX-License-Identifier: MIT */
/*
 * Lock arbitration around an operation on one name: nothing at all for a name that is of no class
 * `lock`, so that handlers call it for every name.
 *
 *	claim_begin()   before the system call that makes the file; -ENOLCK where the table is full
 *	claim_end()     after it, with its outcome
 */
#pragma once

#include <limits.h>
#include <sys/stat.h>

#include "ops/fs.h"

struct claim {
	bool is_lock;
	uint32_t number;
	enum lock_idiom idiom;
	struct lock_key key;
	struct actor actor;
	char path[PATH_MAX];
};

/* idiom LOCK_IDIOM_NONE: only finds out whether the name is a lock's, and whose turn it is. */
int claim_begin(struct fs *fs, fuse_req_t req, const struct layer_dir *dir, const char *name,
		enum lock_idiom idiom, struct claim *claim);
/* r: negative errno or success; st: the file made, NULL where there is none. */
void claim_end(struct fs *fs, struct claim *claim, int r, const struct stat *st);
/* The name was of a lock of the caller's, who has lost it: it is not to be removed, nor renamed away. */
bool claim_is_lost(struct fs *fs, const struct claim *claim);
/*
 * Whether r, of a call that makes, removes or moves the name, is only for that the call was done before: by
 * a worker that was killed before it answered. Not for locks, which others make and remove as well.
 * expected: -EEXIST or -ENOENT, which the kernel would not have asked for.
 */
bool claim_was_done(const struct claim *claim, int r, int expected);
/* The name went away by unlink, rmdir or rename. */
void claim_removed(struct fs *fs, const struct claim *claim);
/* The file was created without O_EXCL, or truncated. */
void claim_present(struct fs *fs, const struct claim *claim, const struct stat *st);
