/* SPDX-License-Identifier: MIT */
/*
 * The limits of sessions at the operations: what is refused, and what is counted (session/usage.h).
 *
 * Refused with ENOSPC is what makes a session grow: making something, copy-up, opening for writing,
 * a larger size, allocating. Never what removes, nor what lives in the share. Without limits each
 * call is a look at two numbers.
 */
#pragma once

#include "ops/fs.h"

/*
 * Whether the session may grow by that many bytes (0: it is not known how many). 0, or -ENOSPC; the
 * first refusal emits the event `session_limit`.
 */
int room_check(struct fs *fs, uint32_t session, uint64_t bytes);
/* The same for something new under a name: 0 where that lives in the share. */
int room_check_name(struct fs *fs, const struct layer_dir *dir, const char *name);
/*
 * The same for a name that is renamed: what only the lower has is copied up for that. *ret_comes says
 * whether it will be; room_moved() counts it then, under the name that it got.
 */
int room_check_moved(struct fs *fs, const struct layer_dir *dir, const char *name, bool *ret_comes);
void room_moved(struct fs *fs, const struct layer_dir *dir, const char *name);
/* The same for a change of a node's data. */
int room_check_node(struct fs *fs, const struct node_info *node, uint64_t bytes);

/* An object of that layer was made. */
void room_made(struct fs *fs, uint32_t session, enum layer layer, const struct stat *st);

/* What a name stands for that is about to go. */
struct room_going {
	uint32_t session; /* 0: nothing that counts */
	int64_t bytes;
};
void room_going(struct fs *fs, const struct layer_dir *dir, const char *name,
		struct room_going *ret_going);
/* It went, or (r < 0) it stays. */
void room_gone(struct fs *fs, const struct room_going *going, int r);

/*
 * Files that are open for writing grow without a word where the kernel writes by itself: they are
 * looked at when they are opened, once a second, and when they are closed. room_opened() returns
 * what is to be kept in the handle's record.
 */
uint32_t room_opened(struct fs *fs, const struct node_info *node, int flags);
void room_closed(struct fs *fs, const struct handle_record *handle);
/* What the session may still use of the file system, for statfs. */
struct statvfs;
void room_statvfs(struct fs *fs, uint32_t session, struct statvfs *statvfs);

/* Once a second. */
void room_sweep(struct fs *fs);
