/* SPDX-License-Identifier: MIT */
#include "txn/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/grow.h"
#include "base/path.h"
#include "base/sys.h"
#include "txn/compare.h"
#include "txn/diff.h"
#include "txn/names.h"
#include "txn/plan_json.h"
#include "view/metacopy.h"

struct maker {
	struct plan *plan;
	const struct layout_names *names;
	const struct plan_share *share;
	const struct plan_asker *asker;
	struct seen seen;
	size_t first;         /* of this share's items */
	const char **sources; /* of those, sorted */
	size_t n_sources;
	plan_wanted_fn wanted;
	void *context;
};

static void item_release(struct plan_item *item)
{
	for (size_t i = 0; item->clashes && item->clashes[i]; i++)
		free(item->clashes[i]);
	free(item->clashes);
	free(item->merged);
	free(item->path);
	free(item->source);
}

void plan_release(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		item_release(&plan->items[i]);
	free(plan->items);
	*plan = (struct plan){0};
}

int plan_open_parent(int root_fd, const char *path, const char **ret_name)
{
	char parent[PATH_MAX];
	const char *name = path_base(path);
	int len = snprintf(parent, sizeof(parent), "%.*s", name > path ? (int)(name - path - 1) : 0,
			   path);

	if (len >= (int)sizeof(parent))
		return -ENAMETOOLONG;
	*ret_name = name;
	return sys_open_beneath(root_fd, *parent ? parent : ".", O_PATH | O_DIRECTORY | O_NOFOLLOW,
				0);
}

uint64_t plan_time_ns(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * NSEC_PER_SEC + (uint64_t)time->tv_nsec;
}

bool plan_is_base(const struct layout_base *base, const struct stat *now)
{
	if (base->mode != now->st_mode || base->uid != now->st_uid || base->gid != now->st_gid ||
	    base->ino != now->st_ino)
		return false;
	/* A directory's size and times follow what is in it, which is judged for itself. */
	return S_ISDIR(now->st_mode) || (base->size == (uint64_t)now->st_size &&
					 base->mtime_ns == plan_time_ns(&now->st_mtim) &&
					 base->ctime_ns == plan_time_ns(&now->st_ctim));
}

static int collect(const struct diff_entry *entry, void *context)
{
	struct maker *maker = context;
	struct plan *plan = maker->plan;
	struct plan_item item = {
		.share = maker->share->share, .change = entry->change, .mode = entry->mode};
	int r;

	if (maker->wanted && !maker->wanted(item.share, entry, maker->context))
		return 0;
	r = GROW(plan);
	if (r < 0)
		return r;
	item.path = strdup(entry->path);
	if (!item.path)
		return -ENOMEM;
	if (entry->source) {
		item.source = strdup(entry->source);
		if (!item.source) {
			free(item.path);
			return -ENOMEM;
		}
	}
	plan->items[plan->count++] = item;
	return 0;
}

/* What is at the item's path in the lower, and in which directory. 0 or negative errno. */
static int look(int root_fd, struct plan_item *item)
{
	const char *name;
	_cleanup_close_ int parent = plan_open_parent(root_fd, item->path, &name);
	struct stat st;

	if (parent < 0)
		return parent == -ENOENT || parent == -ENOTDIR || parent == -ELOOP ? 0 : parent;
	if (fstatat(parent, "", &st, AT_EMPTY_PATH))
		return -errno;
	item->parent_ino = st.st_ino;
	item->lower_there = fstatat(parent, name, &item->lower, AT_SYMLINK_NOFOLLOW) == 0;
	return item->lower_there || errno == ENOENT ? 0 : -errno;
}

/*
 * What the session took for the lower's file of that path. The attribute on a copy serves where the
 * note was lost to a crash; of what was moved it speaks of another file.
 */
static bool find_base(const struct maker *maker, const char *path, const struct stat *now,
		      struct layout_base *ret_base)
{
	const char *name;
	_cleanup_close_ int parent = -1;

	if (seen_find(&maker->seen, path, ret_base))
		return true;
	parent = plan_open_parent(maker->share->upper_fd, path, &name);
	return parent >= 0 && layout_get_base_at(maker->names, parent, name, ret_base) == 0 &&
	       ret_base->ino == now->st_ino;
}

static enum plan_verdict judge_one(const struct maker *maker, const char *path,
				   const struct stat *now)
{
	struct layout_base base;

	if (!find_base(maker, path, now, &base))
		return PLAN_APPEARED;
	return plan_is_base(&base, now) ? PLAN_APPLY : PLAN_CHANGED;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int collect_sources(struct maker *maker)
{
	struct plan *plan = maker->plan;

	maker->sources = calloc(plan->count - maker->first + 1, sizeof(*maker->sources));
	if (!maker->sources)
		return -ENOMEM;
	for (size_t i = maker->first; i < plan->count; i++)
		if (plan->items[i].source)
			maker->sources[maker->n_sources++] = plan->items[i].source;
	if (maker->n_sources)
		qsort(maker->sources, maker->n_sources, sizeof(*maker->sources), by_text);
	return 0;
}

static bool is_moved_elsewhere(const struct maker *maker, const char *path)
{
	return maker->n_sources &&
	       bsearch(&path, maker->sources, maker->n_sources, sizeof(*maker->sources), by_text);
}

/* Everything below a directory of the lower that goes. */
static int judge_tree(const struct maker *maker, const char *path, enum plan_verdict *verdict)
{
	_cleanup_names_ struct names names = {0};
	_cleanup_close_ int dir = sys_open_beneath(maker->share->lower_fd, path,
						   O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	int r = dir < 0 ? dir : names_read(&names, dir);

	for (size_t i = 0; r == 0 && *verdict == PLAN_APPLY && i < names.count; i++) {
		_cleanup_free_ char *child = NULL;
		struct stat st;

		if (asprintf(&child, "%s/%s", path, names.items[i]) < 0)
			return -ENOMEM;
		if (fstatat(dir, names.items[i], &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (!is_moved_elsewhere(maker, child))
			*verdict = judge_one(maker, child, &st);
		if (*verdict == PLAN_APPLY && S_ISDIR(st.st_mode))
			r = judge_tree(maker, child, verdict);
	}
	return r == -ENOENT ? 0 : r;
}

int plan_as_asker(const struct plan_asker *asker)
{
	int r = sys_as_user(asker->uid, asker->gid);

	return r < 0 ? r : sys_drop_file_caps();
}

void plan_as_worker(void)
{
	sys_restore_caps();
	sys_as_root();
}

/* Whether who asks may put, replace or remove that name in the directory that was looked at. */
static bool may_change(const struct maker *maker, const struct plan_item *item)
{
	const struct plan_asker *asker = maker->asker;
	_cleanup_close_ int parent = -1;
	struct stat dir = {0};
	const char *name;
	bool may = false;

	if (asker->uid == 0)
		return true;
	if (plan_as_asker(asker) == 0) {
		parent = plan_open_parent(maker->share->lower_fd, item->path, &name);
		may = parent >= 0 && fstatat(parent, "", &dir, AT_EMPTY_PATH) == 0 &&
		      dir.st_ino == item->parent_ino &&
		      syscall(SYS_faccessat2, parent, "", W_OK | X_OK,
			      AT_EACCESS | AT_EMPTY_PATH) == 0;
	}
	plan_as_worker();
	if (may && dir.st_mode & S_ISVTX && item->lower_there)
		may = dir.st_uid == asker->uid || item->lower.st_uid == asker->uid;
	if (may && item->change == 'm' && S_ISDIR(item->mode))
		may = item->lower.st_uid == asker->uid;
	return may;
}

static int by_path(const void *key, const void *item)
{
	return strcmp(key, ((const struct plan_item *)item)->path);
}

const struct plan_item *plan_find_parent(const struct plan_item *items, size_t count,
					 const char *path)
{
	const char *name = path_base(path);
	char parent[PATH_MAX];

	if (name == path)
		return NULL;
	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path - 1), path);
	return bsearch(parent, items, count, sizeof(*items), by_path);
}

/* The directory that it goes into is made by this plan: then that one's rights have been asked. */
static bool parent_is_new(const struct maker *maker, const struct plan_item *item)
{
	return item->parent_ino == 0 &&
	       plan_find_parent(maker->plan->items + maker->first,
				maker->plan->count - maker->first, item->path);
}

/* Whether what was copied was the lower's file of that path, and not one that was moved there. */
static bool base_is_of(const struct maker *maker, const char *path, const struct layout_base *base)
{
	struct layout_base noted;

	return seen_find(&maker->seen, path, &noted) && noted.ino == base->ino;
}

/* Of attributes a base tells nothing: others than theirs may be the session's. */
static bool has_their_attributes(const struct maker *maker, const char *path, int upper_parent,
				 const char *upper_name)
{
	const char *name;
	_cleanup_close_ int parent = plan_open_parent(maker->share->lower_fd, path, &name);
	const struct compare_side ours = {.dirfd = upper_parent, .name = upper_name};
	const struct compare_side theirs = {.dirfd = parent, .name = name};

	return parent >= 0 && compare_attributes(maker->names, &ours, &theirs) == 1;
}

/* The session has copied it up, and has changed nothing of what was copied. */
static bool is_mere_copy(const struct maker *maker, const struct plan_item *item)
{
	struct metacopy_world world = {.names = maker->names, .lower_root = maker->share->lower_fd};
	struct layout_base base;
	struct stat ours;
	const char *name;
	_cleanup_close_ int parent = -1;

	if ((item->change != 'M' && item->change != 'm') || item->source)
		return false;
	parent = plan_open_parent(maker->share->upper_fd, item->path, &name);
	/* The attribute is the copy's own; the note may be of what something else has covered. */
	if (parent < 0 || layout_get_base_at(maker->names, parent, name, &base) < 0 ||
	    metacopy_stat(&world, parent, name, &ours) < 0)
		return false;
	return base.mode == ours.st_mode && base.uid == ours.st_uid && base.gid == ours.st_gid &&
	       (S_ISDIR(ours.st_mode) || (base.size == (uint64_t)ours.st_size &&
					  base.mtime_ns == plan_time_ns(&ours.st_mtim))) &&
	       base_is_of(maker, item->path, &base) &&
	       has_their_attributes(maker, item->path, parent, name);
}

static int judge(const struct maker *maker, struct plan_item *item)
{
	struct layout_base base;
	int r = look(maker->share->lower_fd, item);

	if (r < 0)
		return r;
	if (!item->lower_there) {
		/* What both sides removed is not listed; a file that only they removed is. */
		if (item->change != 'A' || seen_find(&maker->seen, item->path, &base))
			item->verdict = PLAN_REMOVED;
	} else {
		item->verdict = judge_one(maker, item->path, &item->lower);
		if (item->verdict == PLAN_APPLY && S_ISDIR(item->lower.st_mode) &&
		    (item->change == 'D' || item->change == 'T'))
			r = judge_tree(maker, item->path, &item->verdict);
		if (item->verdict == PLAN_CHANGED && is_mere_copy(maker, item))
			item->verdict = PLAN_THEIRS;
		if (r >= 0 && item->verdict == PLAN_CHANGED && !maker->share->no_merge &&
		    seen_find(&maker->seen, item->path, &base)) {
			r = plan_merge_json(maker->names, maker->share, &base, item);
			if (item->merged)
				item->verdict = PLAN_APPLY;
		}
		/* In mode `empty` a directory of both sides is one, and what is in it comes for itself. */
		if (item->change == 'A' && S_ISDIR(item->mode) && S_ISDIR(item->lower.st_mode) &&
		    maker->share->empty)
			item->verdict = PLAN_THEIRS;
	}
	if (r >= 0 && item->verdict == PLAN_APPLY && maker->asker->uid != 0 &&
	    !parent_is_new(maker, item) && !may_change(maker, item))
		item->verdict = PLAN_FORBIDDEN;
	return r < 0 ? r : 0;
}

static void drop_theirs(struct plan *plan, size_t first)
{
	size_t kept = first;

	for (size_t i = first; i < plan->count; i++) {
		if (plan->items[i].verdict != PLAN_THEIRS) {
			plan->items[kept++] = plan->items[i];
			continue;
		}
		item_release(&plan->items[i]);
	}
	plan->count = kept;
}

int plan_add_share(struct plan *plan, const struct layout_names *names,
		   const struct plan_share *share, const struct plan_asker *asker,
		   plan_wanted_fn wanted, void *context)
{
	struct maker maker = {.plan = plan,
			      .names = names,
			      .share = share,
			      .asker = asker,
			      .first = plan->count,
			      .wanted = wanted,
			      .context = context};
	int r = seen_read(share->work_fd, &maker.seen);

	plan->asker = *asker;
	/* The clock that ctimes are taken from, which does not run ahead of them. */
	if (plan->started.tv_sec == 0)
		clock_gettime(CLOCK_REALTIME_COARSE, &plan->started);
	if (r == 0)
		r = diff_walk(names, share->upper_fd, share->empty ? -1 : share->lower_fd, collect,
			      &maker);
	if (r == 0)
		r = collect_sources(&maker);
	for (size_t i = maker.first; r == 0 && i < plan->count; i++)
		r = judge(&maker, &plan->items[i]);
	if (r == 0)
		drop_theirs(plan, maker.first);
	seen_release(&maker.seen);
	free(maker.sources);
	return r;
}
