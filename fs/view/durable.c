/* SPDX-License-Identifier: MIT */
#include "view/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

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
	int r = fd < 0 ? -errno : sys_fault("fsync");

	if (r == 0 && fsync(fd))
		r = -errno;
	return r;
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

/* A directory and those above it, references. */
struct chain {
	struct layer_dir **dirs;
	size_t count;
};

static void release_chain(struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		layer_dir_unref(chain->dirs[i]);
	free(chain->dirs);
}

static int add_consume(struct chain *chain, struct layer_dir *dir)
{
	struct layer_dir **grown =
		reallocarray(chain->dirs, chain->count + 1, sizeof(struct layer_dir *));

	if (!grown) {
		layer_dir_unref(dir);
		return -ENOMEM;
	}
	chain->dirs = grown;
	chain->dirs[chain->count++] = dir;
	return 0;
}

/* Up to the first whose own name is durable, or to the store. */
static int sync_chain(struct layer_dir *dir, struct chain *ret_chain)
{
	int r = add_consume(ret_chain, layer_dir_ref(dir));

	while (r == 0) {
		struct layer_dir *at = ret_chain->dirs[ret_chain->count - 1], *parent;
		int upper = layer_dir_upper(at);

		if (upper < 0)
			return 0;
		r = sync_dir(upper);
		if (r < 0 || at->name_durable)
			return r;
		parent = parent_of(at);
		if (!parent)
			return sync_above(upper);
		r = add_consume(ret_chain, parent);
	}
	return r;
}

/* All are synced; but one that was renamed meanwhile has a name that may not be. */
static void mark_chain(const struct chain *chain)
{
	pthread_mutex_t *mutex = &chain->dirs[0]->view->mutex;

	pthread_mutex_lock(mutex);
	for (size_t i = 0; i < chain->count; i++) {
		struct layer_dir *dir = chain->dirs[i];

		if (dir->parent == (i + 1 < chain->count ? chain->dirs[i + 1] : NULL))
			dir->name_durable = true;
	}
	pthread_mutex_unlock(mutex);
}

int durable_names(struct layer_dir *dir)
{
	struct chain chain = {0};
	int r = sync_chain(dir, &chain);

	if (r == 0)
		mark_chain(&chain);
	release_chain(&chain);
	return r;
}
