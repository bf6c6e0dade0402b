/* SPDX-License-Identifier: MIT */
/*
 * What is on disk (docs/format.md):
 *
 *	<store>/format             "sessionfs store 1"
 *	<store>/instance           flock'ed by the supervisor for as long as it lives
 *	<store>/tokens             fencing tokens reserved so far; checksummed
 *	<store>/history            hold times of locks; checksummed
 *	<store>/log                messages of a daemon in the background
 *	<store>/trash/             trees that wait to be deleted; emptied at start
 *	<store>/sessions/<uid>/<id>/meta          JSON and checksum
 *	<store>/sessions/<uid>/<id>/<share>/upper overlayfs layout, see view/
 *	<store>/sessions/<uid>/<id>/<share>/work  temporaries of atomic changes; emptied at start
 *
 * <share> is the share's path with '%' and '/' escaped (%25, %2F), the leading '/' dropped.
 * Directories above the uppers are 0700 and ours: nobody reaches an upper but through us.
 *
 * Errors are negative errno. Nothing here is cached; all calls are thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct store;

/*
 * Opens or makes a store (0700) and locks it; the lock is held by an fd that children inherit.
 * Errors: PRECONDITION_FAILED (another instance uses it; a newer format), IO_ERROR, with the path.
 */
int store_open(const char *path, struct store **ret_store, struct err *err);
void store_free(struct store *store);
/* Borrowed directory fd of the store; its path. */
int store_fd(const struct store *store);
const char *store_path(const struct store *store);
/*
 * "trusted.overlay." where this process may set such attributes on the store's file system, else
 * "user.overlay." (a mount inside a user namespace). Probed at store_open. Likewise whether the
 * file system can make whiteouts (mknod c 0 0): without, store_open fails.
 */
const char *store_xattr_prefix(const struct store *store);

/* What is known of a session on disk. */
struct session_meta {
	uint32_t uid;
	uint32_t flags;
	uint32_t posix_sid;
	uint64_t posix_start_ticks;
	uint64_t created_real_ns;
	uint64_t used_real_ns;
	char id[72];
};

/* Calls fn for each session on disk; damaged metadata is logged and the session still listed. */
int store_each_session(struct store *store, int (*fn)(const struct session_meta *meta, void *ctx),
		       void *ctx);
int store_session_make(struct store *store, const struct session_meta *meta);
int store_session_write_meta(struct store *store, const struct session_meta *meta);
/* Moves the session's directory to the trash (atomic), then deletes it there. */
int store_session_remove(struct store *store, uid_t uid, const char *id);
/* Moves all uppers of the session to the trash, then deletes them there. */
int store_session_reset(struct store *store, uid_t uid, const char *id);

/*
 * Opens upper and work of one share (O_PATH | O_DIRECTORY), making them where `make` says so:
 * then with owner, mode and times of `root` (the lower's root). -ENOENT without `make`.
 */
struct stat;
int store_open_upper(struct store *store, uid_t uid, const char *id, const char *share_path,
		     bool make, const struct stat *root, int *ret_upper_fd, int *ret_work_fd);

/* Deletes what is in the trash, and the content of every `work`. Called once, at start. */
void store_clean(struct store *store);

/* Small checksummed state files: name is "tokens" or "history". -ENOENT, -EBADMSG (damaged). */
int store_state_read(struct store *store, const char *name, void **ret_data, size_t *ret_len);
int store_state_write(struct store *store, const char *name, const void *data, size_t len);

/* Bytes and inodes that the store's file system has free; total bytes of the store are not summed. */
int store_free_space(struct store *store, uint64_t *ret_bytes);
