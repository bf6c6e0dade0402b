/* SPDX-License-Identifier: MIT */
#include "cli/nearest.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

Test(nearest, distance_counts_single_edits)
{
	cr_assert_eq(nearest_distance("status", "status"), 0);
	cr_assert_eq(nearest_distance("staus", "status"), 1);
	cr_assert_eq(nearest_distance("sttaus", "status"), 1);
	cr_assert_eq(nearest_distance("statusx", "status"), 1);
	cr_assert_eq(nearest_distance("stXtus", "status"), 1);
	cr_assert_eq(nearest_distance("", "abc"), 3);
	cr_assert_eq(nearest_distance("kitten", "sitting"), 3);
}

Test(nearest, very_long_words_are_far_from_everything)
{
	char word[100];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = 0;
	cr_assert_eq(nearest_distance(word, word), SIZE_MAX);
}

Test(nearest, the_best_candidate_wins_whatever_the_order)
{
	struct nearest nearest = nearest_begin("crate");

	nearest_consider(&nearest, "crafty");
	nearest_consider(&nearest, "create");
	nearest_consider(&nearest, "crates2");
	cr_assert_str_eq(nearest.best, "create");
}

Test(nearest, a_short_word_needs_a_close_match)
{
	struct nearest nearest = nearest_begin("xy");

	nearest_consider(&nearest, "ls");
	nearest_consider(&nearest, "rm");
	cr_assert_null(nearest.best);
	nearest_consider(&nearest, "x");
	cr_assert_str_eq(nearest.best, "x");
}

Test(nearest, a_beginning_is_near)
{
	struct nearest nearest = nearest_begin("mount");

	nearest_consider(&nearest, "mountpoint");
	cr_assert_str_eq(nearest.best, "mountpoint");
}
