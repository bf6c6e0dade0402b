/* SPDX-License-Identifier: MIT */
/*
 * The store's inside: its names and how its directories are reached. Private to store/.
 *
 * Every walk begins at the store's fd and follows no symlink, so that a store that is moved while
 * mounted, or a symlink planted in it, leads nowhere else.
 */
#pragma once

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/store.h"

#define STORE_FORMAT_VERSION 1u
#define STORE_TRASH "trash"
#define STORE_SESSIONS "sessions"
#define STORE_META "meta"

struct store {
	int fd;      /* the store's directory, readable */
	int lock_fd; /* of `instance`, flock'ed; -1 until then */
	const char *xattr_prefix;
	char *path;
	_Atomic uint32_t serial; /* makes names in the trash and in work unique */
};

/* "sessions/<uid>/<id>": an id is at most 64 bytes. */
#define STORE_SESSION_PATH_SIZE 96
void store_session_path(uid_t uid, const char *id, char ret[STORE_SESSION_PATH_SIZE]);

/* The share's directory name, see store.h. */
void store_share_name(const char *share_path, char ret[NAME_MAX + 1]);

/* A name that nothing in the store has: time, process and serial. */
void store_unique_name(struct store *store, char ret[STORE_TRASH_NAME_SIZE]);

/* Opens a session's directory, readable. The fd, -ENOENT, or another negative errno. */
int store_open_session(struct store *store, uid_t uid, const char *id);

/*
 * Calls fn with each name in the directory but "." and ".."; fn's value other than 0 ends it and
 * is returned. fd is borrowed; its offset is not touched. fn may remove the entry.
 */
int store_each_name(int fd, int (*fn)(int fd, const char *name, void *ctx), void *ctx);
