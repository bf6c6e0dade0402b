/* SPDX-License-Identifier: MIT */
#include "view/view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "view/copyup.h"
#include "view/twin.h"

static void view_unref(struct view *view)
{
	if (!view || atomic_fetch_sub(&view->refs, 1) != 1)
		return;
	if (view->work_fd >= 0)
		close(view->work_fd);
	if (view->seen_fd >= 0)
		close(view->seen_fd);
	pthread_mutex_destroy(&view->mutex);
	free(view);
}

struct layer_dir *layer_dir_ref(struct layer_dir *dir)
{
	atomic_fetch_add(&dir->refs, 1);
	return dir;
}

void layer_dir_unref(struct layer_dir *dir)
{
	/* A loop, not recursion: a deep tree may hang on its last leaf. */
	while (dir && atomic_fetch_sub(&dir->refs, 1) == 1) {
		struct layer_dir *parent = dir->parent;

		if (dir->upper >= 0)
			close(dir->upper);
		if (dir->lower >= 0)
			close(dir->lower);
		if (!parent)
			view_unref(dir->view);
		free(dir->name);
		free(dir->lower_path);
		free(dir);
		dir = parent;
	}
}

int view_open(const struct view_setup *setup, uint32_t session, uint32_t share,
	      struct layer_dir **ret_root)
{
	const struct share_config *config = &setup->config->shares[share];
	_cleanup_close_ int lower = -1, upper = -1, work = -1;
	struct layer_dir *root;
	struct view *view;
	int r;

	lower = fcntl(config->lower_fd, F_DUPFD_CLOEXEC, 3);
	if (lower < 0)
		return -errno;
	r = registry_peek_upper(setup->registry, session, share, &upper, NULL);
	if (r == 0) {
		cleanup_close(&upper);
		upper = -1;
		r = registry_open_upper(setup->registry, session, share, &upper, &work);
	}
	if (r < 0 && r != -ENOENT)
		return r;

	view = calloc(1, sizeof(*view));
	root = calloc(1, sizeof(*root));
	if (!view || !root || !(root->lower_path = strdup("")) || !(root->name = strdup(""))) {
		free(view);
		if (root)
			free(root->lower_path);
		free(root);
		return -ENOMEM;
	}
	pthread_mutex_init(&view->mutex, NULL);
	view->refs = 1;
	view->setup = setup;
	view->session = session;
	view->share = share;
	view->mode = config->mode;
	view->of_root = registry_at(setup->registry, session)->uid == 0;
	view->stamp = registry_at(setup->registry, session)->epoch;
	view->work_fd = TAKE_FD(work);
	view->seen_fd = -1;
	if (view->work_fd >= 0)
		twin_recover(view);
	root->refs = 1;
	root->view = view;
	root->upper = TAKE_FD(upper);
	root->impure = root->upper >= 0 && layout_is_impure(&setup->names, root->upper);
	root->lower = TAKE_FD(lower);
	root->inherited = CLASS_PRIVATE;
	root->sealed = view->mode == SHARE_EMPTY;
	*ret_root = root;
	return 0;
}

static int root_copy_up(struct layer_dir *root)
{
	struct view *view = root->view;
	_cleanup_close_ int upper = -1, work = -1;
	int r = 0;

	/* Two first writers of a session meet here once; it takes two mkdirs. */
	pthread_mutex_lock(&view->mutex);
	if (layer_dir_upper(root) < 0) {
		r = registry_open_upper(view->setup->registry, view->session, view->share, &upper,
					&work);
		if (r == 0) {
			view->work_fd = TAKE_FD(work);
			root->impure = layout_is_impure(&view->setup->names, upper);
			atomic_store_explicit(&root->upper, TAKE_FD(upper), memory_order_release);
		}
	}
	pthread_mutex_unlock(&view->mutex);
	return r;
}

/* The fd is installed by whoever is first; a loser closes his own. */
static void install_upper(struct layer_dir *dir, int fd_consume)
{
	int none = -1;

	/* Another may have copied it up, and filled it meanwhile. */
	if (layout_is_impure(&dir->view->setup->names, fd_consume))
		dir->impure = true;
	if (!atomic_compare_exchange_strong(&dir->upper, &none, fd_consume))
		close(fd_consume);
}

/* Where it stands now: a new reference (NULL for the root) and a new string. */
static int get_place(struct layer_dir *dir, struct layer_dir **ret_parent, char **ret_name)
{
	pthread_mutex_lock(&dir->view->mutex);
	*ret_parent = dir->parent ? layer_dir_ref(dir->parent) : NULL;
	*ret_name = strdup(dir->name);
	pthread_mutex_unlock(&dir->view->mutex);
	return *ret_name ? 0 : -ENOMEM;
}

int layer_dir_copy_up(struct layer_dir *dir)
{
	_cleanup_layer_dir_ struct layer_dir *parent = NULL;
	_cleanup_free_ char *name = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (layer_dir_upper(dir) >= 0)
		return 0;
	r = get_place(dir, &parent, &name);
	if (r < 0)
		return r;
	if (!parent)
		return root_copy_up(dir);
	r = layer_dir_copy_up(parent);
	if (r < 0)
		return r;
	r = copyup_directory(parent, name, dir->lower);
	if (r < 0 && r != -EEXIST)
		return r;
	/* A rename copies up before it moves: then the name is not its own any more. */
	if (layer_dir_upper(dir) >= 0)
		return 0;
	fd = openat(layer_dir_upper(parent), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	install_upper(dir, TAKE_FD(fd));
	return 0;
}

int layer_dir_mark_impure(struct layer_dir *dir)
{
	int r;

	if (dir->impure)
		return 0;
	r = layout_set_impure(&dir->view->setup->names, layer_dir_upper(dir));
	if (r == 0)
		dir->impure = true;
	return r;
}

enum path_class layer_dir_class(const struct layer_dir *dir, const char *name)
{
	const struct rules *rules = dir->view->setup->rules[dir->view->share];
	char path[PATH_MAX];
	int by_name;

	if (dir->inherited == CLASS_LOCK)
		return CLASS_SHARED;
	by_name = rules_class_by_name(rules, name);
	if (by_name >= 0)
		return (enum path_class)by_name;
	if (layer_dir_view_path(dir, name, path, sizeof(path)) < 0)
		return dir->inherited;
	return rules_class(rules, path);
}

struct metacopy_world view_metacopy_world(const struct view *view)
{
	return (struct metacopy_world){.names = &view->setup->names,
				       .lower_root =
					       view->setup->config->shares[view->share].lower_fd};
}

int layer_dir_moved(struct layer_dir *dir, struct layer_dir *new_parent, const char *new_name)
{
	struct layer_dir *old_parent;
	char *name = strdup(new_name);
	char *old_name;

	if (!name)
		return -ENOMEM;
	layer_dir_ref(new_parent);
	pthread_mutex_lock(&dir->view->mutex);
	old_parent = dir->parent;
	old_name = dir->name;
	dir->parent = new_parent;
	dir->name = name;
	dir->name_durable = false;
	dir->redirected = true;
	pthread_mutex_unlock(&dir->view->mutex);
	layer_dir_unref(old_parent);
	free(old_name);
	return 0;
}

int layer_dir_lower_path(const struct layer_dir *dir, const char *name, char *ret, size_t size)
{
	int len;

	if (!dir->lower_path)
		return -ENOENT;
	len = snprintf(ret, size, "%s%s%s", dir->lower_path, *dir->lower_path ? "/" : "", name);
	return len < (int)size ? 0 : -ENAMETOOLONG;
}

int layer_dir_view_path(const struct layer_dir *dir, const char *name, char *ret, size_t size)
{
	const struct layer_dir *at = dir;
	const char *part = name;
	size_t start = size;
	int r = 0;

	/* From the last component to the first, at the end of the buffer, then moved to its start. */
	if (size == 0)
		return -ENAMETOOLONG;
	ret[--start] = '\0';
	pthread_mutex_lock(&dir->view->mutex);
	for (;;) {
		size_t len = strlen(part);

		if (len + 1 > start) {
			r = -ENAMETOOLONG;
			break;
		}
		start -= len;
		memcpy(ret + start, part, len);
		if (!at->parent)
			break;
		ret[--start] = '/';
		part = at->name;
		at = at->parent;
	}
	pthread_mutex_unlock(&dir->view->mutex);
	if (r == 0)
		memmove(ret, ret + start, size - start);
	return r;
}

void view_temporary_name(char ret[VIEW_TEMPORARY_SIZE])
{
	/* Not of the view: one session may have two for a while, and its next one starts anew. */
	static _Atomic uint64_t next;
	uint64_t number = atomic_fetch_add(&next, 1);

	/* The process is part of the name: a killed worker's left-overs do not collide. */
	snprintf(ret, VIEW_TEMPORARY_SIZE, "#%x-%llx", (unsigned int)getpid(),
		 (unsigned long long)number);
}
