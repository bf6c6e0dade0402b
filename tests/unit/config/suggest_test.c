/* SPDX-License-Identifier: MIT */
#include "config/suggest.h"

#include <criterion/criterion.h>

static const char *const words[] = {"mountpoint", "store", "shares", "identify", "sessions"};

static const char *nearest(const char *word)
{
	return suggest_nearest(word, words, sizeof(words) / sizeof(words[0]));
}

Test(suggest, a_slip_finds_the_word)
{
	cr_assert_str_eq(nearest("share"), "shares");
	cr_assert_str_eq(nearest("stroe"), "store");
	cr_assert_str_eq(nearest("mount_point"), "mountpoint");
	cr_assert_str_eq(nearest("session"), "sessions");
}

Test(suggest, what_is_not_near_finds_nothing)
{
	cr_assert_null(nearest("passthrough"));
	cr_assert_null(nearest("x"));
	cr_assert_null(nearest(""));
	cr_assert_null(nearest("a word that is far too long to be a slip of any of these keys"));
}
