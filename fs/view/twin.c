/* SPDX-License-Identifier: MIT */
#include "view/twin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "view/copyup.h"
#include "view/rights.h"

#define TWIN_MARK '~' /* others have theirs in the same directory: ops/hidden.c */
#define TWIN_NAME_SIZE 40

static void twin_name(const struct stat *lock, char ret[TWIN_NAME_SIZE])
{
	snprintf(ret, TWIN_NAME_SIZE, "%c%llx-%llx", TWIN_MARK, (unsigned long long)lock->st_dev,
		 (unsigned long long)lock->st_ino);
}

/* Calls fn for each twin. */
static void each_twin(struct view *view, void (*fn)(struct view *view, const char *name))
{
	_cleanup_closedir_ DIR *stream = NULL;
	int fd = openat(view->work_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;

	if (fd < 0)
		return;
	stream = fdopendir(fd);
	if (!stream) {
		close(fd);
		return;
	}
	while ((entry = readdir(stream)))
		if (entry->d_name[0] == TWIN_MARK)
			fn(view, entry->d_name);
}

static void note_one(struct view *view, const char *name)
{
	(void)name;
	view->has_twins = true;
}

void twin_recover(struct view *view)
{
	each_twin(view, note_one);
}

static void drop_single(struct view *view, const char *name)
{
	struct stat st;

	if (fstatat(view->work_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink == 1)
		unlinkat(view->work_fd, name, 0);
}

/* Failing costs the program its look at st_nlink, not its lock. */
static void make_twin(struct view *view, int src_fd, const struct stat *lock)
{
	char name[TWIN_NAME_SIZE];
	char path[32];

	each_twin(view, drop_single);
	twin_name(lock, name);
	sys_fd_path(src_fd, path);
	unlinkat(view->work_fd, name, 0);
	if (linkat(AT_FDCWD, path, view->work_fd, name, AT_SYMLINK_FOLLOW) == 0)
		view->has_twins = true;
}

int twin_link(int src_fd, struct layer_dir *dir, const char *name)
{
	struct view *view = dir->view;
	char plain[VIEW_TEMPORARY_SIZE];
	char temporary[VIEW_TEMPORARY_SIZE + 16];
	struct metacopy_world world = view_metacopy_world(view);
	_cleanup_source_ struct copyup_source source = COPYUP_SOURCE_NONE;
	struct stat lock;
	int r = copyup_source_open(&world, src_fd, COPYUP_MOVED_MAX, &source);

	if (r < 0)
		return r;
	if (S_ISDIR(source.st.st_mode))
		return -EPERM;
	r = lower_change_begin(dir, NULL);
	if (r < 0)
		return r;
	lower_change_end();
	view_temporary_name(plain);
	snprintf(temporary, sizeof(temporary), ".sessionfs-%s", plain);
	r = copyup_copy(&view->setup->names, &source, dir->lower, temporary);
	if (r < 0)
		return r;
	if (fstatat(dir->lower, temporary, &lock, AT_SYMLINK_NOFOLLOW))
		r = -errno;
	if (r == 0)
		r = sys_rename(dir->lower, temporary, dir->lower, name, RENAME_NOREPLACE);
	if (r < 0)
		unlinkat(dir->lower, temporary, 0);
	else
		make_twin(view, src_fd, &lock);
	return r;
}

static bool twin_of(struct view *view, const struct stat *lock, struct stat *ret_twin)
{
	char name[TWIN_NAME_SIZE];

	if (!view->has_twins || S_ISDIR(lock->st_mode))
		return false;
	twin_name(lock, name);
	return fstatat(view->work_fd, name, ret_twin, AT_SYMLINK_NOFOLLOW) == 0;
}

void twin_show_links(struct view *view, struct stat *st)
{
	struct stat twin;

	if (twin_of(view, st, &twin))
		st->st_nlink = twin.st_nlink;
}

void twin_show(struct view *view, struct resolved *found)
{
	struct stat twin;

	if (!twin_of(view, &found->st, &twin))
		return;
	found->st.st_nlink = twin.st_nlink;
	found->origin_dev = twin.st_dev;
	found->origin_ino = twin.st_ino;
}

void twin_forget(struct view *view, const struct stat *lock)
{
	char name[TWIN_NAME_SIZE];

	if (!view->has_twins)
		return;
	twin_name(lock, name);
	unlinkat(view->work_fd, name, 0);
}
