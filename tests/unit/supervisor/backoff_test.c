/* SPDX-License-Identifier: MIT */
#include "supervisor/backoff.h"

#include <criterion/criterion.h>

Test(backoff, a_worker_that_had_answered_is_replaced_at_once)
{
	struct backoff backoff = {0};

	for (int i = 0; i < 100; i++)
		cr_assert_eq(backoff_next(&backoff, true), 0);
}

Test(backoff, failures_before_the_first_answer_wait_longer_each_time)
{
	static const uint32_t expected[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000};
	struct backoff backoff = {0};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		cr_assert_eq(backoff_next(&backoff, false), expected[i], "failure %zu", i);
}

Test(backoff, an_answer_forgets_earlier_failures)
{
	struct backoff backoff = {0};

	backoff_next(&backoff, false);
	backoff_next(&backoff, false);
	cr_assert_eq(backoff_next(&backoff, true), 0);
	cr_assert_eq(backoff_next(&backoff, false), BACKOFF_FIRST_MS);
}
