/* SPDX-License-Identifier: MIT */
#include "base/path.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* The semantics of globs, exactly. */
static const struct {
	const char *glob, *path;
	bool match;
} globs[] = {
	/* Without '/': the last component, at any depth. */
	{"*.lock", "x.lock", true},
	{"*.lock", "a/b/x.lock", true},
	{"*.lock", ".lock", true},
	{"*.lock", "x.lock/y", false},
	{"*.lock", "x.lockfile", false},
	{"*.lock", "x.LOCK", false},
	{"lock", "a/lock", true},
	{"lock", "lock/a", false},
	{"*", "a/b", true},
	{"**", "a/b", true},
	{"**", "a", true},
	/* With '/': the whole relative path. */
	{"a/*.lock", "a/x.lock", true},
	{"a/*.lock", "b/a/x.lock", false},
	{"a/*.lock", "a/b/x.lock", false},
	{"a/b", "a/b", true},
	{"a/b", "a", false},
	{"a/b", "a/b/c", false},
	{"*/b", "a/b", true},
	{"*/b", "b", false},
	/* '**' as a whole component: any number of directories, none included. */
	{"**/x", "x", true},
	{"**/x", "a/x", true},
	{"**/x", "a/b/x", true},
	{"**/x", "a/b/xx", false},
	{"**/x", "x/a", false},
	{"a/**/z", "a/z", true},
	{"a/**/z", "a/b/c/z", true},
	{"a/**/z", "b/a/z", false},
	{"**/b/**/d", "a/b/c/b/d", true},
	{"**/b/**/d", "b/d", true},
	{"**/b/c", "b/b/c", true},
	{"**/a/b/**/c", "a/a/b/c", true},
	/* At the end it is everything below, not the directory itself. */
	{"a/**", "a/b", true},
	{"a/**", "a/b/c", true},
	{"a/**", "a", false},
	{"**/.git/**", ".git/x", true},
	{"**/.git/**", "a/.git/b/c", true},
	{"**/.git/**", ".git", false},
	{"**/.git/**", "a/.git", false},
	{"**/.git/**", "a/.gitignore/x", false},
	{"**/**", "a", true},
	{"**/**/x", "x", true},
	/* As a part of a component it is a '*'. */
	{"a**b", "a-b", true},
	{"a**/b", "ac/b", true},
	{"a**/b", "a/c/b", false},
	/* '*' and '?' take leading dots, and never '/'. */
	{"?x", "ax", true},
	{"?x", "x", false},
	{"?", ".", true},
	{"*a*b*c*", "1a2b3c4", true},
	{"*a*b*c*", "1a2c3b4", false},
	{"a?b/c", "a/b/c", false},
	{"*.*", "a", false},
	{"a*", "a", true},
	/* Bytes, not characters. */
	{"?", "\xc3\xa9", false},
	{"??", "\xc3\xa9", true},
	{"[\x80-\xff]?", "\xc3\xa9", true},
	{"*", "\xff\xfe", true},
	/* Sets. */
	{"[abc]", "b", true},
	{"[abc]", "d", false},
	{"[a-c]x", "bx", true},
	{"[!a-c]", "d", true},
	{"[^a-c]", "b", false},
	{"[]]", "]", true},
	{"[!]]", "]", false},
	{"[!]]", "a", true},
	{"[a-]", "-", true},
	{"[-a]", "-", true},
	{"[]-a]", "^", true},
	{"[\\]]", "]", true},
	{"[a\\-c]", "b", false},
	{"[a\\-c]", "-", true},
	{"[*]", "*", true},
	{"[*]", "x", false},
	{"[[]", "[", true},
	{"x[0-9][0-9]*", "x42y", true},
	/* Escapes. */
	{"\\*.lock", "*.lock", true},
	{"\\*.lock", "x.lock", false},
	{"\\[a]", "[a]", true},
	{"\\\\", "\\", true},
	{"\\a", "a", true},
	{"\\!x", "!x", true},
	/* What the check refuses matches its own text or nothing, and reads no byte too far. */
	{"[a", "[a", true},
	{"[a", "a", false},
	{"[a/b]", "a", false},
	{"x\\", "x\\", true},
	{"", "a", false},
	{"*", "", false},
	{"**/x", "", false},
};

Test(path, globs_match_as_documented)
{
	for (size_t i = 0; i < ARRAY_SIZE(globs); i++)
		cr_expect_eq(path_glob_match(globs[i].glob, globs[i].path), globs[i].match,
			     "glob '%s', path '%s'", globs[i].glob, globs[i].path);
}

/* A matcher that tries every split needs years for these. */
Test(path, hostile_globs_take_no_exponential_time, .timeout = 20)
{
	char path[4001], glob[201];

	memset(path, 'a', 4000);
	path[4000] = '\0';
	for (int i = 0; i < 198; i += 2)
		memcpy(glob + i, "*a", 2);
	strcpy(glob + 198, "b");
	cr_assert_not(path_glob_match(glob, path));

	for (int i = 0; i < 4000; i += 2)
		memcpy(path + i, "a/", 2);
	strcpy(path + 3998, "a");
	for (int i = 0; i < 195; i += 5)
		memcpy(glob + i, "**/a/", 5);
	strcpy(glob + 195, "b");
	cr_assert_not(path_glob_match(glob, path));
}

Test(path, malformed_globs_are_explained)
{
	static const char *const good[] = {"*",     "a/b", "**/.git/**", "[]]",   "[!]]",  "a\\[",
					   "[a-z]", "\\*", "...",        ".lock", "[\\]]", "[[]"};
	static const char *const bad[] = {"",   "/",     "/a",    "a/",          "a//b", "[a",
					  "[]", "[!]",   "x[",    "a\\",         "./a",  "a/..",
					  "..", "[a/b]", "a\\/b", "[[:alpha:]]", "[\\"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		cr_expect_null(path_glob_check(good[i]), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_expect_not_null(path_glob_check(bad[i]), "%s", bad[i]);
}

Test(path, below_means_whole_components)
{
	cr_assert(path_is_below("/tmp", "/tmp"));
	cr_assert(path_is_below("/tmp/a/b", "/tmp"));
	cr_assert_not(path_is_below("/tmpfile", "/tmp"));
	cr_assert_not(path_is_below("/", "/tmp"));
	cr_assert_not(path_is_below("/var", "/tmp"));
	cr_assert(path_is_below("/tmp", "/"));
	cr_assert(path_is_below("/", "/"));
}

Test(path, the_base_is_the_last_component)
{
	cr_assert_str_eq(path_base("a"), "a");
	cr_assert_str_eq(path_base("/a/b.c"), "b.c");
	cr_assert_str_eq(path_base("/"), "");
}

Test(path, absolute_paths_are_normalised)
{
	static const struct {
		const char *path, *normal;
	} cases[] = {
		{"/", "/"},         {"//", "/"},
		{"/.", "/"},        {"/tmp", "/tmp"},
		{"/tmp/", "/tmp"},  {"//a///b/./c/.", "/a/b/c"},
		{"/...", "/..."},   {"/.a/..b", "/.a/..b"},
		{"/a\nb", "/a\nb"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *normal = path_normalise(cases[i].path);

		cr_assert_not_null(normal);
		cr_assert_str_eq(normal, cases[i].normal);
	}
}

Test(path, what_cannot_be_normalised_is_refused)
{
	static const char *const cases[] = {"", "tmp", "./tmp", "/..", "/a/../b", "/a/.."};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		errno = 0;
		cr_assert_null(path_normalise(cases[i]), "%s", cases[i]);
		cr_assert_eq(errno, EINVAL);
	}
}

Test(path, session_ids_are_plain_names)
{
	char longest[66];

	memset(longest, 'a', 65);
	longest[64] = '\0';
	cr_assert(path_is_session_id("a"));
	cr_assert(path_is_session_id("0198f3c2-7b1e:x_y.z"));
	cr_assert(path_is_session_id(longest));
	longest[64] = 'a';
	longest[65] = '\0';
	cr_assert_not(path_is_session_id(longest));
	cr_assert_not(path_is_session_id(""));
	cr_assert_not(path_is_session_id("."));
	cr_assert_not(path_is_session_id(".."));
	cr_assert_not(path_is_session_id("-a"));
	cr_assert_not(path_is_session_id("_a"));
	cr_assert_not(path_is_session_id("a/b"));
	cr_assert_not(path_is_session_id("a b"));
	cr_assert_not(path_is_session_id("a\n"));
	cr_assert_not(path_is_session_id("\xc3\xa9"));
}
