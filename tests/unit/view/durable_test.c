/* SPDX-License-Identifier: MIT */
#include "view/durable.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "support/view_fixture.h"
#include "view/rename.h"

static int syncs, failing;

static int count_syncs(const char *call)
{
	if (strcmp(call, "fsync") != 0)
		return 0;
	return ++syncs == failing ? -EIO : 0;
}

/* durable_names(), whose sync number `fails` fails (0: none does); syncs: how many there were. */
static int names(struct layer_dir *dir, int fails)
{
	int r;

	syncs = 0;
	failing = fails;
	sys_fault_hook = count_syncs;
	r = durable_names(dir);
	sys_fault_hook = NULL;
	return r;
}

static void setup(void)
{
	view_fixture_make(SHARE_OVERLAY);
	lower_put("a/b/file", "lower");
	view_put("a/b/new", "new");
}

TestSuite(durable, .init = setup, .fini = view_fixture_free);

/* b, a, the root, and the four above it in the store. */
Test(durable, all_above_is_synced_once)
{
	_cleanup_layer_dir_ struct layer_dir *dir = view_dir("a/b");

	cr_assert_eq(names(dir, 0), 0);
	cr_assert_eq(syncs, 7);
	cr_assert_eq(names(dir, 0), 0);
	cr_assert_eq(syncs, 1, "its own names may be new each time");
}

Test(durable, what_failed_is_synced_again)
{
	for (int fails = 1; fails <= 7; fails++) {
		_cleanup_layer_dir_ struct layer_dir *root = view_fixture_reopen(), *dir = NULL;
		struct layer_dir *borrowed = view_fixture.root;

		view_fixture.root = root;
		dir = view_dir("a/b");
		view_fixture.root = borrowed;
		cr_assert_eq(names(dir, fails), -EIO);
		cr_assert_eq(syncs, fails);
		cr_assert_eq(names(dir, 0), 0);
		cr_assert_eq(syncs, 7, "after number %d failed", fails);
	}
}

Test(durable, a_directory_that_moved_is_synced_where_it_is)
{
	_cleanup_layer_dir_ struct layer_dir *dir = view_dir("a/b"), *root = view_dir("");

	cr_assert_eq(names(dir, 0), 0);
	cr_assert_eq(layer_dir_moved(dir, root, "b"), 0);
	cr_assert_eq(names(dir, 0), 0);
	cr_assert_eq(syncs, 2, "b and the root, whose own name is known to be there");
}
