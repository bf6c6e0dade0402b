/* SPDX-License-Identifier: MIT */
#include "view/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"

/* sessions/<uid>/<id>/<share>/upper: what is above an upper and may be as new (docs/format.md). */
#define ABOVE_UPPER 4

#define XFS_MAGIC 0x58465342 /* not in linux/magic.h of Debian 12 */

bool durable_with_file(int fd)
{
	struct statfs st;

	if (fstatfs(fd, &st))
		return false;
	return st.f_type == EXT4_SUPER_MAGIC || st.f_type == XFS_MAGIC ||
	       st.f_type == BTRFS_SUPER_MAGIC;
}

/* `path_fd` may be O_PATH. */
static int sync_dir(int path_fd)
{
	_cleanup_close_ int fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

static int sync_above(int upper)
{
	_cleanup_close_ int at = fcntl(upper, F_DUPFD_CLOEXEC, 3);
	int r = at < 0 ? -errno : 0;

	for (int i = 0; r == 0 && i < ABOVE_UPPER; i++) {
		int above = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (above < 0)
			return -errno;
		close(at);
		at = above;
		r = sync_dir(at);
	}
	return r;
}

static struct layer_dir *parent_of(struct layer_dir *dir)
{
	struct layer_dir *parent;

	pthread_mutex_lock(&dir->view->mutex);
	parent = dir->parent ? layer_dir_ref(dir->parent) : NULL;
	pthread_mutex_unlock(&dir->view->mutex);
	return parent;
}

int durable_names(struct layer_dir *dir)
{
	struct layer_dir *at = layer_dir_ref(dir);
	int r = 0;

	while (at && r == 0) {
		_cleanup_layer_dir_ struct layer_dir *done = at;
		int upper = layer_dir_upper(at);

		at = NULL;
		if (upper < 0)
			break;
		r = sync_dir(upper);
		if (r < 0 || done->name_durable)
			break;
		at = parent_of(done);
		if (!at)
			r = sync_above(upper);
		/* A rename that comes between makes it false again, or is synced below. */
		if (r == 0)
			done->name_durable = true;
	}
	layer_dir_unref(at);
	return r;
}
