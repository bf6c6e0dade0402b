/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/sys.h"
#include "txn/diff.h"

static char root[64];
static int upper, lower;
static struct layout_names names;

static void setup(void)
{
	int dir;

	strcpy(root, "/var/tmp/diff-XXXXXX");
	cr_assert(mkdtemp(root));
	dir = open(root, O_PATH | O_DIRECTORY);
	cr_assert(!mkdirat(dir, "upper", 0755) && !mkdirat(dir, "lower", 0755));
	upper = openat(dir, "upper", O_PATH | O_DIRECTORY);
	lower = openat(dir, "lower", O_PATH | O_DIRECTORY);
	close(dir);
	layout_names_init(&names, getuid() == 0 ? "trusted.overlay." : "user.overlay.");
}

static void teardown(void)
{
	close(upper);
	close(lower);
	sys_remove_tree(AT_FDCWD, root);
}

TestSuite(diff, .init = setup, .fini = teardown);

static void put(int dirfd, const char *path, const char *text)
{
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	cr_assert(fd >= 0, "%s: %s", path, strerror(errno));
	cr_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	cr_assert(!futimens(fd, times));
	close(fd);
}

static void dir(int dirfd, const char *path)
{
	cr_assert(!mkdirat(dirfd, path, 0755), "%s: %s", path, strerror(errno));
}

static int open_dir(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_PATH | O_DIRECTORY);

	cr_assert(fd >= 0);
	return fd;
}

static void opaque(const char *path)
{
	int fd = open_dir(upper, path);

	cr_assert_eq(layout_set_opaque(&names, fd), 0);
	close(fd);
}

static void redirect(const char *path, const char *to)
{
	int fd = open_dir(upper, path);

	cr_assert_eq(layout_set_redirect(&names, fd, to), 0);
	close(fd);
}

static void whiteout(const char *path)
{
	cr_assert_eq(layout_make_whiteout(upper, path), 0);
}

static int add_line(const struct diff_entry *entry, void *context)
{
	buf_add_format(context, "%c %s %s\n", entry->change, entry->path,
		       diff_type_name(entry->mode));
	return 0;
}

static void expect_below(int lower_fd, const char *wanted)
{
	_cleanup_buf_ struct buf list = {0};

	buf_add_str(&list, "");
	cr_assert_eq(diff_walk(&names, upper, lower_fd, add_line, &list), 0);
	cr_assert(strcmp(list.data ? list.data : "", wanted) == 0, "%s", list.data);
}

static void expect(const char *wanted)
{
	expect_below(lower, wanted);
}

Test(diff, nothing_changed_is_an_empty_list)
{
	put(lower, "a", "1");
	expect("");
}

Test(diff, a_new_tree_is_added_with_all_that_is_in_it)
{
	dir(upper, "d");
	dir(upper, "d/e");
	put(upper, "d/e/f", "1");
	cr_assert(!symlinkat("f", upper, "d/e/l"));
	cr_assert(!mkfifoat(upper, "d/p", 0600));
	expect("A d directory\nA d/e directory\nA d/e/f file\nA d/e/l symlink\nA d/p fifo\n");
}

Test(diff, a_file_of_other_size_or_content_is_modified)
{
	put(lower, "longer", "1");
	put(upper, "longer", "22");
	put(lower, "other", "1");
	put(upper, "other", "2");
	expect("M longer file\nM other file\n");
}

Test(diff, a_difference_behind_the_first_block_is_seen)
{
	char *text = malloc(200001);

	memset(text, 'x', 200000);
	text[200000] = '\0';
	put(lower, "big", text);
	put(lower, "same", text);
	put(upper, "same", text);
	text[199999] = 'y';
	put(upper, "big", text);
	free(text);
	expect("M big file\n");
}

Test(diff, a_copy_that_says_the_same_is_not_listed)
{
	put(lower, "a", "1");
	put(upper, "a", "1");
	dir(lower, "d");
	dir(upper, "d");
	cr_assert(!symlinkat("x", lower, "l") && !symlinkat("x", upper, "l"));
	expect("");
}

Test(diff, another_symlink_target_is_a_modification)
{
	cr_assert(!symlinkat("x", lower, "l") && !symlinkat("y", upper, "l"));
	expect("M l symlink\n");
}

Test(diff, mode_time_and_attributes_are_metadata)
{
	put(lower, "mode", "1");
	put(upper, "mode", "1");
	cr_assert(!fchmodat(upper, "mode", 0600, 0));
	put(lower, "time", "1");
	put(upper, "time", "1");
	cr_assert(!utimensat(upper, "time", NULL, 0));
	dir(lower, "dir");
	dir(upper, "dir");
	cr_assert(!fchmodat(upper, "dir", 0700, 0));
	expect("m dir directory\nm mode file\nm time file\n");
}

Test(diff, an_attribute_of_ours_counts_and_the_overlay_s_does_not)
{
	char path[128];

	put(lower, "a", "1");
	put(upper, "a", "1");
	put(lower, "b", "1");
	put(upper, "b", "1");
	snprintf(path, sizeof(path), "%s/upper/b", root);
	cr_assert(!setxattr(path, names.base, "x", 1, 0));
	snprintf(path, sizeof(path), "%s/lower/a", root);
	if (setxattr(path, "user.note", "x", 1, 0))
		cr_skip_test("no user attributes here");
	expect("m a file\n");
}

Test(diff, a_whiteout_removes_and_names_what_was_there)
{
	put(lower, "f", "1");
	dir(lower, "d");
	put(lower, "d/inside", "1");
	whiteout("f");
	whiteout("d");
	expect("D d directory\n"
	       "D f file\n");
}

Test(diff, a_whiteout_of_nothing_is_not_listed)
{
	whiteout("gone");
	expect("");
}

Test(diff, a_whiteout_by_attribute_removes)
{
	char path[128];

	put(lower, "f", "1");
	put(upper, "f", "");
	snprintf(path, sizeof(path), "%s/upper/f", root);
	cr_assert(!setxattr(path, names.whiteout, "", 0, 0));
	expect("D f file\n");
}

Test(diff, another_type_is_a_type_change)
{
	put(lower, "was-file", "1");
	dir(upper, "was-file");
	opaque("was-file");
	put(upper, "was-file/new", "1");
	dir(lower, "was-dir");
	put(lower, "was-dir/old", "1");
	put(upper, "was-dir", "1");
	expect("T was-dir file\nT was-file directory\nA was-file/new file\n");
}

Test(diff, what_an_opaque_directory_hides_is_removed)
{
	dir(lower, "d");
	put(lower, "d/hidden", "1");
	put(lower, "d/kept", "1");
	put(lower, "d/changed", "1");
	dir(upper, "d");
	opaque("d");
	put(upper, "d/kept", "1");
	put(upper, "d/changed", "2");
	put(upper, "d/new", "1");
	expect("M d/changed file\n"
	       "D d/hidden file\nA d/new file\n");
}

Test(diff, a_directory_that_merges_hides_nothing)
{
	dir(lower, "d");
	put(lower, "d/shown", "1");
	dir(upper, "d");
	put(upper, "d/new", "1");
	expect("A d/new file\n");
}

Test(diff, a_renamed_lower_directory_is_removed_and_added)
{
	dir(lower, "old");
	put(lower, "old/a", "1");
	put(lower, "old/b", "1");
	dir(lower, "old/sub");
	put(lower, "old/sub/c", "1");
	whiteout("old");
	dir(upper, "new");
	redirect("new", "old");
	whiteout("new/a");
	expect("A new directory\nA new/b file\nA new/sub directory\nA new/sub/c file\n"
	       "D old directory\n");
}

Test(diff, a_renamed_directory_over_another_is_compared_with_that)
{
	dir(lower, "old");
	put(lower, "old/same", "1");
	put(lower, "old/mine", "1");
	dir(lower, "new");
	put(lower, "new/same", "1");
	put(lower, "new/theirs", "1");
	whiteout("old");
	dir(upper, "new");
	redirect("new", "old");
	expect("A new/mine file\n"
	       "D new/theirs file\n"
	       "D old directory\n");
}

Test(diff, without_a_lower_all_is_added)
{
	put(lower, "a", "1");
	put(upper, "a", "1");
	whiteout("b");
	expect_below(-1, "A a file\n");
}

Test(diff, paths_come_in_byte_order)
{
	dir(upper, "a");
	put(upper, "a/x", "1");
	put(upper, "a.b", "1");
	put(upper, "Z", "1");
	expect("A Z file\nA a directory\nA a.b file\nA a/x file\n");
}

Test(diff, a_symlink_in_the_lower_s_place_is_not_followed)
{
	dir(lower, "real");
	put(lower, "real/secret", "1");
	cr_assert(!symlinkat("real", lower, "d"));
	dir(upper, "d");
	put(upper, "d/mine", "1");
	expect("T d directory\nA d/mine file\n");
}

Test(diff, a_tree_deeper_than_a_path_is_listed_as_far_as_paths_go)
{
	char name[201];
	int at = dup(upper), below;
	_cleanup_buf_ struct buf list = {0};
	size_t lines = 0;

	memset(name, 'n', 200);
	name[200] = '\0';
	for (int i = 0; i < 30; i++) {
		cr_assert(!mkdirat(at, name, 0755));
		below = openat(at, name, O_PATH | O_DIRECTORY);
		close(at);
		at = below;
	}
	close(at);
	cr_assert_eq(diff_walk(&names, upper, lower, add_line, &list), 0);
	for (const char *line = list.data; (line = strchr(line, '\n')); line++)
		lines++;
	cr_assert_eq(lines, 20);
}

static int stop_at_second(const struct diff_entry *entry, void *context)
{
	(void)entry;
	return ++*(int *)context == 2 ? 7 : 0;
}

Test(diff, the_callback_can_end_the_walk)
{
	int calls = 0;

	put(upper, "a", "1");
	put(upper, "b", "1");
	put(upper, "c", "1");
	cr_assert_eq(diff_walk(&names, upper, lower, stop_at_second, &calls), 7);
	cr_assert_eq(calls, 2);
}
