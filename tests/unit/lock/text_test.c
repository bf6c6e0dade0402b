/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "lock/text.h"

static const struct {
	const char *text;
	bool is_symlink;
	pid_t expected;
} pids[] = {
	{"1234", false, 1234},
	{"1234\n", false, 1234},
	{"      1234\n", false, 1234}, /* UUCP's form */
	{"\t12 \r\n", false, 12},
	{"\n\n77\n", false, 77},
	{"1234\nhost\n", false, 1234},
	{"4194304", false, 4194304},
	{"4194305", false, 0},
	{"99999999999999999999999", false, 0},
	{"20240101", false, 0},
	{"0", false, 0},
	{"000", false, 0},
	{"-5", false, 0},
	{"+5", false, 0},
	{"12a", false, 0},
	{"0x10", false, 0},
	{"1 2", false, 0},
	{"pid 12", false, 0},
	{"", false, 0},
	{"  \n", false, 0},
	{"{\"pid\": 12}", false, 0},
	{"me@here.12", false, 0},
	{"here-12", false, 0},
	{"12", true, 12},
	{"me@here.12", true, 12},
	{"me@here.12:1700000000", true, 12},
	{"me@there.12", true, 0},
	{"me@here.x", true, 0},
	{"me@here", true, 0},
	{"me@here.", true, 0},
	{"here-12", true, 12},
	{"there-12", true, 0},
	{"here-0", true, 0},
	{"x-here-12", true, 0},
	{"/some/where", true, 0},
	{"here.12", true, 0},
};

Test(text, names_a_pid_in_the_usual_forms_only)
{
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		cr_expect_eq(text_pid(pids[i].text, strlen(pids[i].text), pids[i].is_symlink,
				      "here"),
			     pids[i].expected, "'%s'", pids[i].text);
}

Test(text, a_host_name_with_dots_and_dashes_is_whole)
{
	cr_expect_eq(text_pid("u@a-b.c.9", 9, true, "a-b.c"), 9);
	cr_expect_eq(text_pid("a-b.c-9", 7, true, "a-b.c"), 9);
	cr_expect_eq(text_pid("-9", 2, true, ""), 9);
}

Test(text, nothing_after_the_length_is_read)
{
	cr_expect_eq(text_pid("12345", 2, false, "here"), 12);
	cr_expect_eq(text_pid("1\0002", 3, false, "here"), 0);
}

Test(text, what_acts_on_a_terminal_is_replaced)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"plain", "plain"},
		{"", ""},
		{"a\033[31mb", "a?[31mb"},
		{"a\nb\tc\x7f", "a?b?c?"},
		{"\xc2\x9b"
		 "31m",
		 "?31m"},
		{"\xc3\xa9", "\xc3\xa9"},
		{"a\xe2\x80\xae"
		 "b",
		 "a?b"},
		{"a\xe2\x80\x8b"
		 "b",
		 "a?b"},
		{"\xe2\x82\xac", "\xe2\x82\xac"},
		{"\xe2", "\xe2"},
		{"\xc2", "\xc2"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf buf = {0};

		text_sanitise(cases[i].text, &buf);
		cr_expect_str_eq(buf.data, cases[i].expected, "case %zu", i);
	}
}
