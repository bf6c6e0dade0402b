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
 * <share> is the share's path with '%' and '/' escaped (%25, %2F), the leading '/' dropped, and
 * its first character too where the name begins with "." or "meta" (those are ours); one that
 * would be longer than 255 bytes is cut and ends in "%h" and the hash of the whole.
 * Directories above the uppers are 0700 and ours: nobody reaches an upper but through us.
 *
 * A session comes and goes by one rename from and to the trash, so that at any instant it is there
 * whole or not at all. The last modification of its directory says when it was last used.
 *
 * Errors are negative errno. Nothing here is cached; all calls are thread-safe, and are made with
 * the daemon's own file-system identity (sys_as_root).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct stat;
struct store;

/* Its first line is the pid of who holds the lock, or held it last. */
#define STORE_INSTANCE_FILE "instance"

/*
 * Opens or makes a store (0700) and locks it; the lock is held by an fd that children inherit.
 * Parents are not made. A directory that holds other things, or is another user's, is refused.
 * A store that was made by a call that then fails is removed again. Returns 0, -1, or -EBUSY where
 * another instance uses it.
 * Errors: PRECONDITION_FAILED (another instance uses it; a newer format; no store; its file system
 * lacks whiteouts or extended attributes), IO_ERROR (disk full ...), all with the path.
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

enum session_flags {
	SESSION_EPHEMERAL = 1, /* made by `run` without an id: vanishes at its end if unchanged */
	SESSION_POSIX = 2,     /* named after a POSIX session (getsid): dropped when that is gone */
};

/* What is known of a session on disk. */
struct session_meta {
	uint32_t uid;
	uint32_t flags; /* enum session_flags */
	uint32_t posix_sid;
	uint64_t posix_start_ticks;
	uint64_t created_real_ns;
	uint64_t used_real_ns;
	bool other_boot; /* read only: written before this machine last started */
	char id[72];
};

/*
 * Calls fn for each session on disk; damaged metadata is logged and the session still listed, then
 * as used just now, so that nothing is dropped early. fn may remove the session it is called for;
 * a value of fn other than 0 ends the walk and is returned.
 */
int store_each_session(struct store *store, int (*fn)(const struct session_meta *meta, void *ctx),
		       void *ctx);
/*
 * Makes the session's directory, whole at once. -EEXIST where it is there already.
 *
 * A session without flags is on stable storage when this returns. One that is ephemeral or a POSIX
 * session's is not: a run would wait for the disk. What a program in it fsyncs later takes the
 * directories above along (ext4, xfs and btrfs log parents first); if its metadata were lost to a
 * power failure, it would come back as an ordinary session, with all of its files.
 */
int store_session_make(struct store *store, const struct session_meta *meta);
/* Replaces the metadata, durably. -ENOENT where there is no such session. */
int store_session_write_meta(struct store *store, const struct session_meta *meta);
/* Notes when the session was last used (one utimensat, not durable). */
int store_session_touch(struct store *store, uid_t uid, const char *id, uint64_t real_ns);
/* 1, 0, or negative errno. */
int store_session_exists(struct store *store, uid_t uid, const char *id);
/* Whether any upper of the session, also of shares not mounted now, holds anything: 1, 0, error. */
int store_session_has_changes(struct store *store, uid_t uid, const char *id);

/* In the directory of a share of a session. */
#define STORE_UPPER "upper"
#define STORE_WORK "work"
/* Beside an upper: what the lower held (view/seen.h). */
#define STORE_SEEN "seen"
/* And what JSON files said then (view/base_text.h). */
#define STORE_BASES "bases"

#define STORE_TRASH_NAME_SIZE 48
/*
 * First half of removing or resetting: moves the session's directory (or all its uppers at once)
 * into the trash, in one rename. The second half, store_trash_delete(), takes as long as the tree
 * is large; failing, it logs and leaves the rest to the next start.
 */
int store_session_detach(struct store *store, uid_t uid, const char *id,
			 char ret_name[STORE_TRASH_NAME_SIZE]);
int store_session_detach_uppers(struct store *store, uid_t uid, const char *id,
				char ret_name[STORE_TRASH_NAME_SIZE]);
void store_trash_delete(struct store *store, const char *name);

/* Both halves. -ENOENT where there is no such session. */
int store_session_remove(struct store *store, uid_t uid, const char *id);
int store_session_reset(struct store *store, uid_t uid, const char *id);

/*
 * Opens upper and work of one share (O_PATH | O_DIRECTORY), making them where `make` says so: the
 * upper with owner, mode and times of `root` (the lower's root), complete at once; work is 0700
 * and ours. Two makers at once get the same. -ENOENT without `make`, or without the session.
 * `root` is used only with `make`; ret_work_fd may be NULL.
 */
int store_open_upper(struct store *store, uid_t uid, const char *id, const char *share_path,
		     bool make, const struct stat *root, int *ret_upper_fd, int *ret_work_fd);

/*
 * The directory in which upper and work of a share are, or will be (O_PATH), made where `make` says so; the
 * session must be there. The fd, -ENOENT, or another negative errno.
 */
int store_open_share(struct store *store, uid_t uid, const char *id, const char *share_path,
		     bool make);

/*
 * Deletes what is in the trash, and the content of every `work`. Called once, at start, before
 * anything else uses the store. Errors are logged.
 */
void store_clean(struct store *store);

/* Small checksummed state files: name is "tokens", "history", "mountpoint" or "commit". -ENOENT, -EBADMSG (damaged). */
int store_state_read(struct store *store, const char *name, void **ret_data, size_t *ret_len);
int store_state_write(struct store *store, const char *name, const void *data, size_t len);
/* Durably; no such file is success. */
int store_state_remove(struct store *store, const char *name);
/* Tells this store from others, for names outside it. */
uint64_t store_number(const struct store *store);

/* Bytes that the store's file system has free for us. */
int store_free_space(struct store *store, uint64_t *ret_bytes);
