/* SPDX-License-Identifier: MIT */
#include "view/listing.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "support/view_fixture.h"
#include "view/copyup.h"
#include "view/create.h"
#include "view/remove.h"

static const struct creator root = {0};

static void setup(void)
{
	view_fixture_make(SHARE_OVERLAY);
	lower_put("file", "lower");
	lower_put("dir/inside", "inside");
	cr_assert_eq(symlinkat("x", view_fixture.lower, "link"), 0);
}

TestSuite(listing, .init = setup, .fini = view_fixture_free);
/* Of other modes: each test makes its share itself. */
TestSuite(listing_mode, .fini = view_fixture_free);

Test(listing, the_lower_is_listed_before_anything_is_changed)
{
	cr_assert(view_lists("", "dir/ file link@ "));
	cr_assert(view_lists("dir", "inside "));
}

Test(listing, a_name_in_both_layers_is_listed_once)
{
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	view_put("new", "x");
	view_put("dir/new", "x");
	cr_assert(view_lists("", "dir/ file link@ new "));
	cr_assert(view_lists("dir", "inside new "));
}

Test(listing, a_whiteout_hides_and_is_not_listed)
{
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(layout_make_whiteout(view_fixture.lower, "theirs"), 0);
	cr_assert(view_lists("", "dir/ link@ "));
}

Test(listing, a_new_type_in_the_upper_is_the_one_listed)
{
	cr_assert_eq(view_unlink(view_fixture.root, "link"), 0);
	cr_assert_eq(view_mkdir(view_fixture.root, "link", 0755, &root), 0);
	cr_assert(view_lists("", "dir/ file link/ "));
}

Test(listing, a_lock_is_listed_from_the_lower_alone)
{
	lower_put("x.lock", "held");
	cr_assert_eq(layer_dir_copy_up(view_fixture.root), 0);
	cr_assert_eq(mkdirat(layer_dir_upper(view_fixture.root), "x.lock", 0755), 0);
	cr_assert_eq(mkdirat(layer_dir_upper(view_fixture.root), "y.lock", 0755), 0);
	cr_assert(view_lists("", "dir/ file link@ x.lock "));
}

Test(listing, the_layer_of_each_entry_is_known)
{
	struct listing listing;

	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	cr_assert_eq(view_list(view_fixture.root, &listing), 0);
	cr_assert_eq(listing.count, 3);
	for (size_t i = 0; i < 3; i++) {
		struct resolved found = view_find(listing.entries[i].name);

		cr_assert_eq(listing.entries[i].layer, found.layer);
		cr_assert_eq(listing.entries[i].ino, found.st.st_ino);
	}
	view_listing_release(&listing);
	cr_assert_eq(listing.count, 0);
}

Test(listing, a_directory_made_anew_shows_nothing_of_the_old)
{
	struct layer_dir *dir = view_dir("dir");

	cr_assert_eq(view_check_empty(dir), -ENOTEMPTY);
	cr_assert_eq(view_unlink(dir, "inside"), 0);
	cr_assert_eq(view_check_empty(dir), 0);
	layer_dir_unref(dir);
	cr_assert_eq(view_rmdir(view_fixture.root, "dir"), 0);
	cr_assert_eq(view_mkdir(view_fixture.root, "dir", 0755, &root), 0);
	lower_put("dir/later", "x");
	cr_assert(view_lists("dir", ""));
}

Test(listing, many_names_of_both_layers_are_each_listed_once)
{
	struct layer_dir *dir;
	struct listing listing;
	char path[32];

	for (int i = 0; i < 1500; i++) {
		snprintf(path, sizeof(path), "dir/lower%d", i);
		lower_put(path, "");
		snprintf(path, sizeof(path), "dir/upper%d", i);
		view_put(path, "");
	}
	dir = view_dir("dir");
	for (int i = 0; i < 1500; i += 2) {
		snprintf(path, sizeof(path), "lower%d", i);
		cr_assert_eq(i % 4 ? view_unlink(dir, path)
				   : copyup_entry(dir, path, COPYUP_WHOLE, NULL),
			     0);
	}
	cr_assert_eq(view_list(dir, &listing), 0);
	cr_assert_eq(listing.count, 1 + 1500 + 1500 - 375);
	view_listing_release(&listing);
	layer_dir_unref(dir);
}

Test(listing_mode, an_empty_share_lists_locks_only)
{
	view_fixture_make(SHARE_EMPTY);
	lower_put("file", "lower");
	lower_put("x.lock", "held");
	view_put("made", "x");
	cr_assert(view_lists("", "made x.lock "));
}
