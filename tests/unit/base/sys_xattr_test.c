/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/sys.h"
#include "support/scratch.h"

#define NAME "user.sessionfs-test"

static int dir_fd;

static void setup(void)
{
	char dir[SCRATCH_SIZE];
	int fd;

	scratch_make(dir);
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_assert(dir_fd >= 0);
	fd = openat(dir_fd, "file", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	cr_assert(fd >= 0);
	if (fsetxattr(fd, NAME, "value", 5, 0))
		cr_skip_test("no user attributes here");
	close(fd);
	cr_assert_eq(symlinkat("file", dir_fd, "link"), 0);
}

static void teardown(void)
{
	close(dir_fd);
}

TestSuite(sys_get_xattr, .init = setup, .fini = teardown);

Test(sys_get_xattr, reads_below_an_o_path_fd)
{
	char value[8] = "";

	cr_assert_eq(sys_get_xattr(dir_fd, "file", NAME, value, sizeof(value)), 5);
	cr_assert_str_eq(value, "value");
}

Test(sys_get_xattr, tells_the_size_when_given_no_room)
{
	cr_assert_eq(sys_get_xattr(dir_fd, "file", NAME, NULL, 0), 5);
}

Test(sys_get_xattr, refuses_a_buffer_that_is_too_small)
{
	char value[2];

	cr_assert_eq(sys_get_xattr(dir_fd, "file", NAME, value, sizeof(value)), -ERANGE);
}

Test(sys_get_xattr, does_not_follow_symlinks)
{
	char value[8];

	cr_assert_lt(sys_get_xattr(dir_fd, "link", NAME, value, sizeof(value)), 0);
}

Test(sys_get_xattr, tells_what_is_missing)
{
	char value[8];

	cr_assert_eq(sys_get_xattr(dir_fd, "file", NAME "-other", value, sizeof(value)), -ENODATA);
	cr_assert_eq(sys_get_xattr(dir_fd, "nothing", NAME, value, sizeof(value)), -ENOENT);
}
