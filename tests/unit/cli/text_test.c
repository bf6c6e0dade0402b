/* SPDX-License-Identifier: MIT */
#include "cli/text.h"

#include <criterion/criterion.h>

#include "base/clock.h"

static const char *safe(const char *text)
{
	static struct buf buf;

	buf_release(&buf);
	buf = (struct buf){0};
	text_add_safe(&buf, text);
	return buf.data ? buf.data : "";
}

Test(text, nothing_steers_the_terminal)
{
	cr_assert_str_eq(safe("a\033[31mb"), "a?[31mb");
	cr_assert_str_eq(safe("a\nb\tc\rd\x7f"), "a?b?c?d?");
	cr_assert_str_eq(safe("\xc2\x9b"
			      "31m"),
			 "?31m");
	cr_assert_str_eq(safe("\xc2\xa0 \xc3\xa9 \xe2\x82\xac"), "\xc2\xa0 \xc3\xa9 \xe2\x82\xac");
}

Test(text, width_counts_characters)
{
	cr_assert_eq(text_width(""), 0);
	cr_assert_eq(text_width("abc"), 3);
	cr_assert_eq(text_width("\xc3\xa9\xe2\x82\xac"), 2);
}

Test(text, a_prefix_ends_between_characters)
{
	cr_assert_eq(text_prefix("abc", 2), 2);
	cr_assert_eq(text_prefix("a\xe2\x82\xac"
				 "b",
				 2),
		     4);
	cr_assert_eq(text_prefix("ab", 9), 2);
	cr_assert_eq(text_prefix("ab", 0), 0);
}

static const char *bytes(uint64_t value)
{
	static char text[TEXT_NUMBER_SIZE];

	text_bytes(value, text, sizeof(text));
	return text;
}

Test(text, sizes_have_units)
{
	cr_assert_str_eq(bytes(0), "0 B");
	cr_assert_str_eq(bytes(1023), "1023 B");
	cr_assert_str_eq(bytes(1024), "1.0 KiB");
	cr_assert_str_eq(bytes(1536), "1.5 KiB");
	cr_assert_str_eq(bytes((1 << 20) - 1), "1.0 MiB");
	cr_assert_str_eq(bytes(UINT64_MAX), "16.0 EiB");
}

static const char *age(const char *iso)
{
	static char text[64];
	char noon[] = "2026-11-23T12:00:00.000Z";
	/* 2026-11-23T12:00:00Z */
	const uint64_t now_ns = 1795435200ULL * NSEC_PER_SEC;
	char check[CLOCK_ISO_SIZE];

	clock_format_iso(now_ns, check);
	cr_assert_str_eq(check, noon);
	text_age(iso, now_ns, text, sizeof(text));
	return text;
}

Test(text, ages_are_relative)
{
	cr_assert_str_eq(age("2026-11-23T12:00:00.000Z"), "now");
	cr_assert_str_eq(age("2026-11-23T11:59:30.000Z"), "30s ago");
	cr_assert_str_eq(age("2026-11-23T11:57:55.900Z"), "2m 5s ago");
	cr_assert_str_eq(age("2026-11-23T12:00:05.000Z"), "now");
	cr_assert_str_eq(age("yesterday"), "-");
	cr_assert_str_eq(age(""), "-");
	cr_assert_str_eq(age(NULL), "-");
}
