/* SPDX-License-Identifier: MIT */
#include "supervisor/point.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mountinfo.h"
#include "base/probe.h"

#define ANSWER_MS 5000 /* how long a mount that is in the way may take to answer */
#define STACK_MAX 64   /* dead mounts on top of each other */

static bool is_fuse(const struct mount_info *info)
{
	return strcmp(info->fstype, "fuse") == 0 || strncmp(info->fstype, "fuse.", 5) == 0;
}

static bool is_dead(int error)
{
	return error == -ENOTCONN || error == -ECONNABORTED || error == -ECONNREFUSED;
}

static int examine_mount(const char *path, const struct mount_info *info,
			 enum point_state *ret_state, struct err *err)
{
	int r = is_fuse(info) ? probe_statfs(path, ANSWER_MS) : 0;

	if (is_dead(r)) {
		*ret_state = POINT_DEAD;
		return 0;
	}
	if (r == -ETIMEDOUT) {
		err_set(err, ERR_UNAVAILABLE,
			"the mount point %.256s is taken by a %s mount that does not answer", path,
			info->fstype);
		return err_suggest(err, "sessionfs umount --force %.256s", path);
	}
	if (strcmp(info->fstype, "fuse.sessionfs") == 0) {
		*ret_state = POINT_SESSIONFS;
		return 0;
	}
	err_set(err, ERR_PRECONDITION_FAILED,
		"the mount point %.256s is in use: a file system of type %s is mounted there", path,
		info->fstype);
	return err_suggest(err, "Unmount it, or choose another mount point.");
}

static int examine_directory(const char *path, enum point_state *ret_state, struct err *err)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	struct stat st;

	if (stat(path, &st) < 0 && errno == ENOENT) {
		*ret_state = POINT_MISSING;
		return 0;
	}
	dir = opendir(path);
	if (!dir && errno == ENOTDIR) {
		err_set(err, ERR_PRECONDITION_FAILED, "the mount point %.256s is not a directory",
			path);
		return err_suggest(err, "Choose a directory, or a path that does not exist yet.");
	}
	if (!dir)
		return err_set_errno(err, ERR_PRECONDITION_FAILED, errno, "the mount point %.256s",
				     path);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		err_set(err, ERR_PRECONDITION_FAILED,
			"the mount point %.256s is in use: the directory is not empty", path);
		return err_suggest(err, "Choose an empty directory, or one that does not exist.");
	}
	*ret_state = POINT_EMPTY;
	return 0;
}

int point_examine(const char *path, enum point_state *ret_state, struct err *err)
{
	struct mount_info info;
	int r = mountinfo_at(path, &info);

	if (r < 0)
		return err_set_errno(err, ERR_PRECONDITION_FAILED, -r, "the mount point %.256s",
				     path);
	if (r > 0)
		return examine_mount(path, &info, ret_state, err);
	if (examine_directory(path, ret_state, err) == 0)
		return 0;
	/* What it saw may be in a file system that was mounted between the two looks. */
	return mountinfo_at(path, &info) > 0 ? examine_mount(path, &info, ret_state, err) : -1;
}

int point_clear(const char *path, struct err *err)
{
	for (int i = 0; i < STACK_MAX; i++) {
		struct mount_info info;

		if (mountinfo_at(path, &info) <= 0 || !is_fuse(&info) ||
		    !is_dead(probe_statfs(path, ANSWER_MS)))
			return 0;
		log_warning("%s: detaching a dead %s mount", path, info.fstype);
		if (umount2(path, MNT_DETACH) < 0)
			return err_set_errno(err, ERR_PRECONDITION_FAILED, errno,
					     "cannot unmount the dead mount at %.256s", path);
	}
	return err_set(err, ERR_PRECONDITION_FAILED, "too many dead mounts at %.256s", path);
}

int point_make(const char *path, struct point_made *ret_made, struct err *err)
{
	char prefix[PATH_MAX];
	size_t at = 0;

	*ret_made = (struct point_made){0};
	while (path[at]) {
		size_t end = at + 1 + strcspn(path + at + 1, "/");

		snprintf(prefix, sizeof(prefix), "%.*s", (int)end, path);
		if (mkdir(prefix, 0755) < 0) {
			if (errno != EEXIST) {
				err_set_errno(err,
					      errno == EACCES ? ERR_PERMISSION_DENIED
							      : ERR_PRECONDITION_FAILED,
					      errno, "cannot make the mount point %.256s", prefix);
				point_unmake(path, ret_made);
				return -1;
			}
		} else {
			/* The umask has no say in who may pass. */
			chmod(prefix, 0755);
			if (!ret_made->keep_len)
				ret_made->keep_len = at ? at : 1;
		}
		at = end;
	}
	return 0;
}

void point_unmake(const char *path, const struct point_made *made)
{
	char prefix[PATH_MAX];
	size_t len = strlen(path);

	if (!made->keep_len)
		return;
	snprintf(prefix, sizeof(prefix), "%s", path);
	while (len > made->keep_len && len > 1) {
		prefix[len] = '\0';
		/* What was never made, or is in use by others now, is no reason to stop. */
		(void)rmdir(prefix);
		len = (size_t)(strrchr(prefix, '/') - prefix);
	}
}

#define MEMORY "mountpoint"

static bool is_sane(const char *path, size_t keep_len)
{
	return keep_len > 0 && keep_len < strlen(path) && (path[keep_len] == '/' || keep_len == 1);
}

/* How much of the path stood before the supervisor that made the rest and was killed; 0: all. */
static size_t recall(const char *path, const struct stat *st, struct store *store)
{
	_cleanup_free_ void *text = NULL;
	unsigned long long dev, ino;
	size_t keep_len, len;
	int at = 0;

	if (store_state_read(store, MEMORY, &text, &len) < 0)
		return 0;
	if (sscanf(text, "%zu %llu %llu %n", &keep_len, &dev, &ino, &at) != 3 || at == 0 ||
	    strcmp((const char *)text + at, path) != 0 || !is_sane(path, keep_len))
		return 0;
	return dev == st->st_dev && ino == st->st_ino ? keep_len : 0;
}

void point_remember(const char *path, struct store *store, struct point_made *made)
{
	char text[PATH_MAX + 80];
	struct stat st;
	size_t before;
	int r;

	if (stat(path, &st) < 0)
		return;
	before = recall(path, &st, store);
	if (before && (!made->keep_len || before < made->keep_len))
		made->keep_len = before;
	if (!made->keep_len)
		return;
	snprintf(text, sizeof(text), "%zu %llu %llu %s", made->keep_len,
		 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino, path);
	r = store_state_write(store, MEMORY, text, strlen(text));
	if (r < 0)
		log_warning("cannot remember who made %s: %s", path, strerror(-r));
}

void point_forget(struct store *store)
{
	if (unlinkat(store_fd(store), MEMORY, 0) < 0 && errno != ENOENT)
		log_warning("cannot forget who made the mount point: %s", strerror(errno));
}
