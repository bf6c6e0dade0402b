/* SPDX-License-Identifier: MIT */
#include "ctl/reset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/path.h"
#include "base/sys.h"
#include "view/seen.h"

static _Atomic uint32_t last_name;

void reset_announce(struct instance *instance, uint32_t session)
{
	const struct session_record *record = registry_at(instance->registry, session);

	if (instance->session_changed)
		instance->session_changed(session, false, instance->context);
	events_emit_consume(instance->events, record->uid, session, "session_reset",
			    json_pack("{s:s}", "session", record->id));
}

int reset_all(struct instance *instance, uint32_t session, struct err *err)
{
	if (registry_reset(instance->registry, session, err) < 0)
		return -1;
	reset_announce(instance, session);
	return 0;
}

/* Moves a name into the work directory and deletes it there. */
static int drop_name(int dirfd, const char *name, int work)
{
	char moved[48];
	int r;

	snprintf(moved, sizeof(moved), "reset-%x-%x", (unsigned int)getpid(),
		 atomic_fetch_add(&last_name, 1));
	r = sys_rename(dirfd, name, work, moved, 0);
	if (r == -EPERM && sys_unprotect(dirfd, name))
		r = sys_rename(dirfd, name, work, moved, 0);
	return r < 0 ? r : sys_remove_tree(work, moved);
}

/* Drops everything in a directory; the directory stays. */
static int drop_content(int dir, int work)
{
	_cleanup_closedir_ DIR *stream = NULL;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;

	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	while (errno = 0, (entry = readdir(stream))) {
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = drop_name(dir, entry->d_name, work);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return -errno;
}

static int drop_below(int upper, int work, const char *rest)
{
	const char *name = path_base(rest);
	_cleanup_free_ char *parent = NULL;
	_cleanup_close_ int dir = -1;

	if (!*rest)
		return drop_content(upper, work);
	parent = strndup(rest, name > rest ? (size_t)(name - rest - 1) : 0);
	if (!parent)
		return -ENOMEM;
	dir = sys_open_beneath(upper, parent, O_PATH | O_DIRECTORY, 0);
	return dir < 0 ? dir : drop_name(dir, name, work);
}

int reset_path(struct instance *instance, uint32_t session, const struct target_path *path,
	       struct err *err)
{
	_cleanup_close_ int upper = -1, work = -1;
	int r = registry_peek_upper(instance->registry, session, path->share, &upper, NULL);

	if (r == 0) {
		cleanup_close(&upper);
		upper = -1;
		r = registry_open_upper(instance->registry, session, path->share, &upper, &work);
	}
	if (r == 0)
		r = drop_below(upper, work, path->rest);
	if (r == 0)
		r = seen_append(work, path->rest, NULL);
	/* The upper holds no such path. */
	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
		r = 0;
	if (r < 0)
		return err_set_errno(err, ERR_IO_ERROR, -r, "cannot drop the changes at %s",
				     path->host);
	return 0;
}
