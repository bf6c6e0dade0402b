/* SPDX-License-Identifier: MIT */
#include "config/size.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>

static uint64_t parsed(const char *text)
{
	uint64_t bytes = 0;

	cr_assert_eq(size_parse(text, &bytes), 0, "%s", text);
	return bytes;
}

Test(size, units_are_powers_of_1024)
{
	cr_assert_eq(parsed("0"), 0);
	cr_assert_eq(parsed("4096"), 4096);
	cr_assert_eq(parsed("7B"), 7);
	cr_assert_eq(parsed("1K"), 1024);
	cr_assert_eq(parsed("512M"), 512ULL << 20);
	cr_assert_eq(parsed("10G"), 10ULL << 30);
	cr_assert_eq(parsed("2t"), 2ULL << 40);
	cr_assert_eq(parsed("1GiB"), 1ULL << 30);
}

Test(size, fractions_of_a_unit)
{
	cr_assert_eq(parsed("1.5K"), 1536);
	cr_assert_eq(parsed("0.25G"), 256ULL << 20);
	cr_assert_eq(parsed("1.00000000000000000000000000000001K"), 1024);
}

Test(size, malformed_ones_are_refused)
{
	static const char *const bad[] = {"",     "G",   "-1", "+1",  "1 G", " 1",   "1X",  "1GG",
					  "10GB", "1kb", "1.", ".5G", "1Gi", "0x10", "1e3", "ten"};
	uint64_t bytes = 42;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(size_parse(bad[i], &bytes), -EINVAL, "\"%s\"", bad[i]);
	cr_assert_eq(bytes, 42);
}

Test(size, the_largest_is_what_an_off_t_holds)
{
	uint64_t bytes;

	cr_assert_eq(parsed("9223372036854775807"), INT64_MAX);
	cr_assert_eq(size_parse("9223372036854775808", &bytes), -ERANGE);
	cr_assert_eq(size_parse("8192P", &bytes), -ERANGE);
	cr_assert_eq(size_parse("99999999999999999999999999999999999999999999P", &bytes), -ERANGE);
	cr_assert_eq(parsed("8191P"), 8191ULL << 50);
}
