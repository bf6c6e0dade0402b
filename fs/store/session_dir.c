/* SPDX-License-Identifier: MIT */
/*
 * Sessions as directories: walk, make, metadata, changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/sys.h"
#include "store/session_meta.h"

/* What a walk over all sessions carries along. */
struct session_walk {
	int (*fn)(const struct session_meta *meta, void *ctx);
	void *ctx;
	uid_t uid;
};

static int visit_session(int uid_fd, const char *name, void *ctx)
{
	struct session_walk *walk = ctx;
	struct session_meta meta = {.uid = walk->uid};
	_cleanup_close_ int fd = -1;

	if (!path_is_session_id(name)) {
		log_warning("store: " STORE_SESSIONS "/%u holds something that is no session",
			    walk->uid);
		return 0;
	}
	snprintf(meta.id, sizeof(meta.id), "%s", name);
	fd = sys_open_beneath(uid_fd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0) {
		log_warning("session %u/%s: %s", walk->uid, name, strerror(-fd));
		return 0;
	}
	if (session_meta_load(fd, &meta))
		return 0;
	return walk->fn(&meta, walk->ctx);
}

static int visit_uid(int sessions_fd, const char *name, void *ctx)
{
	struct session_walk *walk = ctx;
	_cleanup_close_ int fd = -1;
	char same[16];
	unsigned long uid;

	errno = 0;
	uid = strtoul(name, NULL, 10);
	snprintf(same, sizeof(same), "%u", (unsigned int)uid);
	if (errno || strcmp(name, same) != 0) {
		log_warning("store: " STORE_SESSIONS " holds something that is no uid");
		return 0;
	}
	fd = sys_open_beneath(sessions_fd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0) {
		log_warning("store: " STORE_SESSIONS "/%s: %s", name, strerror(-fd));
		return 0;
	}
	walk->uid = (uid_t)uid;
	return store_each_name(fd, visit_session, walk);
}

int store_each_session(struct store *store, int (*fn)(const struct session_meta *meta, void *ctx),
		       void *ctx)
{
	struct session_walk walk = {.fn = fn, .ctx = ctx};
	_cleanup_close_ int fd =
		sys_open_beneath(store->fd, STORE_SESSIONS, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return fd;
	return store_each_name(fd, visit_uid, &walk);
}

/* fsync of a directory, by its path below the store. */
static int sync_directory(struct store *store, const char *path)
{
	_cleanup_close_ int fd = sys_open_beneath(store->fd, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return fd;
	return fsync(fd) ? -errno : 0;
}

static int write_first_meta(struct store *store, const char *dir, const struct session_meta *meta,
			    bool durable)
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_close_ int fd = -1;
	char path[sizeof(STORE_TRASH) + STORE_TRASH_NAME_SIZE + sizeof(STORE_META)];
	int r;

	session_meta_render(meta, &text);
	if (buf_failed(&text))
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/" STORE_META, dir);
	fd = sys_open_beneath(store->fd, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return fd;
	r = sys_write_all(fd, text.data, text.len);
	if (r || !durable)
		return r;
	if (fsync(fd))
		return -errno;
	return sync_directory(store, dir);
}

/* Moves a complete directory to its place, whose parent may not be there yet. */
static int put_in_place(struct store *store, const char *from, const struct session_meta *meta,
			bool durable)
{
	char to[STORE_SESSION_PATH_SIZE];
	char parent[STORE_SESSION_PATH_SIZE];
	int r;

	store_session_path(meta->uid, meta->id, to);
	r = sys_rename(store->fd, from, store->fd, to, RENAME_NOREPLACE);
	snprintf(parent, sizeof(parent), STORE_SESSIONS "/%u", meta->uid);
	if (r == -ENOENT) {
		r = sys_mkdir_all(store->fd, parent, 0700);
		if (!r)
			r = sys_rename(store->fd, from, store->fd, to, RENAME_NOREPLACE);
		if (!r && durable)
			r = sync_directory(store, STORE_SESSIONS);
	}
	if (!r && durable)
		r = sync_directory(store, parent);
	return r;
}

int store_session_make(struct store *store, const struct session_meta *meta)
{
	bool durable = !(meta->flags & (SESSION_EPHEMERAL | SESSION_POSIX));
	char name[STORE_TRASH_NAME_SIZE];
	char dir[sizeof(STORE_TRASH) + STORE_TRASH_NAME_SIZE];
	int r;

	if (!path_is_session_id(meta->id))
		return -EINVAL;
	store_unique_name(store, name);
	snprintf(dir, sizeof(dir), STORE_TRASH "/%s", name);
	r = sys_mkdir_all(store->fd, dir, 0700);
	if (!r)
		r = write_first_meta(store, dir, meta, durable);
	if (!r)
		r = put_in_place(store, dir, meta, durable);
	/* Nothing there, where the first step failed, is deleted as well. */
	if (r)
		store_trash_delete(store, name);
	return r;
}

int store_session_write_meta(struct store *store, const struct session_meta *meta)
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_close_ int fd = store_open_session(store, meta->uid, meta->id);

	if (fd < 0)
		return fd;
	session_meta_render(meta, &text);
	if (buf_failed(&text))
		return -ENOMEM;
	return sys_write_file_durable(fd, STORE_META, text.data, text.len, 0600);
}

int store_session_touch(struct store *store, uid_t uid, const char *id, uint64_t real_ns)
{
	char path[STORE_SESSION_PATH_SIZE];
	struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT},
		{.tv_sec = (time_t)(real_ns / NSEC_PER_SEC),
		 .tv_nsec = (long)(real_ns % NSEC_PER_SEC)},
	};

	store_session_path(uid, id, path);
	return utimensat(store->fd, path, times, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

int store_session_exists(struct store *store, uid_t uid, const char *id)
{
	_cleanup_close_ int fd = store_open_session(store, uid, id);

	if (fd == -ENOENT)
		return 0;
	return fd < 0 ? fd : 1;
}

static int any_name(int fd, const char *name, void *ctx)
{
	(void)fd;
	(void)name;
	(void)ctx;
	return 1;
}

static int share_has_changes(int session_fd, const char *name, void *ctx)
{
	char path[NAME_MAX + sizeof("/" STORE_UPPER)];
	_cleanup_close_ int fd = -1;

	(void)ctx;
	if (!strcmp(name, STORE_META))
		return 0;
	snprintf(path, sizeof(path), "%s/" STORE_UPPER, name);
	fd = sys_open_beneath(session_fd, path, O_PATH | O_DIRECTORY, 0);
	/* ENOTDIR: a temporary of the metadata. */
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return fd;
	return store_each_name(fd, any_name, NULL);
}

int store_session_has_changes(struct store *store, uid_t uid, const char *id)
{
	_cleanup_close_ int fd = store_open_session(store, uid, id);

	if (fd < 0)
		return fd;
	return store_each_name(fd, share_has_changes, NULL);
}
