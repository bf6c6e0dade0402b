/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"
#include "support/scratch.h"

static struct store *store;

static void set_up(void)
{
	char path[SCRATCH_SIZE + 8];
	char scratch[SCRATCH_SIZE];
	struct err err;

	scratch_make(scratch);
	snprintf(path, sizeof(path), "%s/store", scratch);
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
}

static void tear_down(void)
{
	store_free(store);
}

TestSuite(state_file, .init = set_up, .fini = tear_down);

static void expect_content(const void *data, size_t len)
{
	void *read = NULL;
	size_t read_len = 12345;

	cr_assert_eq(store_state_read(store, "tokens", &read, &read_len), 0);
	cr_assert_eq(read_len, len);
	cr_assert_eq(memcmp(read, data, len), 0);
	free(read);
}

static int read_code(void)
{
	void *data;
	size_t len;

	return store_state_read(store, "tokens", &data, &len);
}

Test(state_file, gives_back_what_was_written)
{
	cr_assert_eq(store_state_write(store, "tokens", "a\0b\n", 4), 0);
	expect_content("a\0b\n", 4);
}

Test(state_file, may_be_empty)
{
	cr_assert_eq(store_state_write(store, "tokens", NULL, 0), 0);
	expect_content("", 0);
}

Test(state_file, is_replaced)
{
	cr_assert_eq(store_state_write(store, "tokens", "long content", 12), 0);
	cr_assert_eq(store_state_write(store, "tokens", "x", 1), 0);
	expect_content("x", 1);
}

Test(state_file, not_there)
{
	cr_assert_eq(read_code(), -ENOENT);
}

Test(state_file, any_changed_byte_is_noticed)
{
	struct stat st;
	char byte;
	int fd;

	cr_assert_eq(store_state_write(store, "tokens", "0123456789", 10), 0);
	fd = openat(store_fd(store), "tokens", O_RDWR);
	cr_assert_eq(fstat(fd, &st), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		cr_assert_eq(pread(fd, &byte, 1, at), 1);
		byte ^= 1;
		cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
		cr_assert_eq(read_code(), -EBADMSG, "byte %ld", (long)at);
		byte ^= 1;
		cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
	}
	expect_content("0123456789", 10);
	close(fd);
}

Test(state_file, any_cut_is_noticed)
{
	struct stat st;
	int fd;

	cr_assert_eq(store_state_write(store, "tokens", "0123456789", 10), 0);
	fd = openat(store_fd(store), "tokens", O_RDWR);
	cr_assert_eq(fstat(fd, &st), 0);
	for (off_t size = st.st_size - 1; size >= 0; size--) {
		cr_assert_eq(ftruncate(fd, size), 0);
		cr_assert_eq(read_code(), -EBADMSG, "size %ld", (long)size);
	}
	close(fd);
}
