/* SPDX-License-Identifier: MIT */
#include "ops/durable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "view/durable.h"

/* Whether there is a name in the upper that is not known to be durable. */
static bool has_new_name(const struct node_info *node)
{
	return node->layer == LAYER_UPPER &&
	       !(node->flags & (NODE_NAMELESS | NODE_LOWER_CLASS | NODE_NAME_DURABLE));
}

static int sync_names(struct fs *fs, const struct node_info *node, int fd)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	int r;

	if (durable_with_file(fd))
		return 0;
	r = node_dir(fs->nodes, node->parent, &dir);
	return r < 0 ? r : durable_names(dir);
}

int durable_file(struct fs *fs, const struct node_info *node, int fd, bool data_only)
{
	bool new_name = has_new_name(node);
	int r;

	if ((data_only && !new_name) ? fdatasync(fd) : fsync(fd))
		return -errno;
	if (!new_name)
		return 0;
	r = sync_names(fs, node, fd);
	if (r == 0)
		node_name_durable(fs->nodes, node);
	return r;
}

int durable_dir(struct fs *fs, const struct node_info *node, int fd)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	int r;

	if (fsync(fd))
		return -errno;
	if (node->flags & (NODE_NAMELESS | NODE_LOWER_CLASS) || durable_with_file(fd))
		return 0;
	r = node_dir(fs->nodes, node->index, &dir);
	if (r == 0 && layer_dir_upper(dir) >= 0)
		r = durable_names(dir);
	return r;
}

int durable_opened(struct fs *fs, const struct node_info *node, int fd, int flags)
{
	_cleanup_close_ int own = -1;

	if (!(flags & O_DSYNC) || (flags & O_ACCMODE) == O_RDONLY || !has_new_name(node))
		return 0;
	own = fd >= 0 ? fs_reopen(fd, O_RDONLY | O_NONBLOCK)
		      : fs_open_object(fs, node, O_RDONLY | O_NONBLOCK);
	return own < 0 ? own : durable_file(fs, node, own, false);
}
