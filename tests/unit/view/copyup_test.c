/* SPDX-License-Identifier: MIT */
#include "view/copyup.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/sys.h"
#include "support/view_fixture.h"

static void setup(void)
{
	view_fixture_make(SHARE_OVERLAY);
	lower_put("file", "lower");
	lower_put("a/b/c/deep", "deep");
}

static void teardown(void)
{
	sys_fault_hook = NULL;
	view_fixture_free();
}

TestSuite(copyup, .init = setup, .fini = teardown);

static struct stat stat_in(int dirfd, const char *path)
{
	struct stat st;

	cr_assert_eq(fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW), 0, "%s", path);
	return st;
}

static int upper(void)
{
	return layer_dir_upper(view_fixture.root);
}

static void lower_path(const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "%s/lower/%s", world.scratch, name);
}

static int no_rename(const char *call)
{
	return strcmp(call, "renameat2") == 0 ? -EIO : 0;
}

Test(copyup, a_copy_has_the_content_and_all_attributes)
{
	const struct timespec times[2] = {{1000, 1}, {2000, 2}};
	char path[128], value[8] = "";
	struct stat was, is;
	int fd;

	lower_path("file", path, sizeof(path));
	cr_assert_eq(setxattr(path, "user.colour", "blue", 4, 0), 0);
	cr_assert_eq(chown(path, 12, 34), 0);
	cr_assert_eq(chmod(path, 06751), 0);
	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	was = stat_in(view_fixture.lower, "file");

	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	is = stat_in(upper(), "file");
	cr_assert_eq(is.st_mode, was.st_mode);
	cr_assert_eq(is.st_uid, 12);
	cr_assert_eq(is.st_gid, 34);
	cr_assert_eq(is.st_mtim.tv_sec, 2000);
	cr_assert_eq(is.st_mtim.tv_nsec, 2);
	cr_assert_eq(is.st_atim.tv_sec, 1000);
	fd = openat(upper(), "file", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(fgetxattr(fd, "user.colour", value, sizeof(value)), 4);
	cr_assert_str_eq(value, "blue");
	close(fd);
	cr_assert(view_shows("file", "lower"));
	cr_assert_eq(work_count(), 0);
}

Test(copyup, a_copy_remembers_what_the_lower_held)
{
	struct layout_base base;
	struct stat was = stat_in(view_fixture.lower, "file");

	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	cr_assert_eq(layout_get_base_at(&view_fixture.setup.names, upper(), "file", &base), 0);
	cr_assert(base.ino == was.st_ino && base.dev == was.st_dev && base.size == 5);
}

Test(copyup, attributes_of_an_overlay_below_are_left_behind)
{
	char path[128];
	int fd;

	lower_path("file", path, sizeof(path));
	cr_assert_eq(setxattr(path, "trusted.overlay.redirect", "/x", 2, 0), 0);
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	fd = openat(upper(), "file", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(fgetxattr(fd, "trusted.overlay.redirect", NULL, 0), -1);
	close(fd);
}

Test(copyup, holes_stay_holes)
{
	int fd = openat(view_fixture.lower, "holes", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	struct stat is;
	char end[4] = "";

	cr_assert_eq(ftruncate(fd, 64 << 20), 0);
	cr_assert_eq(pwrite(fd, "mid", 3, 32 << 20), 3);
	close(fd);
	cr_assert_eq(copyup_entry(view_fixture.root, "holes", COPYUP_WHOLE, NULL), 0);
	is = stat_in(upper(), "holes");
	cr_assert_eq(is.st_size, 64 << 20);
	cr_assert_lt(is.st_blocks, 2048);
	fd = openat(upper(), "holes", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(pread(fd, end, 3, 32 << 20), 3);
	cr_assert_str_eq(end, "mid");
	close(fd);
}

Test(copyup, for_a_truncation_no_data_are_copied)
{
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_EMPTY, NULL), 0);
	cr_assert_eq(stat_in(upper(), "file").st_size, 0);
	cr_assert(lower_holds("file", "lower"));
}

Test(copyup, symlinks_and_special_files_are_copied_as_such)
{
	cr_assert_eq(symlinkat("to/nowhere", view_fixture.lower, "link"), 0);
	cr_assert_eq(fchownat(view_fixture.lower, "link", 5, 6, AT_SYMLINK_NOFOLLOW), 0);
	cr_assert_eq(mknodat(view_fixture.lower, "fifo", S_IFIFO | 0640, 0), 0);
	cr_assert_eq(mknodat(view_fixture.lower, "null", S_IFCHR | 0666, 0x103), 0);
	cr_assert_eq(copyup_entry(view_fixture.root, "link", COPYUP_EMPTY, NULL), 0);
	cr_assert_eq(copyup_entry(view_fixture.root, "fifo", COPYUP_EMPTY, NULL), 0);
	cr_assert_eq(copyup_entry(view_fixture.root, "null", COPYUP_WHOLE, NULL), 0);
	cr_assert(view_shows("link", "to/nowhere"));
	cr_assert_eq(stat_in(upper(), "link").st_uid, 5);
	cr_assert_eq(stat_in(upper(), "fifo").st_mode, S_IFIFO | 0640);
	cr_assert_eq(stat_in(upper(), "null").st_rdev, 0x103);
}

Test(copyup, the_directories_above_come_along_without_what_else_is_in_them)
{
	struct layer_dir *dir;

	lower_put("a/b/beside", "x");
	cr_assert_eq(fchmodat(view_fixture.lower, "a/b", 02750, 0), 0);
	dir = view_dir("a/b/c");
	cr_assert_eq(copyup_entry(dir, "deep", COPYUP_WHOLE, NULL), 0);
	layer_dir_unref(dir);
	cr_assert_eq(upper_mode("a/b"), S_IFDIR | 02750);
	cr_assert_eq(upper_mode("a/b/beside"), 0);
	cr_assert(view_shows("a/b/beside", "x"));
	cr_assert(view_shows("a/b/c/deep", "deep"));
	cr_assert_eq(work_count(), 0);
}

Test(copyup, a_directory_is_not_copied_as_an_entry)
{
	cr_assert_eq(copyup_entry(view_fixture.root, "a", COPYUP_WHOLE, NULL), -EISDIR);
}

Test(copyup, who_comes_second_finds_the_copy)
{
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	cr_assert(view_shows("file", "lower"));
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_EMPTY, NULL), 0);
	cr_assert(view_shows("file", ""));
	cr_assert_eq(work_count(), 0);
}

Test(copyup, what_was_removed_meanwhile_is_not_there)
{
	cr_assert_eq(layer_dir_copy_up(view_fixture.root), 0);
	cr_assert_eq(layout_make_whiteout(upper(), "file"), 0);
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), -ENOENT);
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_EMPTY, NULL), -ENOENT);
	cr_assert_eq(unlinkat(view_fixture.lower, "a/b/c/deep", 0), 0);
	cr_assert_eq(copyup_entry(view_fixture.root, "nothing", COPYUP_WHOLE, NULL), -ENOENT);
	cr_assert_eq(work_count(), 0);
}

Test(copyup, a_failure_leaves_neither_a_copy_nor_a_part_of_one)
{
	cr_assert_eq(layer_dir_copy_up(view_fixture.root), 0);
	sys_fault_hook = no_rename;
	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), -EIO);
	sys_fault_hook = NULL;
	cr_assert_eq(upper_mode("file"), 0);
	cr_assert_eq(work_count(), 0);
	cr_assert(view_shows("file", "lower"));
}

Test(copyup, a_failure_of_a_directory_leaves_nothing)
{
	struct layer_dir *dir = view_dir("a/b");

	cr_assert_eq(layer_dir_copy_up(view_fixture.root), 0);
	sys_fault_hook = no_rename;
	cr_assert_eq(layer_dir_copy_up(dir), -EIO);
	sys_fault_hook = NULL;
	cr_assert_eq(upper_mode("a"), 0);
	cr_assert_eq(work_count(), 0);
	cr_assert_eq(layer_dir_copy_up(dir), 0);
	layer_dir_unref(dir);
}

static void *copy_all(void *arg)
{
	char name[16];

	(void)arg;
	for (int i = 0; i < 200; i++) {
		struct layer_dir *dir = view_dir("a/b/c");

		snprintf(name, sizeof(name), "f%d", i);
		cr_assert_eq(copyup_entry(dir, name, COPYUP_WHOLE, NULL), 0);
		layer_dir_unref(dir);
	}
	return NULL;
}

Test(copyup, threads_that_copy_the_same_files_all_succeed)
{
	pthread_t threads[4];
	char path[32];

	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "a/b/c/f%d", i);
		lower_put(path, path);
	}
	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, copy_all, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "a/b/c/f%d", i);
		cr_assert(S_ISREG(upper_mode(path)));
		cr_assert(view_shows(path, path));
	}
	cr_assert_eq(work_count(), 0);
}
