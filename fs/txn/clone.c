/* SPDX-License-Identifier: MIT */
#include "txn/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "txn/links.h"
#include "txn/names.h"
#include "view/copyup.h"

struct clone {
	int from;
	int to;
	/* Directories from the roots, parents before children: no stack grows with the depth. */
	struct names dirs;
	struct names
		linked; /* files of several names: where the copy has the first, by the number in `links` */
	struct links links;
};

static void clone_release(struct clone *clone)
{
	names_release(&clone->dirs);
	names_release(&clone->linked);
	links_release(&clone->links);
}

/* As it is on the disk: what it means is not looked at. */
static int copy_object(int from_fd, const struct stat *st, int to_dir, const char *name)
{
	const struct copyup_source source = {.fd = from_fd, .data_fd = from_fd, .st = *st};

	return copyup_copy(NULL, &source, to_dir, name);
}

/* 1: it was linked to the name that the copy has of it already. */
static int link_known(struct clone *clone, const struct stat *st, const char *path)
{
	size_t first, number = clone->linked.count;
	int r = links_meet(&clone->links, st, number, &first);

	if (r == 1)
		return linkat(clone->to, clone->linked.items[first], clone->to, path, 0) ? -errno
											 : 1;
	if (r == 0 && !S_ISDIR(st->st_mode) && st->st_nlink > 1)
		r = names_add(&clone->linked, path);
	return r;
}

static int copy_entry(struct clone *clone, const char *dir, int from_dir, int to_dir,
		      const char *name)
{
	_cleanup_close_ int from = openat(from_dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *path = NULL;
	struct stat st;
	int r;

	if (from < 0 || fstatat(from, "", &st, AT_EMPTY_PATH))
		return errno == ENOENT ? 0 : -errno;
	if (asprintf(&path, "%s%s%s", dir, *dir ? "/" : "", name) < 0)
		return -ENOMEM;
	if (S_ISDIR(st.st_mode))
		return mkdirat(to_dir, name, 0700) ? -errno : names_add(&clone->dirs, path);
	r = link_known(clone, &st, path);
	if (r != 0)
		return r < 0 ? r : 0;
	return copy_object(from, &st, to_dir, name);
}

static int open_dir(int root, const char *path)
{
	return sys_open_beneath(root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

static int copy_directory(struct clone *clone, const char *path)
{
	_cleanup_names_ struct names names = {0};
	_cleanup_close_ int from = open_dir(clone->from, path);
	_cleanup_close_ int to = open_dir(clone->to, path);
	int r;

	if (from < 0)
		return from == -ENOENT ? 0 : from;
	if (to < 0)
		return to;
	r = names_read(&names, from);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = copy_entry(clone, path, from, to, names.items[i]);
	return r;
}

/* After what is in it, which moves its times. */
static int dress_directory(const struct clone *clone, const char *path)
{
	_cleanup_close_ int from = open_dir(clone->from, path);
	_cleanup_close_ int to = open_dir(clone->to, path);
	struct stat st;

	if (from < 0)
		return from == -ENOENT ? 0 : from;
	if (to < 0)
		return to;
	return fstat(from, &st) ? -errno : copyup_metadata(NULL, from, &st, to);
}

int clone_tree(int from_fd, int to_fd)
{
	__attribute__((cleanup(clone_release))) struct clone clone = {.from = from_fd, .to = to_fd};
	int r = names_add(&clone.dirs, "");

	for (size_t i = 0; r == 0 && i < clone.dirs.count; i++)
		r = copy_directory(&clone, clone.dirs.items[i]);
	for (size_t i = clone.dirs.count; r == 0 && i > 0; i--)
		r = dress_directory(&clone, clone.dirs.items[i - 1]);
	return r;
}

int clone_file(int from_dirfd, int to_dirfd, const char *name)
{
	_cleanup_close_ int from = openat(from_dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (from < 0 || fstatat(from, "", &st, AT_EMPTY_PATH))
		return errno == ENOENT ? 0 : -errno;
	return copy_object(from, &st, to_dirfd, name);
}
