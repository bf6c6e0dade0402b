/* SPDX-License-Identifier: MIT */
/*
 * The trash: what is dropped moves there in one rename, and is deleted where nobody sees it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "base/sys.h"
#include "store/layout.h"

/* A writer that holds a directory in it may fill it while we empty it. */
#define DELETE_TRIES 8
#define TRASH_PATH_SIZE (sizeof(STORE_TRASH) + STORE_TRASH_NAME_SIZE)

static void trash_path(const char *name, char ret[TRASH_PATH_SIZE])
{
	snprintf(ret, TRASH_PATH_SIZE, STORE_TRASH "/%s", name);
}

int store_session_detach(struct store *store, uid_t uid, const char *id,
			 char ret_name[STORE_TRASH_NAME_SIZE])
{
	char from[STORE_SESSION_PATH_SIZE];
	char to[TRASH_PATH_SIZE];

	if (!path_is_session_id(id))
		return -EINVAL;
	store_session_path(uid, id, from);
	store_unique_name(store, ret_name);
	trash_path(ret_name, to);
	return sys_rename(store->fd, from, store->fd, to, RENAME_NOREPLACE);
}

/* An empty session directory at trash/<name> that shares the metadata of the session. */
static int make_successor(struct store *store, int session_fd, const char *name)
{
	_cleanup_close_ int fd = -1;
	char path[TRASH_PATH_SIZE];
	int r;

	trash_path(name, path);
	r = sys_mkdir_all(store->fd, path, 0700);
	if (r)
		return r;
	fd = sys_open_beneath(store->fd, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	/* Damaged metadata may be missing altogether. */
	if (linkat(session_fd, STORE_META, fd, STORE_META, 0) && errno != ENOENT)
		return -errno;
	return fsync(fd) ? -errno : 0;
}

int store_session_detach_uppers(struct store *store, uid_t uid, const char *id,
				char ret_name[STORE_TRASH_NAME_SIZE])
{
	_cleanup_close_ int session = store_open_session(store, uid, id);
	char from[STORE_SESSION_PATH_SIZE];
	char to[TRASH_PATH_SIZE];
	int r;

	if (session < 0)
		return session;
	store_session_path(uid, id, from);
	store_unique_name(store, ret_name);
	trash_path(ret_name, to);
	r = make_successor(store, session, ret_name);
	/* One exchange for all shares: at no instant is one reset and the other not. */
	if (!r)
		r = sys_rename(store->fd, to, store->fd, from, RENAME_EXCHANGE);
	if (r)
		store_trash_delete(store, ret_name);
	return r;
}

void store_trash_delete(struct store *store, const char *name)
{
	char path[TRASH_PATH_SIZE];
	int tries = 0;
	int r;

	trash_path(name, path);
	do
		r = sys_remove_tree(store->fd, path);
	while (r == -ENOTEMPTY && ++tries < DELETE_TRIES);
	if (r)
		log_warning("store: %s/%s is left to the next start: %s", store->path, path,
			    strerror(-r));
}

int store_session_remove(struct store *store, uid_t uid, const char *id)
{
	char name[STORE_TRASH_NAME_SIZE];
	int r = store_session_detach(store, uid, id, name);

	if (!r)
		store_trash_delete(store, name);
	return r;
}

int store_session_reset(struct store *store, uid_t uid, const char *id)
{
	char name[STORE_TRASH_NAME_SIZE];
	int r = store_session_detach_uppers(store, uid, id, name);

	if (!r)
		store_trash_delete(store, name);
	return r;
}

static bool is_temporary(const char *name)
{
	return !strncmp(name, SYS_TEMPORARY_PREFIX, strlen(SYS_TEMPORARY_PREFIX));
}

static int remove_name(int fd, const char *name, void *ctx)
{
	const struct store *store = ctx;
	int r = sys_remove_tree(fd, name);

	if (r)
		log_warning("store %s: a leftover cannot be removed: %s", store->path,
			    strerror(-r));
	return 0;
}

/* Empties a directory below `fd` that may not be there. */
static void empty_directory(struct store *store, int fd, const char *path)
{
	_cleanup_close_ int dir = sys_open_beneath(fd, path, O_RDONLY | O_DIRECTORY, 0);

	if (dir >= 0)
		(void)store_each_name(dir, remove_name, store);
}

static int clean_share(int session_fd, const char *name, void *ctx)
{
	char path[NAME_MAX + sizeof("/" STORE_WORK)];

	/* Of the metadata. */
	if (is_temporary(name))
		return remove_name(session_fd, name, ctx);
	snprintf(path, sizeof(path), "%s/" STORE_WORK, name);
	empty_directory(ctx, session_fd, path);
	return 0;
}

static int clean_session(int uid_fd, const char *name, void *ctx)
{
	_cleanup_close_ int fd = sys_open_beneath(uid_fd, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd >= 0)
		(void)store_each_name(fd, clean_share, ctx);
	return 0;
}

static int clean_uid(int sessions_fd, const char *name, void *ctx)
{
	_cleanup_close_ int fd = sys_open_beneath(sessions_fd, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd >= 0)
		(void)store_each_name(fd, clean_session, ctx);
	return 0;
}

/* Of the format and the state files. */
static int clean_root(int fd, const char *name, void *ctx)
{
	return is_temporary(name) ? remove_name(fd, name, ctx) : 0;
}

void store_clean(struct store *store)
{
	_cleanup_close_ int sessions =
		sys_open_beneath(store->fd, STORE_SESSIONS, O_RDONLY | O_DIRECTORY, 0);

	(void)store_each_name(store->fd, clean_root, store);
	empty_directory(store, store->fd, STORE_TRASH);
	if (sessions >= 0)
		(void)store_each_name(sessions, clean_uid, store);
}
