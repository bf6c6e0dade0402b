/* SPDX-License-Identifier: MIT */
#include "view/remove.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "support/view_fixture.h"
#include "view/copyup.h"
#include "view/create.h"

#define WHITEOUT S_IFCHR

static const struct creator root = {0};

static void setup(void)
{
	view_fixture_make(SHARE_OVERLAY);
	lower_put("file", "lower");
	lower_put("dir/inside", "inside");
	lower_put("empty", NULL);
}

TestSuite(remove, .init = setup, .fini = view_fixture_free);

static int unlink_in(const char *path, const char *name)
{
	struct layer_dir *dir = view_dir(path);
	int r = view_unlink(dir, name);

	layer_dir_unref(dir);
	return r;
}

Test(remove, a_file_of_the_lower_leaves_a_whiteout)
{
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(upper_mode("file"), WHITEOUT);
	cr_assert(view_shows("file", NULL));
	cr_assert(lower_holds("file", "lower"));
	cr_assert_eq(view_unlink(view_fixture.root, "file"), -ENOENT);
}

Test(remove, a_copy_leaves_a_whiteout_too)
{
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(upper_mode("file"), WHITEOUT);
	cr_assert_eq(work_count(), 0);
}

Test(remove, what_is_in_the_upper_alone_leaves_nothing)
{
	view_put("made", "x");
	cr_assert_eq(view_unlink(view_fixture.root, "made"), 0);
	cr_assert_eq(upper_mode("made"), 0);
	cr_assert_eq(view_mkdir(view_fixture.root, "made", 0755, &root), 0);
	cr_assert_eq(view_rmdir(view_fixture.root, "made"), 0);
	cr_assert_eq(upper_mode("made"), 0);
	cr_assert_eq(work_count(), 0);
}

Test(remove, a_file_that_the_lower_lost_meanwhile_leaves_nothing)
{
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	cr_assert_eq(unlinkat(view_fixture.lower, "file", 0), 0);
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(upper_mode("file"), 0);
}

Test(remove, types_are_told_apart)
{
	cr_assert_eq(view_unlink(view_fixture.root, "dir"), -EISDIR);
	cr_assert_eq(view_rmdir(view_fixture.root, "file"), -ENOTDIR);
	cr_assert_eq(view_unlink(view_fixture.root, "nothing"), -ENOENT);
	cr_assert_eq(view_rmdir(view_fixture.root, "nothing"), -ENOENT);
	cr_assert_eq(upper_mode("dir"), 0);
}

Test(remove, a_directory_in_which_something_shows_is_not_empty)
{
	cr_assert_eq(view_rmdir(view_fixture.root, "dir"), -ENOTEMPTY);
	cr_assert_eq(unlink_in("dir", "inside"), 0);
	view_put("dir/made", "x");
	cr_assert_eq(view_rmdir(view_fixture.root, "dir"), -ENOTEMPTY);
	lower_put("empty/x.lock", "held");
	cr_assert_eq(view_rmdir(view_fixture.root, "empty"), -ENOTEMPTY);
}

Test(remove, a_directory_of_whiteouts_alone_is_empty)
{
	cr_assert_eq(unlink_in("dir", "inside"), 0);
	cr_assert_eq(upper_mode("dir/inside"), WHITEOUT);
	cr_assert_eq(view_rmdir(view_fixture.root, "dir"), 0);
	cr_assert_eq(upper_mode("dir"), WHITEOUT);
	cr_assert_eq(work_count(), 0);
	cr_assert(lower_holds("dir/inside", "inside"));
}

Test(remove, a_directory_of_whiteouts_whose_lower_is_gone_leaves_nothing)
{
	cr_assert_eq(unlink_in("dir", "inside"), 0);
	cr_assert_eq(renameat(view_fixture.lower, "dir", view_fixture.lower, "away"), 0);
	cr_assert_eq(view_rmdir(view_fixture.root, "dir"), 0);
	cr_assert_eq(upper_mode("dir"), 0);
	cr_assert_eq(work_count(), 0);
}

Test(remove, an_empty_directory_of_the_lower_leaves_a_whiteout)
{
	cr_assert_eq(view_rmdir(view_fixture.root, "empty"), 0);
	cr_assert_eq(upper_mode("empty"), WHITEOUT);
	cr_assert_eq(faccessat(view_fixture.lower, "empty", F_OK, 0), 0);
}

Test(remove, a_lock_is_removed_from_the_lower)
{
	lower_put("x.lock", "held");
	lower_put("d.lock/pid", "1");
	cr_assert_eq(view_unlink(view_fixture.root, "x.lock"), 0);
	cr_assert(lower_holds("x.lock", NULL));
	cr_assert_eq(view_rmdir(view_fixture.root, "d.lock"), -ENOTEMPTY);
	cr_assert_eq(unlink_in("d.lock", "pid"), 0);
	cr_assert_eq(view_rmdir(view_fixture.root, "d.lock"), 0);
	cr_assert_eq(faccessat(view_fixture.lower, "d.lock", F_OK, 0), -1);
	cr_assert_eq(upper_mode("x.lock"), 0);
}

Test(remove, discarding_takes_what_the_upper_holds_and_hides_the_lower)
{
	view_put("dir/made", "x");
	cr_assert_eq(view_discard_upper(view_fixture.root, "dir", true), 0);
	cr_assert_eq(upper_mode("dir"), WHITEOUT);
	cr_assert_eq(work_count(), 0);
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	cr_assert_eq(view_discard_upper(view_fixture.root, "file", false), 0);
	cr_assert_eq(upper_mode("file"), WHITEOUT);
}
