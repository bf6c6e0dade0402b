/* SPDX-License-Identifier: MIT */
#include "view/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "view/rights.h"
#include "view/twin.h"

bool view_lives_in_lower(const struct layer_dir *dir, enum path_class path_class)
{
	return path_class != CLASS_PRIVATE && dir->lower >= 0;
}

/* 0 or negative errno; absent is -ENOENT, whatever the reason. */
static int stat_at(int dirfd, const char *name, struct stat *ret_st)
{
	if (dirfd < 0)
		return -ENOENT;
	return fstatat(dirfd, name, ret_st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static bool may_enter_lower(struct layer_dir *dir)
{
	return dir->lower >= 0 && lower_rights(dir) & X_OK;
}

/* What the lower shows under a name. 0, -ENOENT, or what the backing answers. */
static int stat_lower(struct layer_dir *dir, const char *name, struct stat *ret_st,
		      uint32_t *ret_birth)
{
	int r;

	if (dir->view->mode == SHARE_EMPTY || !may_enter_lower(dir))
		return -ENOENT;
	r = sys_stat_birth(dir->lower, name, ret_st, ret_birth);
	return r == 0 && layout_is_whiteout(ret_st) ? -ENOENT : r;
}

bool view_lower_shows(struct layer_dir *dir, const char *name, struct stat *ret_st)
{
	struct stat st;
	uint32_t birth;

	if (stat_lower(dir, name, &st, &birth) < 0)
		return false;
	if (ret_st)
		*ret_st = st;
	return true;
}

static void set_found(struct resolved *resolved, enum layer layer)
{
	resolved->layer = layer;
	resolved->origin_dev = resolved->st.st_dev;
	resolved->origin_ino = resolved->st.st_ino;
}

/* Where nothing was copied up, nothing is a metacopy. */
static int stat_upper(struct layer_dir *dir, const char *name, struct resolved *resolved)
{
	struct metacopy_world world = view_metacopy_world(dir->view);
	int r;

	if (!dir->impure)
		return stat_at(layer_dir_upper(dir), name, &resolved->st);
	r = metacopy_stat(&world, layer_dir_upper(dir), name, &resolved->st);
	resolved->metacopy = r == 1;
	return r < 0 ? r : 0;
}

static int resolve_in_upper(struct layer_dir *dir, const char *name, struct resolved *resolved)
{
	int upper = layer_dir_upper(dir);
	struct layout_base base;
	int r = stat_upper(dir, name, resolved);

	if (r < 0)
		return r;
	if (layout_is_whiteout(&resolved->st)) {
		resolved->whiteout = true;
		return 0;
	}
	set_found(resolved, LAYER_UPPER);
	if (dir->impure && layout_get_base_at(&dir->view->setup->names, upper, name, &base) == 0 &&
	    layout_base_is_origin(&base)) {
		resolved->origin_dev = base.dev;
		resolved->origin_ino = base.ino;
	}
	return 0;
}

int view_resolve(struct layer_dir *dir, const char *name, struct resolved *ret_resolved)
{
	struct resolved found = {.layer = LAYER_NONE};
	int r = -ENOENT;

	found.path_class = layer_dir_class(dir, name);
	if (view_lives_in_lower(dir, found.path_class)) {
		r = may_enter_lower(dir) ? sys_stat_birth(dir->lower, name, &found.st, &found.birth)
					 : -EACCES;
		if (r == 0) {
			set_found(&found, LAYER_LOWER);
			twin_show(dir->view, &found);
		}
	} else {
		r = resolve_in_upper(dir, name, &found);
		if (r == -ENOENT) {
			r = stat_lower(dir, name, &found.st, &found.birth);
			if (r == 0)
				set_found(&found, LAYER_LOWER);
		}
	}
	if (r < 0 && r != -ENOENT)
		return r;
	*ret_resolved = found;
	return 0;
}

int view_resolve_root(struct layer_dir *root, struct resolved *ret_resolved)
{
	struct resolved found = {.path_class = CLASS_PRIVATE};
	struct stat lower;
	int upper = layer_dir_upper(root);

	if (fstatat(root->lower, "", &lower, AT_EMPTY_PATH))
		return -errno;
	found.st = lower;
	if (upper >= 0 && fstatat(upper, "", &found.st, AT_EMPTY_PATH))
		return -errno;
	found.layer = upper >= 0 ? LAYER_UPPER : LAYER_LOWER;
	found.origin_dev = lower.st_dev;
	found.origin_ino = lower.st_ino;
	*ret_resolved = found;
	return 0;
}

static int open_subdir(int dirfd, const char *name)
{
	int fd;

	if (dirfd < 0)
		return -ENOENT;
	fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

/* The lower that merges with an upper directory: none, its redirect's, or its namesake. */
static int open_merged_lower(struct layer_dir *dir, const char *name, struct layer_dir *child)
{
	const struct layout_names *names = &dir->view->setup->names;
	const struct share_config *share = &dir->view->setup->config->shares[dir->view->share];
	_cleanup_free_ char *redirect = NULL;
	int r;

	child->sealed = dir->view->mode == SHARE_EMPTY || layout_is_opaque(names, child->upper);
	if (child->sealed)
		return 0;
	r = layout_get_redirect(names, child->upper, &redirect);
	child->redirected = r == 0;
	if (r == 0) {
		r = sys_open_beneath(share->lower_fd, redirect, O_PATH | O_DIRECTORY | O_NOFOLLOW,
				     0);
		child->lower_path = r >= 0 ? TAKE_PTR(redirect) : NULL;
	} else if (r == -ENODATA) {
		child->sealed = dir->sealed;
		r = may_enter_lower(dir) ? open_subdir(dir->lower, name) : -ENOENT;
	}
	if (r >= 0)
		child->lower = r;
	/* A lower that vanished, or is no directory any more, merges nothing. */
	return r >= 0 || r == -ENOENT || r == -ENOTDIR || r == -ELOOP ? 0 : r;
}

/* In mode `direct` what is shared may hold locks at any depth; a lock's directory holds none. */
static enum path_class inherited_below(const struct layer_dir *dir, enum path_class path_class)
{
	if (dir->view->mode == SHARE_DIRECT && path_class == CLASS_SHARED)
		return dir->inherited == CLASS_LOCK ? CLASS_LOCK : CLASS_SHARED;
	return CLASS_LOCK;
}

static int open_layers(struct layer_dir *dir, const char *name, struct layer_dir *child)
{
	enum path_class path_class = layer_dir_class(dir, name);
	int r;

	if (view_lives_in_lower(dir, path_class)) {
		child->inherited = inherited_below(dir, path_class);
		child->lower = may_enter_lower(dir) ? open_subdir(dir->lower, name) : -EACCES;
		return child->lower < 0 ? child->lower : 0;
	}
	child->upper = open_subdir(layer_dir_upper(dir), name);
	if (child->upper >= 0)
		return open_merged_lower(dir, name, child);
	r = child->upper;
	child->upper = -1;
	if (r != -ENOENT)
		return r;
	if (dir->view->mode == SHARE_EMPTY || !may_enter_lower(dir))
		return -ENOENT;
	child->lower = open_subdir(dir->lower, name);
	return child->lower < 0 ? child->lower : 0;
}

int view_open_dir(struct layer_dir *dir, const char *name, struct layer_dir **ret_child)
{
	_cleanup_layer_dir_ struct layer_dir *child = calloc(1, sizeof(*child));
	char path[PATH_MAX];
	int r;

	if (!child)
		return -ENOMEM;
	child->refs = 1;
	child->view = dir->view;
	child->parent = layer_dir_ref(dir);
	child->upper = -1;
	child->lower = -1;
	child->inherited = CLASS_PRIVATE;
	child->name = strdup(name);
	if (!child->name)
		return -ENOMEM;
	r = open_layers(dir, name, child);
	if (r < 0)
		return r;
	if (child->lower >= 0 && !child->lower_path) {
		r = layer_dir_lower_path(dir, name, path, sizeof(path));
		if (r < 0)
			return r;
		child->lower_path = strdup(path);
		if (!child->lower_path)
			return -ENOMEM;
	}
	if (layer_dir_upper(child) >= 0)
		child->impure = layout_is_impure(&dir->view->setup->names, layer_dir_upper(child));
	*ret_child = TAKE_PTR(child);
	return 0;
}

/* Whether it merges with its namesake, where there is one: it is neither opaque nor redirected. */
static bool merges_by_name(const struct layer_dir *child)
{
	const struct layout_names *names = &child->view->setup->names;
	_cleanup_free_ char *redirect = NULL;
	int upper = layer_dir_upper(child);

	return !layout_is_opaque(names, upper) &&
	       layout_get_redirect(names, upper, &redirect) == -ENODATA;
}

bool view_dir_is_current(struct layer_dir *dir, const char *name, const struct layer_dir *child)
{
	struct stat now, then;
	bool there;

	if (dir->lower < 0 || child->sealed || child->inherited != CLASS_PRIVATE ||
	    layer_dir_upper(child) < 0)
		return true;
	there = may_enter_lower(dir) && stat_at(dir->lower, name, &now) == 0 &&
		S_ISDIR(now.st_mode);
	if (there && child->lower >= 0 && fstatat(child->lower, "", &then, AT_EMPTY_PATH) == 0 &&
	    now.st_dev == then.st_dev && now.st_ino == then.st_ino)
		return true;
	/* Seldom comes here: what follows reads attributes. */
	return (!there && child->lower < 0) || !merges_by_name(child);
}

uint64_t view_inode_number(const struct view *view, uint64_t origin_dev, uint64_t origin_ino)
{
	uint64_t key[4] = {view->session, view->share, origin_dev, origin_ino};
	uint64_t hash = XXH3_64bits(key, sizeof(key));

	/* 0 is no inode number, 1 is the root's; the top bit stays free for signed readers. */
	hash &= INT64_MAX;
	return hash > 1 ? hash : hash + 2;
}
