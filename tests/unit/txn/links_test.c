/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "txn/links.h"

static int meet(struct links *links, dev_t dev, ino_t ino, nlink_t nlink, size_t number,
		size_t *ret_first)
{
	const struct stat st = {
		.st_dev = dev, .st_ino = ino, .st_nlink = nlink, .st_mode = S_IFREG | 0644};

	return links_meet(links, &st, number, ret_first);
}

Test(links, tell_the_first_of_each_file)
{
	_cleanup_links_ struct links links = {0};
	const struct stat dir = {.st_mode = S_IFDIR | 0755, .st_nlink = 5, .st_ino = 9};
	size_t first = 99;

	cr_expect_eq(meet(&links, 1, 1, 2, 7, &first), 0);
	cr_expect_eq(meet(&links, 1, 1, 2, 8, &first), 1);
	cr_expect_eq(first, 7);
	/* Inode numbers are of a device; one name is no link; directories have more without being met twice. */
	cr_expect_eq(meet(&links, 2, 1, 2, 9, &first), 0);
	cr_expect_eq(meet(&links, 1, 2, 1, 10, &first), 0);
	cr_expect_eq(meet(&links, 1, 2, 1, 11, &first), 0);
	cr_expect_eq(links_meet(&links, &dir, 12, &first), 0);
	cr_expect_eq(links_meet(&links, &dir, 13, &first), 0);
	cr_expect_eq(first, 7);
	for (size_t i = 0; i < 10000; i++)
		cr_assert_eq(meet(&links, 3, i, 2, i, &first), 0);
	for (size_t i = 0; i < 10000; i++) {
		cr_assert_eq(meet(&links, 3, i, 2, 0, &first), 1);
		cr_assert_eq(first, i);
	}
}
