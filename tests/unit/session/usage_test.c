/* SPDX-License-Identifier: MIT */
#include "session/usage.h"

#include <criterion/criterion.h>

static enum usage_level judge(uint64_t max_bytes, uint64_t max_files, uint64_t bytes,
			      uint64_t files)
{
	const struct config config = {.max_bytes = max_bytes, .max_files = max_files};
	const struct usage usage = {.bytes = bytes, .files = files};

	return usage_judge(&config, &usage);
}

Test(usage, nothing_is_limited)
{
	const struct config none = {0}, bytes = {.max_bytes = 1}, files = {.max_files = 1};

	cr_assert(!usage_limited(&none));
	cr_assert(usage_limited(&bytes));
	cr_assert(usage_limited(&files));
	cr_assert_eq(judge(0, 0, UINT64_MAX, UINT64_MAX), USAGE_BELOW);
}

Test(usage, near_from_nine_tenths_on)
{
	cr_assert_eq(judge(1000, 0, 899, 0), USAGE_BELOW);
	cr_assert_eq(judge(1000, 0, 900, 0), USAGE_NEAR);
	cr_assert_eq(judge(1000, 0, 999, 0), USAGE_NEAR);
	cr_assert_eq(judge(1000, 0, 1000, 0), USAGE_FULL);
	cr_assert_eq(judge(0, 1000, 0, 900), USAGE_NEAR);
	cr_assert_eq(judge(0, 1000, 0, 1001), USAGE_FULL);
	/* A limit that is no multiple of a hundred. */
	cr_assert_eq(judge(0, 20, 0, 17), USAGE_BELOW);
	cr_assert_eq(judge(0, 20, 0, 18), USAGE_NEAR);
	cr_assert_eq(judge(0, 199, 0, 179), USAGE_BELOW);
	cr_assert_eq(judge(0, 199, 0, 180), USAGE_NEAR);
}

Test(usage, the_worse_of_both_counts)
{
	cr_assert_eq(judge(1000, 1000, 1000, 0), USAGE_FULL);
	cr_assert_eq(judge(1000, 1000, 0, 1000), USAGE_FULL);
	cr_assert_eq(judge(1000, 1000, 950, 10), USAGE_NEAR);
}

Test(usage, the_ends_of_the_range)
{
	cr_assert_eq(judge(UINT64_MAX, 0, UINT64_MAX - 1, 0), USAGE_NEAR);
	cr_assert_eq(judge(UINT64_MAX, 0, UINT64_MAX, 0), USAGE_FULL);
	cr_assert_eq(judge(1, 0, 0, 0), USAGE_BELOW);
	cr_assert_eq(judge(1, 0, 1, 0), USAGE_FULL);
}
