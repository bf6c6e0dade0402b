/* SPDX-License-Identifier: MIT */
#include "view/rename.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "support/view_fixture.h"
#include "view/copyup.h"
#include "view/create.h"
#include "view/remove.h"

#define WHITEOUT S_IFCHR

static const struct creator root = {0};

static void setup(void)
{
	view_fixture_make(SHARE_OVERLAY);
	lower_put("file", "lower");
	lower_put("other", "other");
	lower_put("dir/sub/deep", "deep");
	lower_put("full/x", "x");
	lower_put("empty", NULL);
}

static void teardown(void)
{
	sys_fault_hook = NULL;
	view_fixture_free();
}

TestSuite(rename, .init = setup, .fini = teardown);

static int move_with(const char *from, const char *to, unsigned int flags)
{
	return view_rename(view_fixture.root, from, view_fixture.root, to, flags, NULL, NULL);
}

static int move(const char *from, const char *to)
{
	return move_with(from, to, 0);
}

static int move_into(const char *from, const char *to_dir, const char *to)
{
	struct layer_dir *dir = view_dir(to_dir);
	int r = view_rename(view_fixture.root, from, dir, to, 0, NULL, NULL);

	layer_dir_unref(dir);
	return r;
}

Test(rename, a_file_of_the_lower_moves_and_leaves_a_whiteout)
{
	cr_assert_eq(move("file", "moved"), 0);
	cr_assert(view_shows("moved", "lower"));
	cr_assert(view_shows("file", NULL));
	cr_assert_eq(upper_mode("file"), WHITEOUT);
	cr_assert(lower_holds("file", "lower"));
	cr_assert_eq(work_count(), 0);
}

Test(rename, a_file_of_the_upper_alone_leaves_nothing)
{
	view_put("made", "x");
	cr_assert_eq(move("made", "moved"), 0);
	cr_assert_eq(upper_mode("made"), 0);
	cr_assert(view_shows("moved", "x"));
}

Test(rename, a_file_replaces_one_of_the_lower)
{
	view_put("made", "x");
	cr_assert_eq(move("made", "file"), 0);
	cr_assert(view_shows("file", "x"));
	cr_assert_eq(move("other", "file"), 0);
	cr_assert(view_shows("file", "other"));
	cr_assert(view_shows("other", NULL));
	cr_assert(lower_holds("file", "lower"));
}

Test(rename, a_file_replaces_a_whiteout)
{
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(move_with("other", "file", RENAME_NOREPLACE), 0);
	cr_assert(view_shows("file", "other"));
}

Test(rename, there_and_back_is_as_before)
{
	cr_assert_eq(move("file", "moved"), 0);
	cr_assert_eq(move("moved", "file"), 0);
	cr_assert(view_shows("file", "lower"));
	cr_assert_eq(upper_mode("moved"), 0);
	cr_assert_eq(move("dir", "moved"), 0);
	cr_assert_eq(move("moved", "dir"), 0);
	cr_assert(view_shows("dir/sub/deep", "deep"));
	cr_assert_eq(upper_mode("moved"), 0);
	cr_assert_eq(work_count(), 0);
}

Test(rename, what_rename_refuses_by_type_is_refused)
{
	cr_assert_eq(move("nothing", "x"), -ENOENT);
	cr_assert_eq(move("dir", "file"), -ENOTDIR);
	cr_assert_eq(move("file", "dir"), -EISDIR);
	cr_assert_eq(move("dir", "full"), -ENOTEMPTY);
	cr_assert_eq(move_with("file", "other", RENAME_NOREPLACE), -EEXIST);
	cr_assert_eq(move_with("file", "nothing", RENAME_EXCHANGE), -ENOENT);
	cr_assert(view_lists("", "dir/ empty/ file full/ other "));
	cr_assert_eq(upper_mode("file"), 0);
}

Test(rename, a_directory_of_the_lower_moves_without_its_content)
{
	cr_assert_eq(move("dir", "moved"), 0);
	cr_assert(view_shows("moved/sub/deep", "deep"));
	cr_assert_eq(view_find("dir").layer, LAYER_NONE);
	cr_assert_eq(upper_mode("moved/sub"), 0);
	cr_assert_eq(upper_mode("dir"), WHITEOUT);
}

Test(rename, what_is_moved_again_still_leads_to_its_lower)
{
	cr_assert_eq(move("dir", "moved"), 0);
	cr_assert_eq(view_mkdir(view_fixture.root, "made", 0755, &root), 0);
	cr_assert_eq(move_into("moved", "made", "again"), 0);
	cr_assert(view_shows("made/again/sub/deep", "deep"));
	cr_assert_eq(move("made", "last"), 0);
	cr_assert(view_shows("last/again/sub/deep", "deep"));
	cr_assert(view_lists("last", "again/ "));
}

Test(rename, a_directory_below_a_moved_one_moves_on)
{
	struct layer_dir *from;

	cr_assert_eq(move("dir", "moved"), 0);
	from = view_dir("moved");
	cr_assert_eq(view_rename(from, "sub", view_fixture.root, "out", 0, NULL, NULL), 0);
	layer_dir_unref(from);
	cr_assert(view_shows("out/deep", "deep"));
	cr_assert(view_lists("moved", ""));
}

Test(rename, a_directory_made_in_the_view_does_not_merge_where_it_comes_to)
{
	cr_assert_eq(view_mkdir(view_fixture.root, "made", 0755, &root), 0);
	view_put("made/ours", "x");
	cr_assert_eq(move("made", "empty"), 0);
	lower_put("empty/theirs", "x");
	cr_assert(view_lists("empty", "ours "));
}

Test(rename, a_directory_from_one_made_in_the_view_does_not_merge_either)
{
	struct layer_dir *made;

	cr_assert_eq(view_mkdir(view_fixture.root, "made", 0755, &root), 0);
	made = view_dir("made");
	cr_assert_eq(view_mkdir(made, "inner", 0755, &root), 0);
	cr_assert_eq(view_rename(made, "inner", view_fixture.root, "empty", 0, NULL, NULL), 0);
	layer_dir_unref(made);
	lower_put("empty/theirs", "x");
	cr_assert(view_lists("empty", ""));
}

Test(rename, a_directory_replaces_an_empty_one_and_its_whiteouts)
{
	struct layer_dir *full = view_dir("full");

	cr_assert_eq(view_unlink(full, "x"), 0);
	layer_dir_unref(full);
	cr_assert_eq(move("dir", "full"), 0);
	cr_assert(view_shows("full/sub/deep", "deep"));
	cr_assert_eq(view_find("dir").layer, LAYER_NONE);
	cr_assert(view_lists("full", "sub/ "));
	cr_assert_eq(work_count(), 0);
}

Test(rename, a_directory_takes_the_place_of_one_that_was_removed)
{
	cr_assert_eq(view_rmdir(view_fixture.root, "empty"), 0);
	cr_assert_eq(move("dir", "empty"), 0);
	cr_assert(view_shows("empty/sub/deep", "deep"));
	cr_assert_eq(upper_mode("dir"), WHITEOUT);
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(move("empty", "file"), 0);
	cr_assert(view_shows("file/sub/deep", "deep"));
	cr_assert_eq(view_find("empty").layer, LAYER_NONE);
}

Test(rename, an_exchange_swaps_whatever_the_two_are)
{
	cr_assert_eq(move_with("file", "dir", RENAME_EXCHANGE), 0);
	cr_assert(view_shows("dir", "lower"));
	cr_assert(view_shows("file/sub/deep", "deep"));
	cr_assert_eq(move_with("file", "full", RENAME_EXCHANGE), 0);
	cr_assert(view_shows("full/sub/deep", "deep"));
	cr_assert(view_shows("file/x", "x"));
	cr_assert_eq(work_count(), 0);
}

Test(rename, a_private_file_becomes_a_lock_in_the_lower)
{
	view_put("made", "pid");
	cr_assert_eq(move_with("made", "x.lock", RENAME_NOREPLACE), 0);
	cr_assert(lower_holds("x.lock", "pid"));
	cr_assert(view_shows("made", NULL));
	view_put("made", "other");
	cr_assert_eq(move_with("made", "x.lock", RENAME_NOREPLACE), -EEXIST);
	cr_assert(view_shows("made", "other"));
	cr_assert_eq(move("made", "x.lock"), 0);
	cr_assert(lower_holds("x.lock", "other"));
}

Test(rename, a_lock_becomes_a_private_file)
{
	lower_put("x.lock", "new content");
	cr_assert_eq(move("x.lock", "file"), 0);
	cr_assert(view_shows("file", "new content"));
	cr_assert(lower_holds("file", "lower"));
	cr_assert(lower_holds("x.lock", NULL));
	lower_put("x.lock", "again");
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(move_with("x.lock", "file", RENAME_NOREPLACE), 0);
	cr_assert(view_shows("file", "again"));
	cr_assert_eq(work_count(), 0);
}

Test(rename, a_lock_does_not_replace_a_private_file_against_its_will)
{
	lower_put("x.lock", "new content");
	cr_assert_eq(move_with("x.lock", "file", RENAME_NOREPLACE), -EEXIST);
	cr_assert(lower_holds("x.lock", "new content"));
	cr_assert(view_shows("file", "lower"));
}

Test(rename, locks_move_in_the_lower)
{
	lower_put("x.lock", "held");
	cr_assert_eq(move("x.lock", "y.lock"), 0);
	cr_assert(lower_holds("y.lock", "held"));
	cr_assert_eq(upper_mode("y.lock"), 0);
}

Test(rename, directories_do_not_move_between_layers)
{
	cr_assert_eq(move("dir", "dir.lock"), -EXDEV);
	lower_put("d.lock/pid", "1");
	cr_assert_eq(move("d.lock", "private"), -EXDEV);
	lower_put("x.lock", "1");
	cr_assert_eq(move_with("file", "x.lock", RENAME_EXCHANGE), -EXDEV);
	cr_assert(view_shows("dir/sub/deep", "deep"));
}

Test(rename, a_cached_directory_goes_on_where_it_was_moved)
{
	struct layer_dir *dir = view_dir("dir"), *sub;

	cr_assert_eq(view_open_dir(dir, "sub", &sub), 0);
	cr_assert_eq(
		view_rename(view_fixture.root, "dir", view_fixture.root, "moved", 0, dir, NULL), 0);
	cr_assert_eq(layer_dir_moved(dir, view_fixture.root, "moved"), 0);
	cr_assert_eq(copyup_entry(sub, "deep", COPYUP_EMPTY, NULL), 0);
	cr_assert(view_shows("moved/sub/deep", ""));
	cr_assert_eq(upper_mode("dir"), WHITEOUT);
	layer_dir_unref(sub);
	layer_dir_unref(dir);
}

static void copy_up(const char *path)
{
	struct layer_dir *dir = view_dir(path);

	cr_assert_eq(layer_dir_copy_up(dir), 0);
	layer_dir_unref(dir);
}

static int failing_rename;

static int fail_one_rename(const char *call)
{
	return strcmp(call, "renameat2") == 0 && failing_rename-- == 0 ? -ENOSPC : 0;
}

/*
 * Moves, with that rename of the backing failing; false when there is none of that number. What
 * moves is in the upper before: else the first failure would be followed by fewer.
 */
static bool move_fails_at(int number, const char *from, const char *to)
{
	int r;

	failing_rename = number;
	sys_fault_hook = fail_one_rename;
	r = move(from, to);
	sys_fault_hook = NULL;
	cr_assert(r == 0 || r == -ENOSPC);
	cr_assert_lt(number, 8);
	return r < 0;
}

Test(rename, a_failure_leaves_both_files_as_they_were)
{
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	for (int i = 0; move_fails_at(i, "file", "other"); i++) {
		cr_assert(view_shows("file", "lower"));
		cr_assert(view_shows("other", "other"));
	}
	cr_assert(view_shows("other", "lower"));
}

Test(rename, a_failure_leaves_both_directories_as_they_were)
{
	copy_up("dir");
	for (int i = 0; move_fails_at(i, "dir", "empty"); i++) {
		cr_assert(view_shows("dir/sub/deep", "deep"));
		cr_assert(view_lists("empty", ""));
	}
	cr_assert(view_shows("empty/sub/deep", "deep"));
}

Test(rename, a_failure_leaves_a_directory_of_whiteouts_where_it_was)
{
	struct layer_dir *full = view_dir("full");

	cr_assert_eq(view_unlink(full, "x"), 0);
	layer_dir_unref(full);
	copy_up("dir");
	for (int i = 0; move_fails_at(i, "dir", "full"); i++) {
		cr_assert(view_shows("dir/sub/deep", "deep"));
		cr_assert(view_lists("full", ""));
		cr_assert_eq(work_count(), 0);
	}
	cr_assert(view_shows("full/sub/deep", "deep"));
	cr_assert_eq(view_find("dir").layer, LAYER_NONE);
}
