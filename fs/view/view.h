/* SPDX-License-Identifier: MIT */
/*
 * One session's image of one share, and the directories of it.
 *
 * A struct view holds what all its directories share: the lower's root, the upper's root and work
 * directory (made at the first change), the rules. A struct layer_dir is one directory of a view as
 * a pair of O_PATH fds; nothing here knows of nodes or of FUSE. Both are counted references;
 * everything is thread-safe.
 *
 * An upper fd appears in a layer_dir at most once, -1 to fd, when the directory is copied up; it
 * never changes after.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/config.h"
#include "session/registry.h"
#include "view/layout.h"
#include "view/metacopy.h"
#include "view/rules.h"

/* What every view of the instance shares. Filled once by the worker. */
struct view_setup {
	struct registry *registry;
	const struct config *config;
	struct rules *rules[SHARES_MAX];
	struct layout_names names;
};

struct view {
	_Atomic uint32_t refs;
	const struct view_setup *setup;
	uint32_t session;
	uint32_t share;
	uint32_t stamp; /* the epoch of the session when the view was made; a reset makes a new view */
	enum share_mode mode;
	bool of_root;           /* its user may do everything in the lower */
	_Atomic int work_fd;    /* -1 until the upper was made */
	_Atomic int seen_fd;    /* the log of seen.h; -1 until it is written to */
	_Atomic bool has_twins; /* the work directory may hold some (twin.h) */
	/* Guards the making of the upper, and parent and name of every layer_dir of the view. */
	pthread_mutex_t mutex;
};

struct layer_dir {
	_Atomic uint32_t refs;
	struct view *view;
	struct layer_dir *parent; /* a reference, NULL for the root; guarded by: view->mutex */
	char *name;               /* in the parent; guarded by: view->mutex */
	_Atomic int upper;        /* O_PATH | O_DIRECTORY; -1 while only in the lower */
	int lower;                /* O_PATH | O_DIRECTORY; -1 where nothing of the lower shows */
	char *lower_path;         /* relative to the share, "" for the root; NULL where lower < 0 */
	bool redirected;          /* by a redirect, not by its name, it came to its lower */
	bool sealed;              /* no private name of the lower shows in it, now or ever */
	/*
	 * What the class of the directory itself says of everything below: CLASS_PRIVATE (look at
	 * each name), CLASS_SHARED (it all lives in the lower, and names of locks are locks: mode
	 * `direct`), or CLASS_LOCK (it all lives in the lower, and nothing is a lock of its own).
	 */
	enum path_class inherited;
	_Atomic bool impure; /* the upper may hold what was copied up (layout.h) */
	_Atomic int rights;  /* in the lower, and when they were looked at: rights.h */
	_Atomic uint64_t rights_boot_ns;
	_Atomic bool name_durable; /* its name in the upper is on stable storage (durable.h) */
};

/* Makes a view and its root directory; the root holds the reference to the view. */
int view_open(const struct view_setup *setup, uint32_t session, uint32_t share,
	      struct layer_dir **ret_root);
struct layer_dir *layer_dir_ref(struct layer_dir *dir);
void layer_dir_unref(struct layer_dir *dir);
#define _cleanup_layer_dir_ __attribute__((cleanup(layer_dir_cleanup)))
static inline void layer_dir_cleanup(struct layer_dir **dir)
{
	layer_dir_unref(*dir);
}

/*
 * Makes sure that the directory exists in the upper: copies it and its ancestors up (owner, mode,
 * times, attributes; no content). Returns 0 or negative errno. A directory that is only in the
 * lower is where it was opened, for a rename copies up first.
 */
int layer_dir_copy_up(struct layer_dir *dir);

/* The directory, which is in the upper, was renamed within the view. 0 or -ENOMEM. */
int layer_dir_moved(struct layer_dir *dir, struct layer_dir *new_parent, const char *new_name);

/*
 * To be called before something that was copied up comes into the directory, which is in the upper.
 * 0 or negative errno.
 */
int layer_dir_mark_impure(struct layer_dir *dir);

/* The upper's fd, -1 where there is none. */
static inline int layer_dir_upper(const struct layer_dir *dir)
{
	return atomic_load_explicit(&dir->upper, memory_order_acquire);
}

/* What is needed to follow a metacopy of the view to its data. */
struct metacopy_world view_metacopy_world(const struct view *view);

/* The class of a name in a directory; `path` is built only where the rules ask for it. */
enum path_class layer_dir_class(const struct layer_dir *dir, const char *name);
/* Path of a name relative to the share's lower, for lock keys. 0 or -ENAMETOOLONG. */
int layer_dir_lower_path(const struct layer_dir *dir, const char *name, char *ret, size_t size);
/* Path of a name as the view shows it, relative to the share. 0 or -ENAMETOOLONG. */
int layer_dir_view_path(const struct layer_dir *dir, const char *name, char *ret, size_t size);

/*
 * A name for a temporary in a work directory or in a lower, unique in this process and among those
 * that live.
 */
#define VIEW_TEMPORARY_SIZE 32
void view_temporary_name(char ret[VIEW_TEMPORARY_SIZE]);
