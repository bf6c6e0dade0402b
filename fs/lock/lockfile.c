/* SPDX-License-Identifier: MIT */
#include "lock/lockfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/sys.h"
#include "lock/text.h"

/* The directory that holds a lock's name. */
struct lockfile_place {
	int dir_fd;
	int owned_fd; /* dir_fd where it has to be closed, else -1 */
	const char *name;
};

static void place_release(struct lockfile_place *place)
{
	cleanup_close(&place->owned_fd);
}

#define _cleanup_place_ _cleanup_(place_release)

/* Fills a place whose owned_fd is -1. */
static int place_open(const struct locks *locks, const struct lock_key *key,
		      struct lockfile_place *place)
{
	_cleanup_close_ int upper_fd = -1;
	const char *slash = strrchr(key->path, '/');
	char parent[sizeof(((struct lock_record *)0)->path)];
	int base_fd;
	int r;

	place->name = path_base(key->path);
	if (key->session) {
		r = registry_peek_upper(locks->setup.identity->registry, key->session, key->share,
					&upper_fd, NULL);
		if (r < 0)
			return r;
		base_fd = upper_fd;
	} else {
		base_fd = locks->setup.config->shares[key->share].lower_fd;
	}
	if (!slash) {
		place->dir_fd = base_fd;
		place->owned_fd = TAKE_FD(upper_fd);
		return 0;
	}
	if ((size_t)(slash - key->path) >= sizeof(parent))
		return -ENAMETOOLONG;
	memcpy(parent, key->path, (size_t)(slash - key->path));
	parent[slash - key->path] = '\0';
	r = sys_open_beneath(base_fd, parent, O_PATH | O_DIRECTORY, 0);
	if (r < 0)
		return r == -ENOTDIR || r == -ELOOP ? -ENOENT : r;
	place->owned_fd = r;
	place->dir_fd = r;
	return 0;
}

static int place_stat(const struct lockfile_place *place, const char *name,
		      struct lockfile *ret_file)
{
	return sys_stat_birth(place->dir_fd, name, &ret_file->st, &ret_file->birth);
}

int lockfile_stat(const struct locks *locks, const struct lock_key *key, struct lockfile *ret_file)
{
	_cleanup_place_ struct lockfile_place place = {.owned_fd = -1};
	int r = place_open(locks, key, &place);

	return r < 0 ? r : place_stat(&place, place.name, ret_file);
}

bool lockfile_is_of(const struct lockfile *file, const struct lock_record *record)
{
	return file->st.st_dev == record->file_dev && file->st.st_ino == record->file_ino &&
	       (!file->birth || !record->file_birth || file->birth == record->file_birth);
}

static ssize_t read_regular(const struct lockfile_place *place, const struct stat *st, char *text)
{
	_cleanup_close_ int fd = -1;
	struct stat opened;

	/* O_NONBLOCK: should it have become a FIFO by now, it is not waited for. */
	fd = openat(place->dir_fd, place->name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &opened) < 0 || opened.st_ino != st->st_ino || opened.st_dev != st->st_dev)
		return -ESTALE;
	return sys_read_all(fd, text, LOCKFILE_TEXT_MAX);
}

pid_t lockfile_text_pid(const struct locks *locks, const struct lock_key *key,
			const struct stat *st)
{
	_cleanup_place_ struct lockfile_place place = {.owned_fd = -1};
	char text[LOCKFILE_TEXT_MAX];
	ssize_t len = 0;

	if ((!S_ISREG(st->st_mode) && !S_ISLNK(st->st_mode)) || place_open(locks, key, &place) < 0)
		return 0;
	if (S_ISLNK(st->st_mode))
		len = readlinkat(place.dir_fd, place.name, text, sizeof(text));
	else if (st->st_size > 0)
		len = read_regular(&place, st, text);
	return len > 0 ? text_pid(text, (size_t)len, S_ISLNK(st->st_mode), locks->host) : 0;
}

/* Whether all that a directory holds is a few plain files, which are then deleted if `remove`. */
static int empty_directory(int parent_fd, const char *name, bool remove)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	size_t files = 0;
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(dir))) {
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (++files > LOCKFILE_DIR_MAX ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			return LOCKFILE_KEPT;
		if (remove && unlinkat(fd, entry->d_name, 0) < 0)
			return -errno;
	}
	return 0;
}

/* 0 where the file is what a lock is, so that it may be deleted. */
static int check_is_small(const struct lockfile_place *place, const char *name,
			  const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return empty_directory(place->dir_fd, name, false);
	if (S_ISLNK(st->st_mode))
		return 0;
	return S_ISREG(st->st_mode) && st->st_size <= LOCKFILE_TEXT_MAX ? 0 : LOCKFILE_KEPT;
}

static int delete_aside(const struct lockfile_place *place, const char *aside,
			const struct stat *st)
{
	int r;

	if (S_ISDIR(st->st_mode)) {
		r = empty_directory(place->dir_fd, aside, true);
		if (r != 0)
			return r;
	}
	if (unlinkat(place->dir_fd, aside, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) < 0)
		return -errno;
	return LOCKFILE_FREED;
}

#define ASIDE_SIZE 48
static void format_aside(const struct lock_record *record, char ret[ASIDE_SIZE])
{
	snprintf(ret, ASIDE_SIZE, ".sessionfs-freed-%llu", (unsigned long long)record->token);
}

/* The file stands aside: deletes it where it is the record's, else puts it back. */
static int finish_aside(const struct lockfile_place *place, const char *aside,
			const struct lock_record *record)
{
	struct lockfile file;
	int r = place_stat(place, aside, &file);

	if (r < 0)
		return r;
	if (!lockfile_is_of(&file, record)) {
		r = sys_rename(place->dir_fd, aside, place->dir_fd, place->name, RENAME_NOREPLACE);
		return r == -EEXIST ? LOCKFILE_KEPT : (r < 0 ? r : LOCKFILE_GONE);
	}
	r = check_is_small(place, aside, &file.st);
	if (r == 0)
		r = delete_aside(place, aside, &file.st);
	if (r != LOCKFILE_FREED)
		sys_rename(place->dir_fd, aside, place->dir_fd, place->name, RENAME_NOREPLACE);
	return r;
}

int lockfile_free(const struct locks *locks, const struct lock_record *record)
{
	_cleanup_place_ struct lockfile_place place = {.owned_fd = -1};
	struct lock_key key = table_key_of(record);
	char aside[ASIDE_SIZE];
	struct lockfile file;
	int r;

	r = place_open(locks, &key, &place);
	if (r == 0)
		r = place_stat(&place, place.name, &file);
	if (r == -ENOENT || (r == 0 && !lockfile_is_of(&file, record)))
		return LOCKFILE_GONE;
	if (r == 0)
		r = check_is_small(&place, place.name, &file.st);
	if (r != 0)
		return r;
	format_aside(record, aside);
	r = sys_rename(place.dir_fd, place.name, place.dir_fd, aside, RENAME_NOREPLACE);
	if (r == -ENOENT)
		return LOCKFILE_GONE;
	return r < 0 ? r : finish_aside(&place, aside, record);
}

int lockfile_free_resume(const struct locks *locks, const struct lock_record *record)
{
	_cleanup_place_ struct lockfile_place place = {.owned_fd = -1};
	struct lock_key key = table_key_of(record);
	char aside[ASIDE_SIZE];
	int r = place_open(locks, &key, &place);

	if (r < 0)
		return r == -ENOENT ? LOCKFILE_GONE : r;
	format_aside(record, aside);
	r = finish_aside(&place, aside, record);
	return r == -ENOENT ? LOCKFILE_GONE : r;
}
