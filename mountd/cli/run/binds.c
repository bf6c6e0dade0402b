/* SPDX-License-Identifier: MIT */
#include "cli/run/binds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

#include "base/path.h"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

void binds_release(struct binds *binds)
{
	for (size_t i = 0; i < binds->count; i++) {
		cleanup_close(&binds->items[i].tree_fd);
		free(binds->items[i].target);
	}
	free(binds->items);
	*binds = (struct binds){0};
}

static int binds_grow(struct binds *binds)
{
	size_t capacity = binds->capacity ? binds->capacity * 2 : 8;
	struct bind *items = realloc(binds->items, capacity * sizeof(*items));

	if (!items)
		return -ENOMEM;
	binds->items = items;
	binds->capacity = capacity;
	return 0;
}

int binds_add(struct binds *binds, const char *source, const char *target, bool recursive,
	      bool optional)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW |
			     (recursive ? AT_RECURSIVE : 0);
	_cleanup_close_ int tree_fd = -1;
	_cleanup_free_ char *copy = strdup(target);

	if (!copy || (binds->count == binds->capacity && binds_grow(binds) < 0))
		return -ENOMEM;
	tree_fd = open_tree(AT_FDCWD, source, flags);
	if (tree_fd < 0)
		return -errno;
	binds->items[binds->count++] = (struct bind){
		.tree_fd = TAKE_FD(tree_fd), .target = TAKE_PTR(copy), .optional = optional};
	return 0;
}

bool binds_cover(const struct binds *binds, const char *path)
{
	for (size_t i = 0; i < binds->count; i++) {
		if (binds->items[i].optional && path_is_below(path, binds->items[i].target))
			return true;
	}
	return false;
}

int binds_apply(struct binds *binds, struct err *err)
{
	for (size_t i = 0; i < binds->count; i++) {
		const struct bind *bind = &binds->items[i];

		if (move_mount(bind->tree_fd, "", AT_FDCWD, bind->target,
			       MOVE_MOUNT_F_EMPTY_PATH) == 0 ||
		    bind->optional)
			continue;
		return err_set_errno(err, ERR_IO_ERROR, errno, "cannot mount the view over %s",
				     bind->target);
	}
	return 0;
}
