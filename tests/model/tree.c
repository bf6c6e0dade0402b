/* SPDX-License-Identifier: MIT */
/* Comparison of whole trees. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "listing.h"
#include "op.h"

/* One object of both trees, and its path for messages. */
struct pair {
	int dirfd[SIDES];
	const char *name;
	const char *path;
};

static void compare_content(struct world *world, const struct pair *pair)
{
	long count[SIDES];
	const uint8_t *const data[SIDES] = {world->buffer[VIEW], world->buffer[MODEL]};

	for (int side = 0; side < SIDES; side++) {
		int fd = openat(pair->dirfd[side], pair->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			mismatch(world, "%s: cannot be read: %s", pair->path,
				 strerrorname_np(errno));
		count[side] = pread(fd, world->buffer[side], DATA_MAX, 0);
		close(fd);
	}
	verify_bytes(world, NULL, 0, data, count, pair->path);
}

static void compare_target(struct world *world, const struct pair *pair)
{
	char target[SIDES][PATH_MAX] = {{0}};

	for (int side = 0; side < SIDES; side++)
		if (readlinkat(pair->dirfd[side], pair->name, target[side], PATH_MAX - 1) < 0)
			mismatch(world, "%s: readlink: %s", pair->path, strerrorname_np(errno));
	if (strcmp(target[VIEW], target[MODEL]) != 0)
		mismatch(world, "%s: leads to %s, not %s", pair->path, target[VIEW], target[MODEL]);
}

/* Names and values; both sides' are read into `list` and compared as sets. */
static void compare_xattrs(struct world *world, const struct pair *pair)
{
	char list[SIDES][4096], value[SIDES][4096];
	ssize_t size[SIDES], n[SIDES];

	for (int side = 0; side < SIDES; side++) {
		if (fchdir(pair->dirfd[side]))
			mismatch(world, "%s: fchdir: %s", pair->path, strerrorname_np(errno));
		size[side] = llistxattr(pair->name, list[side], sizeof(list[side]));
	}
	if (size[VIEW] != size[MODEL])
		mismatch(world, "%s: has other attributes (%zd bytes of names, not %zd)",
			 pair->path, size[VIEW], size[MODEL]);
	for (const char *name = list[MODEL]; name < list[MODEL] + size[MODEL];
	     name += strlen(name) + 1) {
		for (int side = 0; side < SIDES; side++) {
			if (fchdir(pair->dirfd[side]))
				mismatch(world, "%s: fchdir", pair->path);
			n[side] = lgetxattr(pair->name, name, value[side], sizeof(value[side]));
		}
		if (n[VIEW] != n[MODEL] ||
		    (n[VIEW] > 0 && memcmp(value[VIEW], value[MODEL], (size_t)n[VIEW]) != 0))
			mismatch(world, "%s: attribute %s differs", pair->path, name);
	}
}

static void compare_dirs(struct world *world, const struct pair *above);

static void compare_object(struct world *world, const struct pair *pair)
{
	struct stat st[SIDES];

	for (int side = 0; side < SIDES; side++)
		if (fstatat(pair->dirfd[side], pair->name, &st[side], AT_SYMLINK_NOFOLLOW))
			mismatch(world, "%s: lstat: %s", pair->path, strerrorname_np(errno));
	verify_stat(world, st, pair->path);
	compare_xattrs(world, pair);
	if (S_ISREG(st[MODEL].st_mode))
		compare_content(world, pair);
	else if (S_ISLNK(st[MODEL].st_mode))
		compare_target(world, pair);
	else if (S_ISDIR(st[MODEL].st_mode))
		compare_dirs(world, pair);
}

static void list_at(const struct world *world, const struct pair *pair, int side,
		    struct listing *ret_listing, int *ret_fd)
{
	int fd = openat(pair->dirfd[side], pair->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(dup(fd));

	if (!stream)
		mismatch(world, "%s: cannot be listed: %s", pair->path, strerrorname_np(errno));
	listing_read(stream, ret_listing);
	listing_sort(ret_listing);
	closedir(stream);
	*ret_fd = fd;
}

static void compare_dirs(struct world *world, const struct pair *above)
{
	struct listing listing[SIDES] = {{0}, {0}};
	struct pair pair;
	char path[PATH_MAX];

	for (int side = 0; side < SIDES; side++)
		list_at(world, above, side, &listing[side], &pair.dirfd[side]);
	listing_compare(world, &listing[VIEW], &listing[MODEL], above->path);
	for (size_t i = 0; i < listing[MODEL].count; i++) {
		pair.name = listing[MODEL].names[i].name;
		if (strcmp(pair.name, ".") == 0 || strcmp(pair.name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", above->path, pair.name);
		pair.path = path;
		compare_object(world, &pair);
	}
	for (int side = 0; side < SIDES; side++) {
		close(pair.dirfd[side]);
		listing_release(&listing[side]);
	}
}

void verify_trees(struct world *world)
{
	struct pair root = {
		.dirfd = {world->root[VIEW], world->root[MODEL]}, .name = ".", .path = "."};

	compare_object(world, &root);
}
