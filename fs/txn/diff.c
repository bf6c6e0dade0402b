/* SPDX-License-Identifier: MIT */
#include "txn/diff.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "base/sys.h"
#include "txn/compare.h"
#include "txn/names.h"
#include "view/metacopy.h"

/* A directory of the view that has yet to be looked at. */
struct visit {
	char *path;   /* in the view, and of the lower's namesake */
	char *source; /* the lower directory that shows in it; NULL: none does */
	bool in_upper;
};

struct change {
	char *path;
	char *source; /* struct diff_entry */
	mode_t mode;
	char change;
	bool leans;
};

/*
 * Directories are opened anew from the roots, by path: the walk needs three fds and no stack,
 * however deep a session nests its directories.
 */
struct walk {
	const struct layout_names *names;
	int upper_root;
	int lower_root;
	struct visit *visits;
	size_t n_visits;
	size_t visits_capacity;
	struct change *changes;
	size_t n_changes;
	size_t changes_capacity;
};

/* The directory being looked at. */
struct open_visit {
	const struct visit *visit;
	int upper; /* each -1 where there is none */
	int source;
	int base; /* the lower's namesake: what is compared with */
};

/* A new string, or NULL with errno ENAMETOOLONG or ENOMEM. */
static char *join(const char *dir, const char *name)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	char *path;

	if (size > PATH_MAX) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	if (asprintf(&path, "%s%s%s", dir, *dir ? "/" : "", name) < 0)
		return NULL;
	return path;
}

/* in_upper: as struct diff_entry says of source. */
static int add_change(struct walk *walk, const struct visit *visit, const char *name, char change,
		      mode_t mode, bool in_upper)
{
	int r = grow_array((void **)&walk->changes, &walk->changes_capacity, walk->n_changes,
			   sizeof(*walk->changes));
	_cleanup_free_ char *source = NULL;
	char *path;

	if (r < 0)
		return r;
	if (!in_upper && change != 'D') {
		source = join(visit->source, name);
		if (!source)
			return -errno;
	}
	path = join(visit->path, name);
	if (!path)
		return errno == ENAMETOOLONG ? 0 : -errno;
	walk->changes[walk->n_changes++] = (struct change){
		.path = path, .source = TAKE_PTR(source), .mode = mode, .change = change};
	return 0;
}

/* Takes source_consume, always. */
static int add_visit(struct walk *walk, const char *dir, const char *name, char *source_consume,
		     bool in_upper)
{
	_cleanup_free_ char *source = source_consume;
	char *path;
	int r = grow_array((void **)&walk->visits, &walk->visits_capacity, walk->n_visits,
			   sizeof(*walk->visits));

	if (r < 0)
		return r;
	path = join(dir, name);
	if (!path)
		return errno == ENAMETOOLONG ? 0 : -errno;
	walk->visits[walk->n_visits++] =
		(struct visit){.path = path, .source = TAKE_PTR(source), .in_upper = in_upper};
	return 0;
}

/* An fd, or -1 where no such directory is there; other errors are negative errno below -1. */
static int open_dir(int root, const char *path, int *ret_fd)
{
	int fd;

	*ret_fd = -1;
	if (root < 0)
		return 0;
	fd = sys_open_beneath(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -ENAMETOOLONG)
		return 0;
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

static bool is_whiteout(const struct layout_names *names, int dirfd, const char *name,
			const struct stat *st)
{
	char path[32 + NAME_MAX + 2];
	char dir[32];

	if (layout_is_whiteout(st))
		return true;
	if (!S_ISREG(st->st_mode) || st->st_size > 0)
		return false;
	sys_fd_path(dirfd, dir);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return lgetxattr(path, names->whiteout, NULL, 0) >= 0;
}

/* 1 and the side filled where the name is there, 0 where it is not, or negative errno. */
static int find(int dirfd, const char *name, struct compare_side *ret_side)
{
	*ret_side = (struct compare_side){.dirfd = dirfd, .name = name, .data_fd = -1};
	if (dirfd < 0)
		return 0;
	if (fstatat(dirfd, name, &ret_side->st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	return 1;
}

/* As find(); what is a metacopy shows what its data say. The side is to be released. */
static int find_upper(const struct walk *walk, int dirfd, const char *name,
		      struct compare_side *ret_side)
{
	const struct metacopy_world world = {.names = walk->names, .lower_root = walk->lower_root};
	int r = find(dirfd, name, ret_side);

	if (r <= 0 || !S_ISREG(ret_side->st.st_mode))
		return r;
	r = metacopy_stat(&world, dirfd, name, &ret_side->st);
	if (r == 1) {
		ret_side->data_fd = metacopy_open_data(&world, dirfd, name, &ret_side->data_st);
		ret_side->metacopy = ret_side->data_fd != -ENODATA;
	}
	return r < 0 ? r : 1;
}

static void side_release(struct compare_side *side)
{
	cleanup_close(&side->data_fd);
}

static int find_lower(int dirfd, const char *name, struct compare_side *ret_side)
{
	int r = find(dirfd, name, ret_side);

	return r > 0 && layout_is_whiteout(&ret_side->st) ? 0 : r;
}

/* What of the lower shows in a directory of the upper: nothing, its redirect's, or `namesake`. */
static int upper_source(struct walk *walk, int dirfd, const char *name, char *namesake_consume,
			char **ret_source)
{
	_cleanup_free_ char *namesake = namesake_consume;
	_cleanup_close_ int fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	*ret_source = NULL;
	if (layout_is_opaque(walk->names, fd))
		return 0;
	r = layout_get_redirect(walk->names, fd, ret_source);
	if (r == -ENODATA) {
		*ret_source = TAKE_PTR(namesake);
		return 0;
	}
	/* As the view takes it: a redirect that cannot be followed shows nothing. */
	return r == -ENOMEM ? r : 0;
}

/* Has the contents of a directory of the view looked at. */
static int descend(struct walk *walk, const struct open_visit *at, const char *name, bool in_upper,
		   bool lower_is_dir)
{
	_cleanup_free_ char *source = NULL;
	int r;

	if (lower_is_dir) {
		source = join(at->visit->source, name);
		if (!source && errno == ENOMEM)
			return -ENOMEM;
	}
	if (in_upper) {
		r = upper_source(walk, at->upper, name, TAKE_PTR(source), &source);
		if (r < 0)
			return r;
	}
	return add_visit(walk, at->visit->path, name, TAKE_PTR(source), in_upper);
}

static int judge_both(struct walk *walk, const struct open_visit *at,
		      const struct compare_side *ours, const struct compare_side *base,
		      bool in_upper)
{
	int r;

	if ((ours->st.st_mode & S_IFMT) != (base->st.st_mode & S_IFMT))
		return add_change(walk, at->visit, ours->name, 'T', ours->st.st_mode, in_upper);
	r = compare_objects(walk->names, ours, base);
	if (r == COMPARE_CONTENT)
		return add_change(walk, at->visit, ours->name, 'M', ours->st.st_mode, in_upper);
	if (r == COMPARE_METADATA)
		return add_change(walk, at->visit, ours->name, 'm', ours->st.st_mode, in_upper);
	return r;
}

static int judge(struct walk *walk, const struct open_visit *at, const char *name)
{
	__attribute__((cleanup(side_release))) struct compare_side upper = {.data_fd = -1};
	struct compare_side source, base;
	int in_upper = find_upper(walk, at->upper, name, &upper);
	int in_source = find_lower(at->source, name, &source);
	int in_base = find_lower(at->base, name, &base);
	const struct compare_side *ours = in_upper > 0 ? &upper : &source;
	bool lower_is_dir = in_source > 0 && S_ISDIR(source.st.st_mode);
	size_t before = walk->n_changes;
	bool gone;
	int r;

	if (in_upper < 0 || in_source < 0 || in_base < 0)
		return in_upper < 0 ? in_upper : in_source < 0 ? in_source : in_base;
	gone = in_upper ? is_whiteout(walk->names, at->upper, name, &upper.st) : !in_source;
	if (gone)
		return in_base ? add_change(walk, at->visit, name, 'D', base.st.st_mode, true) : 0;
	if (in_base)
		r = judge_both(walk, at, ours, &base, in_upper > 0);
	else
		r = add_change(walk, at->visit, name, 'A', ours->st.st_mode, in_upper > 0);
	if (upper.metacopy && walk->n_changes > before)
		walk->changes[before].leans = walk->changes[before].change != 'm';
	if (r < 0 || !S_ISDIR(ours->st.st_mode))
		return r;
	return descend(walk, at, name, in_upper, lower_is_dir);
}

/* The names that may differ: where the lower shows as it is, only the upper's. */
static int read_names(const struct open_visit *at, struct names *names)
{
	bool merged = at->visit->source && strcmp(at->visit->source, at->visit->path) == 0;
	int r = names_read(names, at->upper);

	if (r == 0 && !merged) {
		r = names_read(names, at->source);
		if (r == 0)
			r = names_read(names, at->base);
	}
	if (r == 0)
		names_sort(names);
	return r;
}

static int look_at(struct walk *walk, const struct visit *visit)
{
	_cleanup_names_ struct names names = {0};
	_cleanup_close_ int upper = -1, source = -1, base = -1;
	struct open_visit at = {.visit = visit};
	int r = visit->in_upper ? open_dir(walk->upper_root, visit->path, &upper) : 0;

	if (r == 0 && visit->source)
		r = open_dir(walk->lower_root, visit->source, &source);
	if (r == 0)
		r = open_dir(walk->lower_root, visit->path, &base);
	at.upper = upper;
	at.source = source;
	at.base = base;
	if (r == 0)
		r = read_names(&at, &names);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		r = judge(walk, &at, names.items[i]);
		if (r == -ENOENT || r == -ESTALE)
			r = 0;
	}
	return r;
}

static int by_path(const void *a, const void *b)
{
	const struct change *left = a, *right = b;

	return strcmp(left->path, right->path);
}

static int report(struct walk *walk, diff_fn fn, void *context)
{
	if (walk->n_changes)
		qsort(walk->changes, walk->n_changes, sizeof(*walk->changes), by_path);
	for (size_t i = 0; i < walk->n_changes; i++) {
		const struct change *change = &walk->changes[i];
		struct diff_entry entry = {.change = change->change,
					   .mode = change->mode,
					   .path = change->path,
					   .source = change->source,
					   .leans = change->leans || change->source};
		int r = fn(&entry, context);

		if (r != 0)
			return r;
	}
	return 0;
}

static void walk_release(struct walk *walk)
{
	for (size_t i = 0; i < walk->n_visits; i++) {
		free(walk->visits[i].path);
		free(walk->visits[i].source);
	}
	for (size_t i = 0; i < walk->n_changes; i++) {
		free(walk->changes[i].path);
		free(walk->changes[i].source);
	}
	free(walk->visits);
	free(walk->changes);
}

int diff_walk(const struct layout_names *names, int upper_fd, int lower_fd, diff_fn fn,
	      void *context)
{
	__attribute__((cleanup(walk_release))) struct walk walk = {
		.names = names, .upper_root = upper_fd, .lower_root = lower_fd};
	char *source = lower_fd >= 0 ? strdup("") : NULL;
	int r;

	if (lower_fd >= 0 && !source)
		return -ENOMEM;
	r = add_visit(&walk, "", "", source, true);
	while (r == 0 && walk.n_visits > 0) {
		struct visit visit = walk.visits[--walk.n_visits];

		r = look_at(&walk, &visit);
		free(visit.path);
		free(visit.source);
	}
	return r < 0 ? r : report(&walk, fn, context);
}

const char *diff_type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "chardev";
	case S_IFBLK:
		return "blockdev";
	default:
		return "file";
	}
}
