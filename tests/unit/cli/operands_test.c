/* SPDX-License-Identifier: MIT */
#include "cli/operands.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "support/scratch.h"

static struct err err;

Test(operands, ids_and_uid_ids_are_sessions)
{
	static const char *const good[] = {
		"a", "build-1", "A.b_c:d-9", "0/x", "1000/build-1", "4294967295/s", "7"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		cr_assert_eq(operand_check_session(good[i], "X", &err), 0, "%s", good[i]);
}

Test(operands, everything_else_is_none_and_says_where_it_stood)
{
	char long_id[66];
	const char *const bad[] = {"",   "../x", "a b", "%2e",  ".x",    "-x",       "a/b",
				   "/x", "1//x", "1/",  "1/..", "x/1/y", "\xc3\xa4", long_id};

	memset(long_id, 'a', 65);
	long_id[65] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cr_assert_eq(operand_check_session(bad[i], "--session", &err), -1, "%s", bad[i]);
		cr_assert_eq(err.code, ERR_VALIDATION_ERROR);
		cr_assert_eq(strncmp(err.message, "--session: ", 11), 0);
		cr_assert(err.suggestion[0]);
	}
}

static void is_path(const char *given, const char *expected)
{
	_cleanup_free_ char *path = operand_path(given, &err);

	cr_assert(path, "%s: %s", given, err.message);
	cr_assert_str_eq(path, expected);
}

Test(operands, paths_become_absolute_without_following_the_last_link)
{
	char dir[SCRATCH_SIZE];
	_cleanup_free_ char *here = NULL;
	char expected[SCRATCH_SIZE + 64];

	scratch_make(dir);
	cr_assert_eq(chdir(dir), 0);
	here = getcwd(NULL, 0);
	cr_assert_eq(mkdir("real", 0755), 0);
	cr_assert_eq(symlink("real", "link"), 0);
	snprintf(expected, sizeof(expected), "%s/real/x.lock", here);
	is_path("real/x.lock", expected);
	is_path("link/x.lock", expected);
	is_path("link/../real/x.lock", expected);
	snprintf(expected, sizeof(expected), "%s/link", here);
	is_path("link", expected);
	is_path("./link/", expected);
	is_path("..//", "/tmp");
}

Test(operands, a_path_below_what_is_not_there_is_taken_as_text)
{
	is_path("/no/such/dir/x", "/no/such/dir/x");
	is_path("/no//such/./x/", "/no/such/x");
	is_path("/", "/");
}

Test(operands, an_empty_path_is_refused)
{
	cr_assert_null(operand_path("", &err));
	cr_assert_eq(err.code, ERR_VALIDATION_ERROR);
	cr_assert_null(operand_path("/no/such/../x/..", &err));
	cr_assert_eq(err.code, ERR_VALIDATION_ERROR);
}
