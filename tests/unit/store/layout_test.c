/* SPDX-License-Identifier: MIT */
#include "store/layout.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *name_of(const char *path)
{
	static char name[NAME_MAX + 1];

	store_share_name(path, name);
	return name;
}

Test(share_name, drops_the_leading_slash)
{
	cr_assert_str_eq(name_of("/tmp"), "tmp");
}

Test(share_name, escapes_slash_and_percent)
{
	cr_assert_str_eq(name_of("/var/tmp"), "var%2Ftmp");
	cr_assert_str_eq(name_of("/var%2Ftmp"), "var%252Ftmp");
}

Test(share_name, never_takes_a_name_that_the_session_needs)
{
	cr_assert_str_eq(name_of("/meta"), "%6Deta");
	cr_assert_str_eq(name_of("/metal"), "%6Detal");
	cr_assert_str_eq(name_of("/.tmp-1"), "%2Etmp-1");
	cr_assert_str_eq(name_of("/me"), "me");
	cr_assert_str_eq(name_of("/a/.b"), "a%2F.b");
}

Test(share_name, of_255_bytes_is_kept_whole)
{
	char path[300] = "/";
	char name[NAME_MAX + 1];

	memset(path + 1, 'a', 255);
	store_share_name(path, name);
	cr_assert_str_eq(name, path + 1);
}

Test(share_name, too_long_is_cut_and_stays_unique)
{
	char path[400] = "/";
	char one[NAME_MAX + 1];
	char other[NAME_MAX + 1];

	memset(path + 1, '/', 300);
	path[301] = 'x';
	store_share_name(path, one);
	path[301] = 'y';
	store_share_name(path, other);
	cr_assert_leq(strlen(one), NAME_MAX);
	cr_assert_str_neq(one, other);
}

Test(share_name, too_long_is_never_cut_within_an_escape)
{
	char path[400] = "/";
	char name[NAME_MAX + 1];
	const char *hash;

	for (size_t shift = 0; shift < 4; shift++) {
		memset(path + 1, 'a', sizeof(path) - 2);
		memset(path + 1 + 220 + shift, '%', 100);
		store_share_name(path, name);
		cr_assert_leq(strlen(name), NAME_MAX);
		hash = strstr(name, "%h");
		cr_assert_not_null(hash);
		cr_assert_eq(strlen(hash), 18);
		for (const char *at = name; at < hash; at++)
			if (*at == '%') {
				cr_assert(!strncmp(at, "%25", 3), "%s", at);
				cr_assert_leq(at + 3, hash);
			}
	}
}
