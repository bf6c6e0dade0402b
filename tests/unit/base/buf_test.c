/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"

Test(buf, pieces_are_joined_and_terminated)
{
	_cleanup_buf_ struct buf buf = {0};

	buf_add_str(&buf, "a");
	buf_add(&buf, "b\0c", 3);
	buf_add_format(&buf, "-%d-%s", 42, "x");
	cr_assert_eq(buf.len, 9);
	cr_assert_arr_eq(buf.data, "ab\0c-42-x", 10);
	cr_assert_not(buf_failed(&buf));
}

Test(buf, adding_nothing_still_gives_a_string)
{
	_cleanup_buf_ struct buf buf = {0};

	cr_assert_null(buf.data);
	buf_add(&buf, NULL, 0);
	cr_assert_str_empty(buf.data);
}

/* Every length around the points where it grows, by every way to add. */
Test(buf, growing_keeps_what_is_there)
{
	for (size_t len = 0; len < 600; len++) {
		_cleanup_buf_ struct buf plain = {0}, formatted = {0};
		char text[600] = {0};

		memset(text, 'y', len);
		for (int i = 0; i < 3; i++) {
			buf_add_str(&plain, text);
			buf_add_format(&formatted, "%s", text);
		}
		cr_assert_eq(plain.len, 3 * len);
		cr_assert_eq(strspn(plain.data, "y"), 3 * len);
		cr_assert_str_eq(plain.data, formatted.data);
	}
}

Test(buf, a_failure_stays_and_the_content_stays_valid)
{
	_cleanup_buf_ struct buf buf = {0};

	buf_add_str(&buf, "kept");
	buf_add(&buf, "", SIZE_MAX / 2);
	cr_assert(buf_failed(&buf));
	buf_add_str(&buf, "ignored");
	buf_add_format(&buf, "ignored");
	cr_assert_str_eq(buf.data, "kept");
}

Test(buf, words_are_quoted_for_the_shell_only_where_needed)
{
	static const struct {
		const char *word, *quoted;
	} cases[] = {
		{"plain-1.2/x_y:z@h%,+=", "plain-1.2/x_y:z@h%,+="},
		{"", "''"},
		{"a b", "'a b'"},
		{"it's", "'it'\\''s'"},
		{"'", "''\\'''"},
		{"$HOME", "'$HOME'"},
		{"~", "'~'"},
		{"a\nb", "'a\nb'"},
		{"\xc3\xa9", "'\xc3\xa9'"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf buf = {0}, command = {0};
		char back[64] = {0};
		FILE *shell;

		buf_add_shell_quoted(&buf, cases[i].word);
		cr_assert_str_eq(buf.data, cases[i].quoted);
		/* What a real shell makes of it. */
		buf_add_format(&command, "printf %%s %s", buf.data);
		shell = popen(command.data, "r");
		cr_assert_not_null(shell);
		cr_assert_eq(fread(back, 1, sizeof(back) - 1, shell), strlen(cases[i].word));
		cr_assert_eq(pclose(shell), 0);
		cr_assert_str_eq(back, cases[i].word);
	}
}
