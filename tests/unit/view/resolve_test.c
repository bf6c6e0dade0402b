/* SPDX-License-Identifier: MIT */
#include "view/resolve.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/view_fixture.h"
#include "view/copyup.h"
#include "view/create.h"
#include "view/remove.h"
#include "view/rename.h"

static void setup(void)
{
	view_fixture_make(SHARE_OVERLAY);
	lower_put("file", "lower");
	lower_put("dir/sub/deep", "deep");
}

TestSuite(resolve, .init = setup, .fini = view_fixture_free);
/* Of other modes: each test makes its share itself. */
TestSuite(resolve_mode, .fini = view_fixture_free);

static int lower_unlink(const char *path, int flags)
{
	return unlinkat(view_fixture.lower, path, flags);
}

Test(resolve, a_name_of_the_lower_shows)
{
	struct resolved found = view_find("file");

	cr_assert_eq(found.layer, LAYER_LOWER);
	cr_assert_eq(found.origin_ino, found.st.st_ino);
	cr_assert_eq(found.path_class, CLASS_PRIVATE);
	cr_assert_eq(view_find("dir/sub/deep").layer, LAYER_LOWER);
}

Test(resolve, what_is_in_no_layer_is_absent_and_no_error)
{
	struct resolved found = view_find("nothing");

	cr_assert_eq(found.layer, LAYER_NONE);
	cr_assert_not(found.whiteout);
}

Test(resolve, a_name_too_long_is_an_error)
{
	struct resolved found;
	char name[300];

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	cr_assert_eq(view_resolve(view_fixture.root, name, &found), -ENAMETOOLONG);
}

Test(resolve, the_upper_hides_the_lower_and_keeps_its_number)
{
	struct resolved before = view_find("file"), after;

	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	after = view_find("file");
	cr_assert_eq(after.layer, LAYER_UPPER);
	cr_assert_neq(after.st.st_ino, before.st.st_ino);
	cr_assert_eq(after.origin_ino, before.origin_ino);
	cr_assert_eq(after.origin_dev, before.origin_dev);
}

Test(resolve, a_copy_of_one_of_several_names_has_a_number_of_its_own)
{
	cr_assert_eq(linkat(view_fixture.lower, "file", view_fixture.lower, "other", 0), 0);
	cr_assert_eq(view_find("file").origin_ino, view_find("other").origin_ino);
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	cr_assert_neq(view_find("file").origin_ino, view_find("other").origin_ino);
}

Test(resolve, a_whiteout_hides_the_lower)
{
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(view_find("file").layer, LAYER_NONE);
	cr_assert(view_find("file").whiteout);
	cr_assert(view_lower_shows(view_fixture.root, "file", NULL));
}

Test(resolve, a_whiteout_of_the_lower_itself_shows_nothing)
{
	cr_assert_eq(layout_make_whiteout(view_fixture.lower, "theirs"), 0);
	cr_assert_eq(view_find("theirs").layer, LAYER_NONE);
	cr_assert_not(view_lower_shows(view_fixture.root, "theirs", NULL));
}

Test(resolve, a_lock_lives_in_the_lower_whatever_the_upper_holds)
{
	struct resolved found;

	lower_put("x.lock", "theirs");
	cr_assert_eq(layer_dir_copy_up(view_fixture.root), 0);
	cr_assert_eq(layout_make_whiteout(layer_dir_upper(view_fixture.root), "x.lock"), 0);
	found = view_find("x.lock");
	cr_assert_eq(found.layer, LAYER_LOWER);
	cr_assert_eq(found.path_class, CLASS_LOCK);
}

Test(resolve, a_lock_in_a_directory_of_the_upper_alone_is_private)
{
	const struct creator root = {0};

	cr_assert_eq(view_mkdir(view_fixture.root, "made", 0755, &root), 0);
	view_put("made/x.lock", "ours");
	cr_assert_eq(view_find("made/x.lock").layer, LAYER_UPPER);
	cr_assert(lower_holds("made/x.lock", NULL));
}

Test(resolve, below_a_directory_of_class_lock_all_lives_in_the_lower)
{
	struct resolved found;

	lower_put("dir.lock/pid", "1");
	found = view_find("dir.lock/pid");
	cr_assert_eq(found.layer, LAYER_LOWER);
	cr_assert_eq(found.path_class, CLASS_SHARED);
	view_put("dir.lock/made", "x");
	cr_assert(lower_holds("dir.lock/made", "x"));
}

Test(resolve, a_file_is_no_directory)
{
	struct layer_dir *child;

	cr_assert_eq(view_open_dir(view_fixture.root, "file", &child), -ENOTDIR);
	cr_assert_eq(view_open_dir(view_fixture.root, "nothing", &child), -ENOENT);
	cr_assert_eq(view_rmdir(view_fixture.root, "file"), -ENOTDIR);
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_neq(view_open_dir(view_fixture.root, "file", &child), 0);
}

Test(resolve, a_symlink_is_never_followed)
{
	struct layer_dir *child;

	cr_assert_eq(symlinkat("dir", view_fixture.lower, "link"), 0);
	cr_assert_neq(view_open_dir(view_fixture.root, "link", &child), 0);
	cr_assert(S_ISLNK(view_find("link").st.st_mode));
}

Test(resolve, a_directory_made_in_the_view_shows_nothing_of_the_lower_ever)
{
	const struct creator root = {0};
	struct layer_dir *dir;

	cr_assert_eq(view_mkdir(view_fixture.root, "made", 0755, &root), 0);
	lower_put("made/theirs", "x");
	dir = view_dir("made");
	cr_assert(dir->sealed);
	cr_assert_eq(dir->lower, -1);
	layer_dir_unref(dir);
	cr_assert_eq(view_find("made/theirs").layer, LAYER_NONE);
}

Test(resolve, a_directory_that_others_replace_is_not_current)
{
	struct layer_dir *dir = view_dir("dir");

	cr_assert_eq(layer_dir_copy_up(dir), 0);
	cr_assert(view_dir_is_current(view_fixture.root, "dir", dir));
	cr_assert_eq(renameat(view_fixture.lower, "dir", view_fixture.lower, "moved"), 0);
	cr_assert_not(view_dir_is_current(view_fixture.root, "dir", dir));
	lower_put("dir/new", "new");
	cr_assert_not(view_dir_is_current(view_fixture.root, "dir", dir));
	layer_dir_unref(dir);
	dir = view_dir("dir");
	cr_assert(view_dir_is_current(view_fixture.root, "dir", dir));
	layer_dir_unref(dir);
	cr_assert(view_shows("dir/new", "new"));
	cr_assert_eq(view_find("dir/sub").layer, LAYER_NONE);
}

Test(resolve, a_directory_whose_lower_comes_back_is_not_current)
{
	struct layer_dir *dir = view_dir("dir");

	cr_assert_eq(layer_dir_copy_up(dir), 0);
	layer_dir_unref(dir);
	cr_assert_eq(renameat(view_fixture.lower, "dir", view_fixture.lower, "moved"), 0);
	dir = view_dir("dir");
	cr_assert_eq(dir->lower, -1);
	cr_assert_not(dir->sealed);
	cr_assert(view_dir_is_current(view_fixture.root, "dir", dir));
	lower_put("dir", NULL);
	cr_assert_not(view_dir_is_current(view_fixture.root, "dir", dir));
	layer_dir_unref(dir);
}

Test(resolve, a_moved_directory_is_current_whatever_comes_under_its_name)
{
	struct layer_dir *dir;

	cr_assert_eq(view_rename(view_fixture.root, "dir", view_fixture.root, "moved", 0, NULL,
				 NULL),
		     0);
	dir = view_dir("moved");
	cr_assert_eq(view_find("moved/sub/deep").layer, LAYER_LOWER);
	lower_put("moved/theirs", "x");
	cr_assert(view_dir_is_current(view_fixture.root, "moved", dir));
	cr_assert_eq(view_find("moved/theirs").layer, LAYER_NONE);
	layer_dir_unref(dir);
}

Test(resolve, a_forged_redirect_does_not_leave_the_share)
{
	static const char *const targets[] = {"..", "../store", "dir/../..", "link/x"};
	struct layer_dir *dir, *child;

	cr_assert_eq(symlinkat("..", view_fixture.lower, "link"), 0);
	dir = view_dir("dir");
	cr_assert_eq(layer_dir_copy_up(dir), 0);
	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(layout_set_redirect(&view_fixture.setup.names, layer_dir_upper(dir),
						 targets[i]),
			     0);
		if (view_open_dir(view_fixture.root, "dir", &child) < 0)
			continue;
		cr_assert_eq(child->lower, -1, "%s", targets[i]);
		layer_dir_unref(child);
	}
	layer_dir_unref(dir);
}

Test(resolve, the_root_is_that_of_the_lower_until_it_is_copied_up)
{
	struct resolved before, after;

	cr_assert_eq(view_resolve_root(view_fixture.root, &before), 0);
	cr_assert_eq(before.layer, LAYER_LOWER);
	cr_assert_eq(layer_dir_copy_up(view_fixture.root), 0);
	cr_assert_eq(view_resolve_root(view_fixture.root, &after), 0);
	cr_assert_eq(after.layer, LAYER_UPPER);
	cr_assert_eq(after.origin_ino, before.origin_ino);
	cr_assert_eq(after.st.st_mode, before.st.st_mode);
}

Test(resolve, numbers_differ_between_sessions_and_shares)
{
	struct view a = {.session = 1}, b = {.session = 2}, c = {.session = 1, .share = 1};

	cr_assert_eq(view_inode_number(&a, 1, 5), view_inode_number(&a, 1, 5));
	cr_assert_neq(view_inode_number(&a, 1, 5), view_inode_number(&b, 1, 5));
	cr_assert_neq(view_inode_number(&a, 1, 5), view_inode_number(&c, 1, 5));
	cr_assert_neq(view_inode_number(&a, 1, 5), view_inode_number(&a, 2, 5));
	for (uint64_t i = 0; i < 1000; i++)
		cr_assert(view_inode_number(&a, i, i) > 1);
}

Test(resolve_mode, an_empty_share_shows_locks_only)
{
	view_fixture_make(SHARE_EMPTY);
	lower_put("file", "lower");
	lower_put("dir/file", "lower");
	lower_put("x.lock", "theirs");
	cr_assert_eq(view_find("file").layer, LAYER_NONE);
	cr_assert_eq(view_find("dir").layer, LAYER_NONE);
	cr_assert_eq(view_find("x.lock").layer, LAYER_LOWER);
	cr_assert_not(view_lower_shows(view_fixture.root, "file", NULL));
}

Test(resolve_mode, in_mode_direct_all_lives_in_the_lower)
{
	view_fixture_make(SHARE_DIRECT);
	lower_put("dir/file", "lower");
	cr_assert_eq(view_find("dir/file").path_class, CLASS_SHARED);
	view_put("dir/made", "x");
	cr_assert(lower_holds("dir/made", "x"));
	cr_assert_eq(view_unlink(view_fixture.root, "dir"), -EISDIR);
	cr_assert_neq(lower_unlink("dir", AT_REMOVEDIR), 0);
	cr_assert_eq(upper_mode("dir"), 0);
}
