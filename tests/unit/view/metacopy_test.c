/* SPDX-License-Identifier: MIT */
#include "view/metacopy.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/sys.h"
#include "support/view_fixture.h"
#include "view/copyup.h"
#include "view/create.h"
#include "view/remove.h"
#include "view/rename.h"

#define BIG (300u << 10)

static char big_text[BIG + 1];
static struct metacopy_world metacopies;

static void setup(void)
{
	view_fixture_make(SHARE_OVERLAY);
	for (size_t i = 0; i < BIG; i++)
		big_text[i] = (char)('a' + i % 23);
	lower_put("big", big_text);
	lower_put("dir/big", big_text);
	lower_put("small", "small");
	metacopies = view_metacopy_world(view_fixture.root->view);
}

static void teardown(void)
{
	sys_fault_hook = NULL;
	view_fixture_free();
}

TestSuite(metacopy, .init = setup, .fini = teardown);

static int upper(void)
{
	return layer_dir_upper(view_fixture.root);
}

static struct stat stat_of(int dirfd, const char *name)
{
	struct stat st;

	cr_assert_eq(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW), 0, "%s", name);
	return st;
}

static bool is_metacopy(const char *name)
{
	return metacopy_is(&view_fixture.setup.names, upper(), name) == 1;
}

static void defer(const char *name)
{
	cr_assert_eq(copyup_entry(view_fixture.root, name, COPYUP_DEFERRED, NULL), 0);
	if (!is_metacopy(name))
		cr_skip_test("the file system copies by reference");
}

static int complete(const char *name)
{
	int fd = openat(upper(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int r = metacopy_complete(&metacopies, fd, NULL);

	close(fd);
	return r;
}

static void lower_file(const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "%s/lower/%s", world.scratch, name);
}

static void set_mtime(int dirfd, const char *name, time_t seconds)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {seconds, 7}};

	cr_assert_eq(utimensat(dirfd, name, times, 0), 0);
}

static struct stat shown(const char *name)
{
	struct resolved found = view_find(name);

	cr_assert_neq(found.layer, LAYER_NONE);
	return found.st;
}

Test(metacopy, has_the_attributes_and_takes_no_room)
{
	struct stat was = stat_of(view_fixture.lower, "big"), is, raw;

	defer("big");
	raw = stat_of(upper(), "big");
	cr_assert_lt(raw.st_blocks, 64);
	cr_assert_eq(raw.st_size, BIG);
	is = shown("big");
	cr_assert_eq(is.st_size, BIG);
	cr_assert_eq(is.st_blocks, was.st_blocks);
	cr_assert_eq(is.st_mode, was.st_mode);
	cr_assert_eq(is.st_mtim.tv_nsec, was.st_mtim.tv_nsec);
	cr_assert_eq(is.st_ino, raw.st_ino);
	cr_assert(view_shows("big", big_text));
	cr_assert_eq(view_find("big").origin_ino, was.st_ino);
	cr_assert_eq(work_count(), 0);
}

Test(metacopy, is_not_made_of_what_is_small)
{
	cr_assert_eq(copyup_entry(view_fixture.root, "small", COPYUP_DEFERRED, NULL), 0);
	cr_assert_not(is_metacopy("small"));
	cr_assert(view_shows("small", "small"));
}

Test(metacopy, is_not_made_of_what_has_capabilities)
{
	static const unsigned char capabilities[20] = {0, 0, 0, 2, 0, 4};
	char path[128];

	lower_file("big", path, sizeof(path));
	cr_assert_eq(setxattr(path, "security.capability", capabilities, sizeof(capabilities), 0),
		     0);
	cr_assert_eq(copyup_entry(view_fixture.root, "big", COPYUP_DEFERRED, NULL), 0);
	cr_assert_not(is_metacopy("big"));
	cr_assert(view_shows("big", big_text));
}

Test(metacopy, gets_its_data_and_keeps_everything_else)
{
	struct stat before, after;

	defer("big");
	cr_assert_eq(fchmodat(upper(), "big", 04751, 0), 0);
	cr_assert_eq(linkat(upper(), "big", upper(), "other", 0), 0);
	set_mtime(upper(), "big", 1000);
	before = shown("big");
	cr_assert_eq(complete("big"), 0);
	after = shown("big");
	cr_assert_not(is_metacopy("big"));
	cr_assert_not(is_metacopy("other"));
	cr_assert(view_shows("big", big_text));
	cr_assert(view_shows("other", big_text));
	cr_assert_eq(after.st_mode, before.st_mode);
	cr_assert_eq(after.st_mtim.tv_sec, 1000);
	cr_assert_eq(after.st_ino, before.st_ino);
	cr_assert_eq(after.st_nlink, 2);
	/* Nothing of it is left. */
	cr_assert_eq(sys_get_xattr(upper(), "big", view_fixture.setup.names.redirect, NULL, 0),
		     -ENODATA);
	cr_assert_eq(sys_get_xattr(upper(), "big", view_fixture.setup.names.pending, NULL, 0),
		     -ENODATA);
	/* Its lower no longer matters. */
	lower_put("big", "else");
	cr_assert(view_shows("big", big_text));
	cr_assert_eq(complete("big"), 0);
}

Test(metacopy, is_cut_without_its_data)
{
	int fd;

	defer("big");
	cr_assert_eq(unlinkat(view_fixture.lower, "big", 0), 0);
	fd = openat(upper(), "big", O_PATH | O_CLOEXEC);
	cr_assert_eq(metacopy_cut(&view_fixture.setup.names, fd), 0);
	cr_assert_eq(metacopy_cut(&view_fixture.setup.names, fd), 0);
	close(fd);
	cr_assert_not(is_metacopy("big"));
	cr_assert_eq(shown("big").st_size, 0);
}

Test(metacopy, holes_stay_holes)
{
	int fd = openat(view_fixture.lower, "holes", O_CREAT | O_RDWR | O_CLOEXEC, 0644);

	cr_assert_eq(pwrite(fd, "end", 3, 4 << 20), 3);
	close(fd);
	defer("holes");
	cr_assert_eq(complete("holes"), 0);
	cr_assert_eq(shown("holes").st_size, (4 << 20) + 3);
	cr_assert_lt(stat_of(upper(), "holes").st_blocks, 64);
}

Test(metacopy, shows_what_is_written_into_the_very_file)
{
	char path[128];
	int fd;

	defer("big");
	lower_file("big", path, sizeof(path));
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	cr_assert_eq(write(fd, "more", 4), 4);
	close(fd);
	set_mtime(view_fixture.lower, "big", 5000);
	cr_assert_eq(shown("big").st_size, BIG + 4);
	cr_assert_eq(shown("big").st_mtim.tv_sec, 5000);
	cr_assert_eq(complete("big"), 0);
	cr_assert_eq(shown("big").st_size, BIG + 4);
	cr_assert_eq(shown("big").st_mtim.tv_sec, 5000);
	cr_assert_eq(stat_of(upper(), "big").st_size, BIG + 4);
}

/* What the data of "big" can be opened as: 0 or negative errno. */
static int data_error(void)
{
	int fd = metacopy_open_data(&metacopies, upper(), "big", NULL);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

Test(metacopy, has_no_data_when_the_lower_has_lost_them)
{
	defer("big");
	cr_assert_eq(data_error(), 0);
	cr_assert_eq(unlinkat(view_fixture.lower, "big", 0), 0);
	cr_assert_eq(data_error(), -EIO);
	cr_assert_eq(complete("big"), -EIO);
	cr_assert(is_metacopy("big"));
	cr_assert_eq(shown("big").st_size, BIG);
	cr_assert_eq(view_unlink(view_fixture.root, "big"), 0);
	cr_assert(view_shows("big", NULL));
}

static void replace_lower(const char *text)
{
	lower_put("new", text);
	set_mtime(view_fixture.lower, "new", 99);
	cr_assert_eq(renameat(view_fixture.lower, "new", view_fixture.lower, "big"), 0);
}

Test(metacopy, follows_its_name_in_the_lower)
{
	defer("big");
	replace_lower("new");
	cr_assert(view_shows("big", "new"));
	cr_assert_eq(shown("big").st_size, 3);
	cr_assert_eq(shown("big").st_mtim.tv_sec, 99);
	cr_assert_eq(complete("big"), 0);
	cr_assert(view_shows("big", "new"));
	cr_assert_eq(shown("big").st_mtim.tv_sec, 99);
}

Test(metacopy, that_was_moved_does_not_follow_the_name)
{
	cr_assert_eq(view_rename(view_fixture.root, "big", view_fixture.root, "moved", 0, NULL,
				 NULL),
		     0);
	cr_assert_eq(view_rename(view_fixture.root, "moved", view_fixture.root, "big", 0, NULL,
				 NULL),
		     0);
	if (!is_metacopy("big"))
		cr_skip_test("the file system copies by reference");
	replace_lower(big_text);
	cr_assert_eq(data_error(), -EIO);
	replace_lower("new");
	cr_assert_eq(data_error(), -EIO);
}

Test(metacopy, that_was_linked_does_not_follow_the_name)
{
	defer("big");
	cr_assert_eq(view_link(view_fixture.root, "big", view_fixture.root, "other"), 0);
	replace_lower("new");
	cr_assert_eq(data_error(), -EIO);
}

Test(metacopy, that_was_moved_follows_the_same_content_under_another_number)
{
	struct stat st;

	defer("big");
	cr_assert_eq(metacopy_note_moved(&metacopies, upper(), "big"), 0);
	st = stat_of(view_fixture.lower, "big");
	lower_put("restored", big_text);
	cr_assert_eq(utimensat(view_fixture.lower, "restored",
			       (const struct timespec[2]){st.st_atim, st.st_mtim}, 0),
		     0);
	cr_assert_eq(renameat(view_fixture.lower, "restored", view_fixture.lower, "big"), 0);
	cr_assert_eq(data_error(), 0);
}

Test(metacopy, shows_nobody_what_was_closed_to_him_since)
{
	defer("big");
	cr_assert_eq(fchmodat(view_fixture.lower, "big", 0600, 0), 0);
	cr_assert_eq(data_error(), -EIO);
	cr_assert_eq(fchmodat(view_fixture.lower, "big", 0755, 0), 0);
	cr_assert_eq(data_error(), 0);
	cr_assert_eq(fchownat(view_fixture.lower, "big", 4711, 0, 0), 0);
	cr_assert_eq(data_error(), -EIO);
	cr_assert_eq(fchownat(view_fixture.lower, "big", 0, 4711, 0), 0);
	cr_assert_eq(data_error(), -EIO);
}

Test(metacopy, does_not_follow_symlinks_of_the_lower)
{
	struct layer_dir *dir = view_dir("dir");
	int fd;

	cr_assert_eq(copyup_entry(dir, "big", COPYUP_DEFERRED, NULL), 0);
	cr_assert_eq(renameat(view_fixture.lower, "dir", view_fixture.lower, "moved"), 0);
	cr_assert_eq(symlinkat("moved", view_fixture.lower, "dir"), 0);
	fd = metacopy_open_data(&metacopies, layer_dir_upper(dir), "big", NULL);
	cr_assert(fd == -EIO || fd == -ENODATA);
	layer_dir_unref(dir);
}

static int failing_call;
static const char *failing_name;
static int failure;

/* Each call of that name from the failing_call-th on. */
static int fail_from(const char *call)
{
	return strcmp(call, failing_name) == 0 && failing_call-- <= 0 ? failure : 0;
}

static void fail(const char *name, int after, int error)
{
	failing_name = name;
	failing_call = after;
	failure = error;
	sys_fault_hook = fail_from;
}

Test(metacopy, is_one_still_when_the_disk_is_full)
{
	struct stat before, after;
	int fd = openat(view_fixture.lower, "big", O_WRONLY | O_CLOEXEC);

	/* Two extents, of which one comes through. */
	cr_assert_eq(pwrite(fd, big_text, BIG, 8 << 20), BIG);
	close(fd);
	defer("big");
	set_mtime(upper(), "big", 1000);
	before = shown("big");
	fail("copy_file_range", 1, -ENOSPC);
	cr_assert_eq(complete("big"), -ENOSPC);
	sys_fault_hook = NULL;
	cr_assert(is_metacopy("big"));
	after = shown("big");
	cr_assert_eq(after.st_mtim.tv_sec, 1000);
	cr_assert_eq(after.st_size, before.st_size);
	cr_assert_lt(stat_of(upper(), "big").st_blocks, 64);
	cr_assert_eq(complete("big"), 0);
	cr_assert_eq(shown("big").st_mtim.tv_sec, 1000);
}

Test(metacopy, shows_its_own_time_when_a_copy_was_cut_short)
{
	int fd;

	defer("big");
	set_mtime(upper(), "big", 1000);
	/* As a kill leaves it: the time was noted, something was written. */
	fd = openat(upper(), "big", O_RDWR | O_CLOEXEC);
	fail("fremovexattr", 0, -EIO);
	cr_assert_eq(metacopy_complete(&metacopies, fd, NULL), -EIO);
	sys_fault_hook = NULL;
	cr_assert_eq(shown("big").st_mtim.tv_sec, 1000);
	cr_assert(view_shows("big", big_text));
	close(fd);
}

Test(metacopy, is_copied_by_a_buffer_where_the_kernel_does_not)
{
	defer("big");
	fail("copy_file_range", 0, -EXDEV);
	cr_assert_eq(complete("big"), 0);
	cr_assert(view_shows("big", big_text));
}

Test(metacopy, moves_and_is_linked_as_the_file_that_it_is)
{
	struct layer_dir *dir = view_dir("dir");

	cr_assert_eq(view_rename(view_fixture.root, "big", dir, "moved", 0, NULL, NULL), 0);
	cr_assert(view_find("dir/moved").metacopy);
	cr_assert(view_shows("dir/moved", big_text));
	cr_assert(view_shows("big", NULL));
	cr_assert_eq(view_link(dir, "moved", view_fixture.root, "linked"), 0);
	cr_assert_eq(
		view_rename(view_fixture.root, "dir", view_fixture.root, "there", 0, dir, NULL), 0);
	layer_dir_unref(dir);
	cr_assert(view_shows("there/moved", big_text));
	cr_assert(view_shows("there/big", big_text));
	cr_assert(view_shows("linked", big_text));
	cr_assert_eq(shown("linked").st_ino, shown("there/moved").st_ino);
	cr_assert_eq(complete("linked"), 0);
	cr_assert(view_shows("there/moved", big_text));
	cr_assert_not(view_find("there/moved").metacopy);
	cr_assert(lower_holds("big", big_text));
}

Test(metacopy, becomes_a_lock_with_its_data)
{
	defer("big");
	cr_assert_eq(view_rename(view_fixture.root, "big", view_fixture.root, "x.lock", 0, NULL,
				 NULL),
		     0);
	cr_assert(lower_holds("x.lock", big_text));
}

Test(metacopy, who_writes_and_who_changes_attributes_agree)
{
	/* A write came first, or second: either way it is complete for who asks for its data. */
	defer("big");
	cr_assert_eq(copyup_entry(view_fixture.root, "big", COPYUP_WHOLE, NULL), 0);
	cr_assert(is_metacopy("big"));
	cr_assert_eq(copyup_entry(view_fixture.root, "big", COPYUP_EMPTY, NULL), 0);
	cr_assert(is_metacopy("big"));
	cr_assert(view_shows("big", big_text));
}
