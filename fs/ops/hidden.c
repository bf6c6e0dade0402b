/* SPDX-License-Identifier: MIT */
#include "ops/hidden.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "view/copyup.h"

#define NAME_SIZE 20

static void make_name(uint64_t nodeid, char ret[NAME_SIZE])
{
	snprintf(ret, NAME_SIZE, "=%016llx", (unsigned long long)nodeid);
}

/* The work directory of a node's view, which was made with its upper. Owned by the caller. */
static int open_work(struct fs *fs, uint32_t session, uint32_t share, uint32_t stamp)
{
	struct registry *registry = fs->instance->registry;
	_cleanup_close_ int upper = -1;
	int work, r;

	if (registry_at(registry, session)->epoch != stamp)
		return -ESTALE;
	r = registry_peek_upper(registry, session, share, &upper, &work);
	return r < 0 ? r : work;
}

/* As open_work(); mostly the directory that the object was in is at hand, and knows. */
static int find_work(struct fs *fs, const struct node_info *node)
{
	_cleanup_layer_dir_ struct layer_dir *parent = node_dir_peek(fs->nodes, node->parent);
	int fd;

	if (!parent || parent->view->stamp != node->stamp || parent->view->work_fd < 0)
		return open_work(fs, node->session, node->share, node->stamp);
	fd = fcntl(parent->view->work_fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

int hidden_open(struct fs *fs, const struct node_info *node)
{
	_cleanup_close_ int work = find_work(fs, node);
	_cleanup_close_ int fd = -1;
	char name[NAME_SIZE];
	struct stat st;

	if (work < 0)
		return work;
	make_name(node->nodeid, name);
	fd = openat(work, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstatat(fd, "", &st, AT_EMPTY_PATH))
		return errno == ENOENT ? -ESTALE : -errno;
	return node_is_object(node, &st, 0) ? TAKE_FD(fd) : -ESTALE;
}

int hidden_stat(struct fs *fs, const struct node_info *node, struct stat *ret_st)
{
	_cleanup_close_ int work = find_work(fs, node);
	char name[NAME_SIZE];

	if (work < 0)
		return work;
	make_name(node->nodeid, name);
	if (fstatat(work, name, ret_st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? -ESTALE : -errno;
	return node_is_object(node, ret_st, 0) ? 0 : -ESTALE;
}

/* The path of the object in the lower, below the nearest directory that still shows in the view. */
static int nearest_dir(struct fs *fs, const struct node_info *node, char *ret_path, size_t size,
		       struct layer_dir **ret_dir)
{
	size_t len = strlen(node->name), start = size - 1 - len;
	struct node_info above = *node;
	int r = -ESTALE;

	memcpy(ret_path + start, node->name, len + 1);
	while (r == -ESTALE) {
		r = node_get_index(fs->nodes, above.parent, &above);
		if (r == 0 && above.state != NODE_STATE_VIEW)
			return -ESTALE;
		if (r == 0)
			r = node_dir(fs->nodes, above.index, ret_dir);
		if (r != -ESTALE)
			break;
		len = strlen(above.name);
		if (len + 1 > start)
			return -ENAMETOOLONG;
		ret_path[--start] = '/';
		start -= len;
		memcpy(ret_path + start, above.name, len);
	}
	if (r == 0)
		memmove(ret_path, ret_path + start, size - start);
	return r;
}

int lower_open(struct fs *fs, const struct node_info *node)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	struct stat st;
	uint32_t birth;
	int r = nearest_dir(fs, node, path, sizeof(path), &dir);

	if (r < 0)
		return r;
	if (!dir || dir->lower < 0)
		return -ESTALE;
	fd = sys_open_beneath(dir->lower, path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd == -ENOENT ? -ESTALE : fd;
	r = sys_stat_birth(fd, "", &st, &birth);
	if (r < 0)
		return r;
	return node_is_object(node, &st, birth) ? TAKE_FD(fd) : -ESTALE;
}

int lower_stat(struct fs *fs, const struct node_info *node, struct stat *ret_st)
{
	_cleanup_close_ int fd = lower_open(fs, node);

	if (fd < 0)
		return fd;
	return fstatat(fd, "", ret_st, AT_EMPTY_PATH) ? -errno : 0;
}

void hidden_drop(struct fs *fs, uint64_t nodeid, const struct node_left *left)
{
	_cleanup_close_ int work = open_work(fs, left->session, left->share, left->stamp);
	char name[NAME_SIZE];

	if (work < 0)
		return; /* gone with the session */
	make_name(nodeid, name);
	/* Also where it was made immutable. */
	sys_remove_tree(work, name);
}

int hidden_link(struct fs *fs, const struct node_info *node, struct layer_dir *dir, int fd)
{
	char path[32], name[NAME_SIZE];

	sys_fd_path(fd, path);
	make_name(node->nodeid, name);
	if (linkat(AT_FDCWD, path, dir->view->work_fd, name, AT_SYMLINK_FOLLOW))
		return -errno;
	node_set_hidden(fs->nodes, node->nodeid, true);
	return 0;
}

/* Complete under another name first; whoever comes second takes what the first has made. */
static int copy_to(struct fs *fs, int work, const char *name, int lower_fd)
{
	struct copyup_source source = {.fd = lower_fd, .data_fd = lower_fd, .record_base = true};
	char temporary[NAME_SIZE + 16];
	int r;

	if (fstatat(lower_fd, "", &source.st, AT_EMPTY_PATH))
		return -errno;
	snprintf(temporary, sizeof(temporary), "%s-%x", name, (unsigned int)gettid());
	r = copyup_copy(&fs->views.names, &source, work, temporary);
	if (r < 0)
		return r;
	r = sys_rename(work, temporary, work, name, RENAME_NOREPLACE);
	if (r < 0)
		unlinkat(work, temporary, 0);
	return r == -EEXIST ? 0 : r;
}

int hidden_copy(struct fs *fs, const struct node_info *node, int lower_fd)
{
	_cleanup_close_ int upper = -1, work = -1;
	char name[NAME_SIZE];
	int fd, r;

	r = registry_open_upper(fs->instance->registry, node->session, node->share, &upper, &work);
	if (r < 0)
		return r;
	make_name(node->nodeid, name);
	r = faccessat(work, name, F_OK, AT_SYMLINK_NOFOLLOW) ? copy_to(fs, work, name, lower_fd)
							     : 0;
	if (r < 0)
		return r;
	fd = openat(work, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* The link counts for a node of the upper only, which it becomes next. */
	node_set_hidden(fs->nodes, node->nodeid, true);
	return fd;
}

/* A second link beside the name, which goes afterwards: at any instant there is one. */
static int link_name(struct fs *fs, const struct node_info *node, const struct layer_dir *dir,
		     const char *name)
{
	int work = dir->view->work_fd;
	char hidden[NAME_SIZE];
	struct stat st;

	make_name(node->nodeid, hidden);
	/* It is there already where a worker was killed in the same operation. */
	if (linkat(layer_dir_upper(dir), name, work, hidden, 0) && errno != EEXIST)
		return -errno;
	if (fstatat(work, hidden, &st, AT_SYMLINK_NOFOLLOW) || !node_is_object(node, &st, 0)) {
		unlinkat(work, hidden, 0);
		return -ESTALE;
	}
	node_set_hidden(fs->nodes, node->nodeid, true);
	return 0;
}

/*
 * The kernel opens FIFOs and sockets by itself: whether one is in use is not known here. What has other
 * names may be opened by those, which the kernel knows, and this node is not known by yet; but the second
 * name of a file that was linked to a lock (view/twin.h) is no such, and its links are counted.
 */
static bool may_be_in_use(const struct node_info *node, const struct layer_dir *dir)
{
	if (node->flags & NODE_BY_INODE && !dir->view->has_twins)
		return true;
	return S_ISREG(node->type) ? node->opens > 0 : !S_ISLNK(node->type);
}

void parting_begin(struct fs *fs, const struct node_info *parent, const struct layer_dir *dir,
		   const char *name, struct parting *ret_parting)
{
	uint64_t nodeid = node_find(fs->nodes, parent->index, name);
	struct node_info *node = &ret_parting->node;

	*ret_parting = (struct parting){.fd = -1};
	if (!nodeid || node_get(fs->nodes, nodeid, node) < 0 || S_ISDIR(node->type) ||
	    node->flags & NODE_HIDDEN)
		return;
	if (node->layer == LAYER_UPPER && may_be_in_use(node, dir) &&
	    link_name(fs, node, dir, name) == 0)
		ret_parting->hidden = true;
	else
		ret_parting->fd = fs_open_path(fs, node, NULL);
}

void parting_end(struct fs *fs, const struct node_info *parent, const char *name, int r,
		 struct parting *parting)
{
	struct node_left left = {.session = parting->node.session,
				 .share = parting->node.share,
				 .stamp = parting->node.stamp};

	if (r == 0) {
		node_name_gone(fs->nodes, parting->node.nodeid, parent->index, name,
			       parting->fd >= 0 ? TAKE_FD(parting->fd) : -1);
		return;
	}
	if (parting->hidden) {
		node_set_hidden(fs->nodes, parting->node.nodeid, false);
		hidden_drop(fs, parting->node.nodeid, &left);
	}
	cleanup_close(&parting->fd);
}
