/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* The table as text. Takes it. */
static char *printed_consume(struct table *table, bool colour, size_t width)
{
	static char *text;
	static size_t size;
	FILE *out = open_memstream(&text, &size);

	table_print(table, out, colour, width);
	fclose(out);
	table_free(table);
	return text;
}

static const struct table_column columns[] = {{"NAME", false}, {"N", true}, {"PATH", false}};

static struct table *sample(void)
{
	struct table *table = table_new(columns, ARRAY_SIZE(columns));

	table_add(table, "a");
	table_add_integer(table, 1);
	table_add(table, "/tmp/x");
	table_add(table, "long-name");
	table_add_integer(table, 1234);
	table_add(table, "/tmp/a-rather-long-path");
	return table;
}

Test(table, columns_are_aligned_and_the_last_is_not_padded)
{
	_cleanup_free_ char *text = printed_consume(sample(), false, 0);

	cr_assert_str_eq(text, "NAME          N  PATH\n"
			       "a             1  /tmp/x\n"
			       "long-name  1234  /tmp/a-rather-long-path\n");
}

Test(table, only_a_coloured_header_has_escapes)
{
	_cleanup_free_ char *text = printed_consume(sample(), true, 0);

	cr_assert_eq(strncmp(text, "\033[1mNAME", 8), 0);
	cr_assert_null(strchr(strchr(text, '\n'), '\033'));
}

Test(table, a_last_column_that_does_not_fit_ends_in_an_ellipsis)
{
	_cleanup_free_ char *text = printed_consume(sample(), false, 30);

	cr_assert(strstr(text, "long-name  1234  /tmp/a-rathe\xe2\x80\xa6\n"), "%s", text);
	cr_assert(strstr(text, "1  /tmp/x\n"));
}

Test(table, where_the_last_is_not_enough_the_widest_gives_and_numbers_stay_whole)
{
	static const struct table_column wide[] = {
		{"SESSION", false}, {"BYTES", true}, {"KIND", false}, {"VIEW", false}};
	struct table *table = table_new(wide, ARRAY_SIZE(wide));
	_cleanup_free_ char *text = NULL;

	table_add(table, "a-session-with-a-long-name");
	table_add(table, "12345678901");
	table_add(table, "named");
	table_add(table, "/run/sessionfs/sessions/0/a-session-with-a-long-name");
	text = printed_consume(table, false, 50);
	cr_assert_str_eq(text, "SESSION               BYTES  KIND   VIEW\n"
			       "a-session-wit…  12345678901  named  /run/sessionf…\n");
}

Test(table, foreign_text_is_made_harmless_and_nothing_is_a_dash)
{
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	_cleanup_free_ char *text = NULL;

	table_add(table, "");
	table_add(table, NULL);
	table_add(table, "\033[2Jx\ny");
	cr_assert_eq(table_rows(table), 1);
	text = printed_consume(table, false, 0);
	cr_assert_str_eq(text, "NAME  N  PATH\n-     -  ?[2Jx?y\n");
}

Test(table, without_a_first_title_there_is_no_header)
{
	static const struct table_column facts[] = {{NULL, false}, {NULL, false}};
	struct table *table = table_new(facts, ARRAY_SIZE(facts));
	_cleanup_free_ char *text = NULL;

	table_add(table, "uid");
	table_add(table, "0");
	table_add(table, "session");
	table_add(table, "x");
	text = printed_consume(table, true, 0);
	cr_assert_str_eq(text, "uid      0\nsession  x\n");
}
