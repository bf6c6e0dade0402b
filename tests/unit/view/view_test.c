/* SPDX-License-Identifier: MIT */
#include "view/view.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/view_fixture.h"
#include "view/create.h"
#include "view/remove.h"

static const struct creator root = {0};

static void setup(void)
{
	view_fixture_make(SHARE_OVERLAY);
	lower_put("dir", NULL);
}

TestSuite(view, .init = setup, .fini = view_fixture_free);

static void change(struct layer_dir *dir)
{
	/* By way of the work directory: a directory takes the place of a whiteout, and goes again. */
	cr_assert_eq(view_rmdir(dir, "dir"), 0);
	cr_assert_eq(view_mkdir(dir, "dir", 0755, &root), 0);
}

/*
 * The kernel forgets a view and asks for it anew, while something still uses the first. What a
 * failure left in the work directory is in nobody's way either.
 */
Test(view, two_of_one_session_do_not_meet_in_the_work_directory)
{
	struct layer_dir *other;
	char left_over[VIEW_TEMPORARY_SIZE];

	change(view_fixture.root);
	for (int i = 0; i < 8; i++) {
		view_temporary_name(left_over);
		cr_assert_eq(mknodat(view_fixture.root->view->work_fd, left_over, S_IFREG, 0), 0);
	}
	other = view_fixture_reopen();
	for (int i = 0; i < 4; i++)
		change(other);
	layer_dir_unref(other);
}
