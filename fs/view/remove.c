/* SPDX-License-Identifier: MIT */
#include "view/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "view/listing.h"
#include "view/rights.h"
#include "view/seen.h"
#include "view/twin.h"

/* Puts a whiteout in the place of what the upper has; that then lies in work under `temporary`. */
static int swap_for_whiteout(struct layer_dir *dir, const char *name, const char *temporary,
			     bool directory)
{
	int work = dir->view->work_fd;
	int r = layout_make_whiteout(work, temporary);

	if (r < 0)
		return r;
	r = sys_rename(work, temporary, layer_dir_upper(dir), name,
		       directory ? RENAME_EXCHANGE : 0);
	if (r < 0)
		unlinkat(work, temporary, 0);
	return r;
}

int view_discard_upper(struct layer_dir *dir, const char *name, bool directory)
{
	int work = dir->view->work_fd;
	int upper = layer_dir_upper(dir);
	char temporary[VIEW_TEMPORARY_SIZE];
	bool whiteout = view_lower_shows(dir, name, NULL);
	int r;

	if (!whiteout && unlinkat(upper, name, directory ? AT_REMOVEDIR : 0) == 0)
		return 0;
	if (!whiteout && (!directory || errno != ENOTEMPTY))
		return -errno;
	view_temporary_name(temporary);
	if (whiteout)
		r = swap_for_whiteout(dir, name, temporary, directory);
	else
		r = sys_rename(upper, name, work, temporary, 0);
	if (r == 0 && directory)
		sys_remove_tree(work, temporary);
	return r;
}

static int remove_private(struct layer_dir *dir, const char *name, bool directory)
{
	struct resolved found;
	int r = view_resolve(dir, name, &found);

	if (r < 0)
		return r;
	if (found.layer == LAYER_NONE)
		return -ENOENT;
	if (directory && !S_ISDIR(found.st.st_mode))
		return -ENOTDIR;
	if (!directory && S_ISDIR(found.st.st_mode))
		return -EISDIR;
	if (found.layer == LAYER_UPPER)
		return view_discard_upper(dir, name, directory);
	r = layer_dir_copy_up(dir);
	if (r == 0)
		r = layout_make_whiteout(layer_dir_upper(dir), name);
	if (r == 0)
		seen_note(dir, name, &found.st);
	return r;
}

static int remove_in_lower(struct layer_dir *dir, const char *name, int flags)
{
	int r = lower_change_begin(dir, NULL);

	if (r < 0)
		return r;
	if (unlinkat(dir->lower, name, flags))
		r = -errno;
	lower_change_end();
	return r;
}

static int unlink_in_lower(struct layer_dir *dir, const char *name)
{
	bool twins = dir->view->has_twins;
	struct stat st;
	int r;

	if (twins && fstatat(dir->lower, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	r = remove_in_lower(dir, name, 0);
	if (r == 0 && twins)
		twin_forget(dir->view, &st);
	return r;
}

int view_unlink(struct layer_dir *dir, const char *name)
{
	if (view_lives_in_lower(dir, layer_dir_class(dir, name)))
		return unlink_in_lower(dir, name);
	return remove_private(dir, name, false);
}

int view_rmdir(struct layer_dir *dir, const char *name)
{
	_cleanup_layer_dir_ struct layer_dir *child = NULL;
	int r;

	if (view_lives_in_lower(dir, layer_dir_class(dir, name)))
		return remove_in_lower(dir, name, AT_REMOVEDIR);
	r = view_open_dir(dir, name, &child);
	if (r < 0)
		return r;
	r = view_check_empty(child);
	return r < 0 ? r : remove_private(dir, name, true);
}
