/* SPDX-License-Identifier: MIT */
#include "view/rename.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "view/copyup.h"
#include "view/listing.h"
#include "view/remove.h"
#include "view/rights.h"
#include "view/seen.h"

struct end {
	struct layer_dir *dir;
	const char *name;
	bool in_lower;           /* its class lives in the lower */
	struct layer_dir *known; /* the object that others use, where it is a directory; or NULL */
	struct resolved found;
};

static int end_resolve(struct end *end)
{
	end->in_lower = view_lives_in_lower(end->dir, layer_dir_class(end->dir, end->name));
	return view_resolve(end->dir, end->name, &end->found);
}

/* What rename(2) refuses by the types of the two ends. */
static int check_types(const struct end *from, const struct end *to, unsigned int flags)
{
	_cleanup_layer_dir_ struct layer_dir *child = NULL;
	int r;

	if (from->found.layer == LAYER_NONE)
		return -ENOENT;
	if (flags & RENAME_EXCHANGE)
		return to->found.layer == LAYER_NONE ? -ENOENT : 0;
	if (to->found.layer == LAYER_NONE)
		return 0;
	if (flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (!S_ISDIR(to->found.st.st_mode))
		return S_ISDIR(from->found.st.st_mode) ? -ENOTDIR : 0;
	if (!S_ISDIR(from->found.st.st_mode))
		return -EISDIR;
	r = view_open_dir(to->dir, to->name, &child);
	return r < 0 ? r : view_check_empty(child);
}

/*
 * Makes a directory of the view movable: in the upper, and bound to its lower by name no more:
 * a redirect where it has a lower, opaque where it has none.
 */
static int prepare_directory(struct end *end, bool target_merges)
{
	_cleanup_layer_dir_ struct layer_dir *opened = NULL;
	const struct layout_names *names = &end->dir->view->setup->names;
	struct layer_dir *dir = end->known;
	int r;

	if (!dir) {
		r = view_open_dir(end->dir, end->name, &opened);
		if (r < 0)
			return r;
		dir = opened;
	}
	r = layer_dir_copy_up(dir);
	if (r < 0)
		return r;
	if (dir->lower >= 0)
		return layout_set_redirect(names, layer_dir_upper(dir), dir->lower_path);
	return target_merges ? layout_set_opaque(names, layer_dir_upper(dir)) : 0;
}

static int prepare(struct end *end, bool target_merges)
{
	struct metacopy_world world = view_metacopy_world(end->dir->view);
	int r = layer_dir_copy_up(end->dir);

	if (r < 0)
		return r;
	if (S_ISDIR(end->found.st.st_mode))
		return prepare_directory(end, target_merges);
	if (end->found.layer == LAYER_LOWER)
		r = copyup_entry(end->dir, end->name, COPYUP_DEFERRED, NULL);
	if (r < 0 || !S_ISREG(end->found.st.st_mode) || !end->dir->impure)
		return r;
	return metacopy_note_moved(&world, layer_dir_upper(end->dir), end->name);
}

/* After the two changed places: what came to the old name was to be replaced, so it goes. */
static int discard_displaced(const struct end *from, bool displaced_directory)
{
	return view_discard_upper(from->dir, from->name, displaced_directory);
}

/* Something of ours stands now where only the lower had something. */
static void note_covered(const struct end *to)
{
	if (to->found.layer == LAYER_LOWER)
		seen_note(to->dir, to->name, &to->found.st);
}

static int move_in_upper(const struct end *from, const struct end *to)
{
	int old_upper = layer_dir_upper(from->dir), new_upper = layer_dir_upper(to->dir);
	bool directory = S_ISDIR(from->found.st.st_mode);
	bool whiteout = view_lower_shows(from->dir, from->name, NULL);
	int r;

	/* A directory replaces neither a whiteout nor an upper that holds whiteouts: exchange. */
	if (directory && (to->found.whiteout || to->found.layer == LAYER_UPPER)) {
		r = sys_rename(old_upper, from->name, new_upper, to->name, RENAME_EXCHANGE);
		if (r < 0)
			return r;
		r = discard_displaced(from, !to->found.whiteout);
		if (r < 0)
			sys_rename(old_upper, from->name, new_upper, to->name, RENAME_EXCHANGE);
		return r;
	}
	if (!whiteout)
		return sys_rename(old_upper, from->name, new_upper, to->name, 0);
	r = sys_rename(old_upper, from->name, new_upper, to->name, RENAME_WHITEOUT);
	if (r != -EINVAL)
		return r;
	/* A store whose file system has no RENAME_WHITEOUT: two steps, the new name first. */
	r = sys_rename(old_upper, from->name, new_upper, to->name, 0);
	return r < 0 ? r : layout_make_whiteout(old_upper, from->name);
}

static int rename_private(struct end *from, struct end *to, unsigned int flags)
{
	int r = prepare(from, !to->dir->sealed);

	if (r < 0)
		return r;
	if (flags & RENAME_EXCHANGE)
		r = prepare(to, !from->dir->sealed);
	else
		r = layer_dir_copy_up(to->dir);
	if (r < 0)
		return r;
	if (from->dir->impure)
		r = layer_dir_mark_impure(to->dir);
	if (r == 0 && to->dir->impure && (flags & RENAME_EXCHANGE))
		r = layer_dir_mark_impure(from->dir);
	if (r < 0)
		return r;
	if (flags & RENAME_EXCHANGE)
		return sys_rename(layer_dir_upper(from->dir), from->name, layer_dir_upper(to->dir),
				  to->name, RENAME_EXCHANGE);
	r = move_in_upper(from, to);
	if (r == 0)
		note_covered(to);
	return r;
}

/* A temporary beside the target in the lower: hidden, and ours by its name. */
static int copy_to_lower(const struct end *to, const struct copyup_source *source,
			 unsigned int flags)
{
	char plain[VIEW_TEMPORARY_SIZE];
	char temporary[VIEW_TEMPORARY_SIZE + 16];
	int r;

	/* Asked only: the copy is made as whoever its source was. */
	r = lower_change_begin(to->dir, NULL);
	if (r < 0)
		return r;
	lower_change_end();
	view_temporary_name(plain);
	snprintf(temporary, sizeof(temporary), ".sessionfs-%s", plain);
	r = copyup_copy(&to->dir->view->setup->names, source, to->dir->lower, temporary);
	if (r < 0)
		return r;
	r = sys_rename(to->dir->lower, temporary, to->dir->lower, to->name, flags);
	if (r < 0)
		unlinkat(to->dir->lower, temporary, 0);
	return r;
}

static int copy_to_upper(const struct end *to, const struct copyup_source *source,
			 unsigned int flags)
{
	struct view *view = to->dir->view;
	char temporary[VIEW_TEMPORARY_SIZE];
	int r = layer_dir_copy_up(to->dir);

	if (r < 0)
		return r;
	view_temporary_name(temporary);
	r = copyup_copy(&view->setup->names, source, view->work_fd, temporary);
	if (r < 0)
		return r;
	/* A whiteout under the name is nothing to spare. */
	if (to->found.whiteout)
		flags &= ~(unsigned int)RENAME_NOREPLACE;
	r = sys_rename(view->work_fd, temporary, layer_dir_upper(to->dir), to->name, flags);
	if (r == 0)
		note_covered(to);
	else
		unlinkat(view->work_fd, temporary, 0);
	return r;
}

static int rename_between_layers(const struct end *from, const struct end *to, unsigned int flags)
{
	struct metacopy_world world = view_metacopy_world(from->dir->view);
	_cleanup_source_ struct copyup_source source = COPYUP_SOURCE_NONE;
	_cleanup_close_ int src = -1;
	int r;

	if (S_ISDIR(from->found.st.st_mode) || (flags & RENAME_EXCHANGE))
		return -EXDEV;
	src = openat(layer_dir_fd(from->dir, from->found.layer), from->name,
		     O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (src < 0)
		return -errno;
	r = copyup_source_open(from->found.layer == LAYER_UPPER ? &world : NULL, src,
			       COPYUP_MOVED_MAX, &source);
	if (r < 0)
		return r;
	r = to->in_lower ? copy_to_lower(to, &source, flags) : copy_to_upper(to, &source, flags);
	return r < 0 ? r : view_unlink(from->dir, from->name);
}

static int rename_in_lower(const struct end *from, const struct end *to, unsigned int flags)
{
	int r = lower_change_begin(from->dir, to->dir);

	if (r < 0)
		return r;
	r = sys_rename(from->dir->lower, from->name, to->dir->lower, to->name, flags);
	lower_change_end();
	return r;
}

int view_rename(struct layer_dir *old_dir, const char *old_name, struct layer_dir *new_dir,
		const char *new_name, unsigned int flags, struct layer_dir *moved_dir,
		struct layer_dir *displaced_dir)
{
	struct end from = {.dir = old_dir, .name = old_name, .known = moved_dir};
	struct end to = {.dir = new_dir, .name = new_name, .known = displaced_dir};
	int r = end_resolve(&from);

	if (r == 0)
		r = end_resolve(&to);
	if (r == 0)
		r = check_types(&from, &to, flags);
	if (r < 0)
		return r;
	if (from.in_lower && to.in_lower)
		return rename_in_lower(&from, &to, flags);
	if (from.in_lower != to.in_lower)
		return rename_between_layers(&from, &to, flags);
	return rename_private(&from, &to, flags);
}
