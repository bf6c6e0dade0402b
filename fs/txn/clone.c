/* SPDX-License-Identifier: MIT */
#include "txn/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "txn/names.h"
#include "view/copydata.h"

/* A file of several names, and the first of the copy's. */
struct known {
	dev_t dev;
	ino_t ino;
	char *path;
};

struct clone {
	int from;
	int to;
	/* Directories from the roots, parents before children: no stack grows with the depth. */
	char **dirs;
	size_t n_dirs;
	size_t dirs_capacity;
	struct known *known;
	size_t n_known;
	size_t known_capacity;
};

static void clone_release(struct clone *clone)
{
	for (size_t i = 0; i < clone->n_dirs; i++)
		free(clone->dirs[i]);
	for (size_t i = 0; i < clone->n_known; i++)
		free(clone->known[i].path);
	free(clone->dirs);
	free(clone->known);
}

static int grow(void **items, size_t *capacity, size_t count, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : 16;
	void *grown;

	if (count < *capacity)
		return 0;
	grown = reallocarray(*items, wanted, size);
	if (!grown)
		return -ENOMEM;
	*items = grown;
	*capacity = wanted;
	return 0;
}

static char *join(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s%s%s", dir, *dir ? "/" : "", name) < 0 ? NULL : path;
}

static int add_dir(struct clone *clone, char *path_consume)
{
	int r = path_consume ? grow((void **)&clone->dirs, &clone->dirs_capacity, clone->n_dirs,
				    sizeof(*clone->dirs))
			     : -ENOMEM;

	if (r < 0)
		free(path_consume);
	else
		clone->dirs[clone->n_dirs++] = path_consume;
	return r;
}

static int copy_attributes(int from_fd, int to_fd)
{
	_cleanup_free_ char *list = NULL, *value = NULL;
	char from[32], to[32];
	ssize_t size;
	int r = 0;

	/* The links in /proc are followed, to the object and no further. */
	sys_fd_path(from_fd, from);
	sys_fd_path(to_fd, to);
	size = listxattr(from, NULL, 0);
	if (size <= 0)
		return size < 0 && errno != ENOTSUP ? -errno : 0;
	list = malloc((size_t)size);
	value = malloc(XATTR_SIZE_MAX);
	if (!list || !value)
		return -ENOMEM;
	size = listxattr(from, list, (size_t)size);
	for (const char *name = list; r == 0 && size > 0 && name < list + size;
	     name += strlen(name) + 1) {
		ssize_t len = getxattr(from, name, value, XATTR_SIZE_MAX);

		if (len < 0)
			r = errno == ENODATA ? 0 : -errno;
		else if (setxattr(to, name, value, (size_t)len, 0))
			r = -errno;
	}
	return r;
}

/* Order matters: chown clears set-id bits and capabilities; times come last. */
static int dress(int from_fd, int to_fd, const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	char path[32];
	int r;

	if (fchownat(to_fd, "", st->st_uid, st->st_gid, AT_EMPTY_PATH))
		return -errno;
	sys_fd_path(to_fd, path);
	if (!S_ISLNK(st->st_mode) && chmod(path, st->st_mode & 07777))
		return -errno;
	r = copy_attributes(from_fd, to_fd);
	if (r < 0)
		return r;
	return utimensat(to_fd, "", times, AT_EMPTY_PATH) ? -errno : 0;
}

static int copy_content(int from_fd, const struct stat *st, int to_dir, const char *name)
{
	_cleanup_close_ int src = -1, dst = -1;
	char path[32], target[PATH_MAX];
	struct stat copied;
	ssize_t len;

	if (S_ISLNK(st->st_mode)) {
		len = readlinkat(from_fd, "", target, sizeof(target) - 1);
		if (len < 0)
			return -errno;
		target[len] = '\0';
		return symlinkat(target, to_dir, name) ? -errno : 0;
	}
	if (!S_ISREG(st->st_mode))
		return mknodat(to_dir, name, (st->st_mode & S_IFMT) | 0600, st->st_rdev) ? -errno
											 : 0;
	sys_fd_path(from_fd, path);
	src = open(path, O_RDONLY | O_CLOEXEC);
	if (src < 0)
		return -errno;
	dst = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return dst < 0 ? -errno : copydata(src, dst, NULL, &copied);
}

/* 1: it was linked to the name that the copy has of it already. */
static int link_known(struct clone *clone, const struct stat *st, const char *path)
{
	int r;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return 0;
	for (size_t i = 0; i < clone->n_known; i++)
		if (clone->known[i].dev == st->st_dev && clone->known[i].ino == st->st_ino)
			return linkat(clone->to, clone->known[i].path, clone->to, path, 0) ? -errno
											   : 1;
	r = grow((void **)&clone->known, &clone->known_capacity, clone->n_known,
		 sizeof(*clone->known));
	if (r < 0)
		return r;
	clone->known[clone->n_known] =
		(struct known){.dev = st->st_dev, .ino = st->st_ino, .path = strdup(path)};
	return clone->known[clone->n_known++].path ? 0 : -ENOMEM;
}

static int copy_entry(struct clone *clone, const char *dir, int from_dir, int to_dir,
		      const char *name)
{
	_cleanup_free_ char *path = join(dir, name);
	_cleanup_close_ int from = openat(from_dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), to = -1;
	struct stat st;
	int r;

	if (!path)
		return -ENOMEM;
	if (from < 0 || fstatat(from, "", &st, AT_EMPTY_PATH))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return mkdirat(to_dir, name, 0700) ? -errno : add_dir(clone, TAKE_PTR(path));
	r = link_known(clone, &st, path);
	if (r != 0)
		return r < 0 ? r : 0;
	r = copy_content(from, &st, to_dir, name);
	if (r < 0)
		return r;
	to = openat(to_dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return to < 0 ? -errno : dress(from, to, &st);
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
	return fstat(from, &st) ? -errno : dress(from, to, &st);
}

int clone_tree(int from_fd, int to_fd)
{
	__attribute__((cleanup(clone_release))) struct clone clone = {.from = from_fd, .to = to_fd};
	int r = add_dir(&clone, strdup(""));

	for (size_t i = 0; r == 0 && i < clone.n_dirs; i++)
		r = copy_directory(&clone, clone.dirs[i]);
	for (size_t i = clone.n_dirs; r == 0 && i > 0; i--)
		r = dress_directory(&clone, clone.dirs[i - 1]);
	return r;
}

int clone_file(int from_dirfd, int to_dirfd, const char *name)
{
	_cleanup_close_ int from = openat(from_dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC),
			    to = -1;
	struct stat st;
	int r;

	if (from < 0 || fstatat(from, "", &st, AT_EMPTY_PATH))
		return errno == ENOENT ? 0 : -errno;
	r = copy_content(from, &st, to_dirfd, name);
	if (r < 0)
		return r;
	to = openat(to_dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return to < 0 ? -errno : dress(from, to, &st);
}
