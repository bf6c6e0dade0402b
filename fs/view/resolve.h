/* SPDX-License-Identifier: MIT */
/*
 * Name resolution: what a name in a directory of a view is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "view/view.h"

enum layer { LAYER_NONE, LAYER_UPPER, LAYER_LOWER };

/* What stands behind a name. */
struct resolved {
	enum layer layer; /* where its attributes and data are; LAYER_NONE: absent */
	bool metacopy;    /* of LAYER_UPPER, but its data are in the lower (metacopy.h) */
	bool whiteout;    /* absent because the upper says so */
	bool made;        /* not found, but made by the caller a moment ago: it has no history */
	enum path_class path_class;
	struct stat st; /* where layer is not LAYER_NONE */
	uint32_t birth; /* of LAYER_LOWER: sys_stat_birth(); 0: not known */
	/* Origin of its identity: the lower's file before copy-up, else that of st. */
	uint64_t origin_dev;
	uint64_t origin_ino;
};

/*
 * Resolves `name` in `dir`. Returns 0 (also where it is absent: layer is LAYER_NONE) or negative
 * errno: -ENAMETOOLONG and what the backing answers.
 */
int view_resolve(struct layer_dir *dir, const char *name, struct resolved *ret_resolved);

/* The same for the root of a view. */
int view_resolve_root(struct layer_dir *root, struct resolved *ret_resolved);

/*
 * Opens a subdirectory that view_resolve() found, with both its layers. -ENOENT, -ENOTDIR where it
 * changed meanwhile.
 */
int view_open_dir(struct layer_dir *dir, const char *name, struct layer_dir **ret_child);

/*
 * Whether the layers of a subdirectory, opened as `name` in `dir`, are still those that opening it
 * anew would find: others may put another directory into the lower under its name.
 */
bool view_dir_is_current(struct layer_dir *dir, const char *name, const struct layer_dir *child);

/* Whether names of that class in that directory live in the lower and nowhere else. */
bool view_lives_in_lower(const struct layer_dir *dir, enum path_class path_class);

/* The directory's fd in a layer. */
static inline int layer_dir_fd(const struct layer_dir *dir, enum layer layer)
{
	return layer == LAYER_UPPER ? layer_dir_upper(dir) : dir->lower;
}

/*
 * Whether the lower has an entry that would show in the view if the upper held nothing of that
 * name: then removing needs a whiteout. `st` (may be NULL) receives it.
 */
bool view_lower_shows(struct layer_dir *dir, const char *name, struct stat *ret_st);

/* st_ino of an object of a view: constant over copy-up, different between views. Never 0 or 1. */
uint64_t view_inode_number(const struct view *view, uint64_t origin_dev, uint64_t origin_ino);
