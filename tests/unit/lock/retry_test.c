/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lock/history.h"
#include "lock/retry.h"

Test(retry, without_history_the_longest_wait)
{
	cr_expect_eq(retry_estimate_ms(NULL, 0, 0), RETRY_MAX_MS);
	cr_expect_eq(retry_estimate_ms(NULL, 0, 100000), RETRY_MAX_MS);
}

Test(retry, median_of_what_remains)
{
	static const struct {
		uint32_t times[6];
		size_t count;
		uint64_t held_ms;
		uint32_t expected;
	} cases[] = {
		{{1000}, 1, 0, 1000},
		{{1000}, 1, 400, 600},
		{{1000}, 1, 990, RETRY_MIN_MS},
		{{1000}, 1, 1000, RETRY_MIN_MS},
		/* Longer than ever: half of what it is beyond. */
		{{1000}, 1, 1100, RETRY_MIN_MS},
		{{1000}, 1, 1102, 51},
		{{1000, 300}, 2, 5000, 2000},
		{{1000}, 1, 10998, 4999},
		{{1000}, 1, 11002, RETRY_MAX_MS},
		{{0}, 1, UINT64_MAX, RETRY_MAX_MS},
		{{300, 100, 200}, 3, 0, 200},
		{{300, 100, 200}, 3, 150, 100}, /* of 150 and 50 */
		{{400, 100, 200, 300}, 4, 0, 250},
		{{60000}, 1, 0, RETRY_MAX_MS},
		{{1}, 1, 0, RETRY_MIN_MS},
		{{UINT32_MAX, UINT32_MAX}, 2, 0, RETRY_MAX_MS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_expect_eq(retry_estimate_ms(cases[i].times, cases[i].count, cases[i].held_ms),
			     cases[i].expected, "case %zu", i);
}

static struct history *history;

static void set_up(void)
{
	history = calloc(1, sizeof(*history));
}

static void tear_down(void)
{
	free(history);
}

TestSuite(history, .init = set_up, .fini = tear_down);

Test(history, each_path_has_its_own_times)
{
	history_add(history, 1, 300);
	history_add(history, 2, 900);
	cr_expect_eq(history_estimate_ms(history, 1, 0), 300);
	cr_expect_eq(history_estimate_ms(history, 2, 100), 800);
	cr_expect_eq(history_estimate_ms(history, 3, 0), RETRY_MAX_MS);
}

Test(history, the_last_times_count)
{
	for (int i = 0; i < HISTORY_TIMES; i++)
		history_add(history, 1, 4000);
	for (int i = 0; i < HISTORY_TIMES; i++)
		history_add(history, 1, 200);
	cr_expect_eq(history_estimate_ms(history, 1, 0), 200);
}

Test(history, the_least_recently_used_path_goes_first)
{
	history_add(history, 1, 100);
	history_add(history, 2, 100);
	for (uint64_t path = 3; path <= HISTORY_PATHS; path++)
		history_add(history, path, 100);
	history_add(history, 1, 100); /* used again */
	history_add(history, HISTORY_PATHS + 1, 100);
	cr_expect_eq(history_estimate_ms(history, 1, 0), 100);
	cr_expect_eq(history_estimate_ms(history, 2, 0), RETRY_MAX_MS);
	cr_expect_eq(history_estimate_ms(history, HISTORY_PATHS + 1, 0), 100);
}

Test(history, what_was_saved_comes_back_and_nonsense_does_not)
{
	struct history *saved = malloc(sizeof(*saved));

	history_add(history, 7, 1234);
	*saved = *history;
	memset(history, 0, sizeof(*history));
	history_load(history, saved, sizeof(*saved) - 1);
	cr_expect_eq(history_estimate_ms(history, 7, 0), RETRY_MAX_MS);
	history_load(history, saved, sizeof(*saved));
	cr_expect_eq(history_estimate_ms(history, 7, 0), 1234);

	saved->entries[5].count = HISTORY_TIMES + 1;
	history_load(history, saved, sizeof(*saved));
	cr_expect_eq(history_estimate_ms(history, 7, 0), RETRY_MAX_MS);
	free(saved);
}

Test(history, a_very_long_hold_is_saturated)
{
	history_add(history, 1, UINT64_MAX);
	cr_expect_eq(history->entries[0].times_ms[0], UINT32_MAX);
}
