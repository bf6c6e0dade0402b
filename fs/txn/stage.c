/* SPDX-License-Identifier: MIT */
#include "txn/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "view/copyup.h"
#include "view/metacopy.h"

void stage_name(const struct store *store, char ret[STAGE_NAME_SIZE])
{
	snprintf(ret, STAGE_NAME_SIZE, ".sessionfs-commit-%016llx",
		 (unsigned long long)store_number(store));
}

int stage_open(const struct store *store, int lower_fd)
{
	char name[STAGE_NAME_SIZE];
	_cleanup_close_ int fd = -1;
	struct stat st;

	stage_name(store, name);
	fd = openat(lower_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? -EEXIST : -errno;
	/* Shares are where anybody makes directories. */
	if (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return -EEXIST;
	return TAKE_FD(fd);
}

int stage_remove(const struct store *store, int lower_fd)
{
	char name[STAGE_NAME_SIZE];
	_cleanup_close_ int fd = stage_open(store, lower_fd);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	stage_name(store, name);
	return sys_remove_tree(lower_fd, name);
}

int stage_make(const struct store *store, int lower_fd)
{
	char name[STAGE_NAME_SIZE];
	int r = stage_remove(store, lower_fd);

	if (r < 0)
		return r;
	stage_name(store, name);
	if (mkdirat(lower_fd, name, 0700))
		return -errno;
	return stage_open(store, lower_fd);
}

static int open_at(int root_fd, const char *path)
{
	const char *name;
	_cleanup_close_ int parent = plan_open_parent(root_fd, path, &name);
	int fd;

	if (parent < 0)
		return parent;
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * An fd (O_PATH) of what the item is in the session. The lower is walked as who asks: others may have put a
 * directory of theirs, or of root's, under the name of the one that was renamed.
 */
static int open_ours(const struct plan_asker *asker, const struct plan_share *share,
		     const struct plan_item *item)
{
	int r;

	if (!item->source)
		return open_at(share->upper_fd, item->path);
	if (asker->uid == 0)
		return open_at(share->lower_fd, item->source);
	r = plan_as_asker(asker);
	if (r == 0)
		r = open_at(share->lower_fd, item->source);
	plan_as_worker();
	return r;
}

static int make_directory(const struct layout_names *names, int source_fd, int stage_fd,
			  const char *object)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (fstatat(source_fd, "", &st, AT_EMPTY_PATH) || mkdirat(stage_fd, object, 0700))
		return -errno;
	fd = openat(stage_fd, object, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : copyup_metadata(names, source_fd, &st, fd);
}

static int make_file(const struct layout_names *names, const struct plan_share *share,
		     const struct plan_item *item, int ours, int stage_fd, const char *object)
{
	struct metacopy_world world = {.names = names, .lower_root = share->lower_fd};
	_cleanup_source_ struct copyup_source source = COPYUP_SOURCE_NONE;
	int r = copyup_source_open(item->source ? NULL : &world, ours, INT64_MAX, &source);

	return r < 0 ? r : copyup_copy(names, &source, stage_fd, object);
}

/* Owner, mode and attributes are ours by now; the text is of both sides. */
static int put_merged(const struct plan_item *item, int stage_fd, const char *object)
{
	_cleanup_close_ int fd =
		openat(stage_fd, object, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : sys_write_all(fd, item->merged, item->merged_len);
}

/* 1: it is another name of an object that is staged already, and is linked. */
static int link_known(struct links *links, const struct stat *ours, int stage_fd,
		      const char *object, size_t number)
{
	char first[STAGE_OBJECT_SIZE];
	size_t first_number;
	int r = links_meet(links, ours, number, &first_number);

	if (r <= 0)
		return r;
	stage_object_name(first_number, first);
	return linkat(stage_fd, first, stage_fd, object, 0) ? -errno : 1;
}

/* A directory keeps its inode and gets other metadata: both, the old and the new, lie in the stage. */
static int make_former(const struct layout_names *names, const struct plan_share *share,
		       const struct plan_item *item, int stage_fd, size_t number, uint64_t *ret_ino)
{
	char object[STAGE_OBJECT_SIZE];
	_cleanup_close_ int former =
		sys_open_beneath(share->lower_fd, item->path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);

	if (former < 0)
		return former;
	stage_former_name(number, object);
	*ret_ino = item->lower.st_ino;
	return make_directory(names, former, stage_fd, object);
}

int stage_item(const struct layout_names *names, const struct plan_asker *asker,
	       const struct plan_share *share, const struct plan_item *item, int stage_fd,
	       size_t number, struct links *links, uint64_t *ret_ino)
{
	char object[STAGE_OBJECT_SIZE];
	_cleanup_close_ int ours = -1;
	struct stat st;
	int r;

	*ret_ino = 0;
	if (item->change == 'D')
		return 0;
	ours = open_ours(asker, share, item);
	if (ours < 0)
		return ours;
	if (fstatat(ours, "", &st, AT_EMPTY_PATH))
		return -errno;
	stage_object_name(number, object);
	r = item->merged ? 0 : link_known(links, &st, stage_fd, object, number);
	if (r == 0 && S_ISDIR(st.st_mode))
		r = make_directory(names, ours, stage_fd, object);
	else if (r == 0)
		r = make_file(names, share, item, ours, stage_fd, object);
	if (r == 0 && item->merged)
		r = put_merged(item, stage_fd, object);
	if (r < 0)
		return r;
	if (item->change == 'm' && S_ISDIR(st.st_mode))
		return make_former(names, share, item, stage_fd, number, ret_ino);
	if (fstatat(stage_fd, object, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	*ret_ino = st.st_ino;
	return 0;
}
