/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sys.h"
#include "store/store.h"
#include "view/seen.h"

static char root[64];
static int work_fd;

static void opened(void)
{
	strcpy(root, "/var/tmp/seen-XXXXXX");
	cr_assert(mkdtemp(root));
	work_fd = open(root, O_PATH | O_DIRECTORY);
	cr_assert_eq(mkdirat(work_fd, "work", 0700), 0);
	close(work_fd);
	cr_assert_eq(chdir(root), 0);
	work_fd = open("work", O_PATH | O_DIRECTORY);
	cr_assert(work_fd >= 0);
}

static void closed(void)
{
	close(work_fd);
	sys_remove_tree(AT_FDCWD, root);
}

TestSuite(seen, .init = opened, .fini = closed);

static void note(const char *path, ino_t ino)
{
	const struct stat st = {.st_ino = ino, .st_mode = S_IFREG};

	cr_assert_eq(seen_append(work_fd, path, ino ? &st : NULL), 0);
}

/* The inode that was noted of a path, 0: nothing. */
static uint64_t noted(const char *path)
{
	_cleanup_seen_ struct seen seen = {0};
	struct layout_base base;

	cr_assert_eq(seen_read(work_fd, &seen), 0);
	return seen_find(&seen, path, &base) ? base.ino : 0;
}

Test(seen, the_last_note_of_a_path_counts)
{
	cr_assert_eq(noted("a"), 0, "without a log");
	note("b", 1);
	note("a", 2);
	note("b", 3);
	note("a/b", 4);
	cr_assert_eq(noted("a"), 2);
	cr_assert_eq(noted("b"), 3);
	cr_assert_eq(noted("a/b"), 4);
	cr_assert_eq(noted("c"), 0);
}

Test(seen, what_was_dropped_counts_no_more)
{
	note("a", 1);
	note("a/b/c", 2);
	note("ab", 3);
	note("z", 4);
	note("a", 0);
	note("a/b", 5);
	cr_assert_eq(noted("a"), 0);
	cr_assert_eq(noted("a/b/c"), 0);
	cr_assert_eq(noted("a/b"), 5, "noted after the drop");
	cr_assert_eq(noted("ab"), 3);
	note("", 0);
	cr_assert_eq(noted("ab"), 0);
	cr_assert_eq(noted("z"), 0);
}

Test(seen, a_torn_note_costs_no_other)
{
	char bytes[4096];
	ssize_t size;
	int fd;

	note("a", 1);
	note("b", 2);
	fd = open(STORE_SEEN, O_RDONLY);
	size = read(fd, bytes, sizeof(bytes));
	close(fd);
	cr_assert_gt(size, 2);
	/* Each length that a crash may leave of the second; then it goes on. */
	for (ssize_t left = size / 2; left < size; left++) {
		fd = open(STORE_SEEN, O_WRONLY | O_TRUNC);
		cr_assert_eq(write(fd, bytes, (size_t)left), left);
		close(fd);
		note("c", 3);
		cr_assert_eq(noted("a"), 1, "%zd bytes", left);
		cr_assert_eq(noted("b"), 0, "%zd bytes", left);
		cr_assert_eq(noted("c"), 3, "%zd bytes", left);
	}
	/* Any byte that the disk got wrong. */
	for (ssize_t at = 0; at < size; at++) {
		char wrong = (char)(bytes[at] ^ 0x10);

		fd = open(STORE_SEEN, O_WRONLY | O_TRUNC);
		cr_assert_eq(write(fd, bytes, (size_t)size), size);
		cr_assert_eq(pwrite(fd, &wrong, 1, at), 1);
		close(fd);
		cr_assert_eq((noted("a") == 1) + (noted("b") == 2), 1, "byte %zd", at);
	}
}

/* Any user can have a name noted and dropped again and again; reading that must not take the square of it. */
Test(seen, many_drops_are_read_in_time, .timeout = 20)
{
	const int rounds = 60000;

	for (int i = 0; i < rounds; i++) {
		char path[64];

		snprintf(path, sizeof(path), "dir/%d/file", i);
		note(path, (ino_t)i + 1);
		if (i % 2)
			note(path, 0);
	}
	cr_assert_eq(noted("dir/4/file"), 5);
	cr_assert_eq(noted("dir/5/file"), 0);
}
