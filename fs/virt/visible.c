/* SPDX-License-Identifier: MIT */
#include "virt/visible.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"

static bool may_search(const struct stat *st, uid_t uid)
{
	if (!S_ISDIR(st->st_mode))
		return false;
	if (st->st_uid == uid)
		return st->st_mode & S_IXUSR;
	return (st->st_mode & S_IXGRP) && (st->st_mode & S_IXOTH);
}

/* The directories above a share, on the host. */
static bool above_share(const struct config *config, const char *share, uid_t uid)
{
	char path[PATH_MAX];
	struct stat st;

	/* A walk to it would enter our own mount. */
	if (path_is_below(share, config->mountpoint))
		return false;
	for (const char *slash = strchr(share + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - share);

		if (len >= sizeof(path))
			return false;
		memcpy(path, share, len);
		path[len] = '\0';
		if (stat(path, &st) || !may_search(&st, uid))
			return false;
	}
	return true;
}

/* The share's root and the directories of `path` in it. */
static bool inside_share(int lower_fd, const char *path, uid_t uid)
{
	_cleanup_close_ int dir = fcntl(lower_fd, F_DUPFD_CLOEXEC, 3);
	char name[NAME_MAX + 1];
	struct stat st;

	while (dir >= 0 && fstat(dir, &st) == 0 && may_search(&st, uid)) {
		size_t len = strcspn(path, "/");
		int next;

		if (!path[len])
			return true;
		if (len > NAME_MAX)
			return false;
		memcpy(name, path, len);
		name[len] = '\0';
		next = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(dir);
		dir = next;
		path += len + 1;
	}
	return false;
}

bool visible_path(const struct config *config, uint32_t share, const char *path, uid_t uid)
{
	const struct share_config *at = &config->shares[share];

	if (uid == 0)
		return true;
	return above_share(config, at->path, uid) && inside_share(at->lower_fd, path, uid);
}

bool visible_in_lock(const struct instance *instance, uint32_t share, const char *path)
{
	char above[PATH_MAX];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - path);

		if (len >= sizeof(above))
			return true;
		memcpy(above, path, len);
		above[len] = '\0';
		if (rules_class(instance->rules[share], above) == CLASS_LOCK)
			return true;
	}
	return false;
}

bool visible_is_lock(const struct instance *instance, uint32_t share, const char *path)
{
	return *path && !visible_in_lock(instance, share, path) &&
	       rules_class(instance->rules[share], path) == CLASS_LOCK;
}

bool visible_lock(struct instance *instance, const struct lock_record *lock, uid_t uid)
{
	if (uid == 0)
		return true;
	if (lock->session_scope)
		return registry_at(instance->registry, lock->session_scope)->uid == uid;
	return visible_path(instance->config, lock->share, lock->path, uid);
}
