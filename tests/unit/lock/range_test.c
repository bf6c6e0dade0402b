/* SPDX-License-Identifier: MIT */
/* Against a model in which each byte of a short file has a type of its own. */
#include <criterion/criterion.h>

#include "lock/range.h"

#define BYTES 7
#define STATES 2187 /* 3 to the power of BYTES */

static void bytes_of_state(int state, enum range_type bytes[BYTES])
{
	for (int i = 0; i < BYTES; i++, state /= 3)
		bytes[i] = (enum range_type)(state % 3);
}

/* The shortest list for it. */
static size_t ranges_of_bytes(const enum range_type bytes[BYTES], struct range *ret)
{
	size_t n = 0;

	for (uint64_t i = 0; i < BYTES; i++) {
		if (bytes[i] == RANGE_NONE)
			continue;
		if (n && ret[n - 1].end + 1 == i && ret[n - 1].type == bytes[i])
			ret[n - 1].end = i;
		else
			ret[n++] = (struct range){i, i, bytes[i]};
	}
	return n;
}

static void check(int state, const struct range *wanted)
{
	struct range held[BYTES], expected[BYTES], got[RANGE_SET_MAX(BYTES)];
	enum range_type bytes[BYTES];
	size_t n, n_expected, n_got;

	bytes_of_state(state, bytes);
	n = ranges_of_bytes(bytes, held);
	for (uint64_t i = wanted->start; i <= wanted->end; i++)
		bytes[i] = wanted->type;
	n_expected = ranges_of_bytes(bytes, expected);
	n_got = range_set(held, n, wanted, got);
	cr_assert_eq(n_got, n_expected, "state %d, %d over %lu to %lu: %zu ranges, not %zu", state,
		     wanted->type, wanted->start, wanted->end, n_got, n_expected);
	for (size_t i = 0; i < n_got; i++)
		cr_assert(got[i].start == expected[i].start && got[i].end == expected[i].end &&
				  got[i].type == expected[i].type,
			  "state %d, %d over %lu to %lu: range %zu", state, wanted->type,
			  wanted->start, wanted->end, i);
}

Test(range, every_change_of_every_state_is_as_byte_by_byte)
{
	for (int state = 0; state < STATES; state++)
		for (uint64_t start = 0; start < BYTES; start++)
			for (uint64_t end = start; end < BYTES; end++)
				for (int type = RANGE_NONE; type <= RANGE_WRITE; type++) {
					struct range wanted = {start, end, (enum range_type)type};

					check(state, &wanted);
				}
}

/* Lists that overlap themselves are what a kill between two changes leaves. */
Test(range, what_overlaps_itself_is_cut_and_joined)
{
	struct range held[] = {{0, 99, RANGE_WRITE}, {60, 99, RANGE_WRITE}};
	struct range unlocked = {40, 59, RANGE_NONE};
	struct range got[RANGE_SET_MAX(2)];

	cr_assert_eq(range_set(held, 2, &unlocked, got), 2);
	cr_expect_eq(got[0].start, 0);
	cr_expect_eq(got[0].end, 39);
	cr_expect_eq(got[1].start, 60);
	cr_expect_eq(got[1].end, 99);
}

Test(range, the_last_byte_of_all_is_cut_and_joined_without_overflow)
{
	struct range held[] = {{0, RANGE_END, RANGE_READ}};
	struct range wanted = {RANGE_END, RANGE_END, RANGE_WRITE};
	struct range got[RANGE_SET_MAX(2)];
	struct range again[RANGE_SET_MAX(2)];

	cr_assert_eq(range_set(held, 1, &wanted, got), 2);
	cr_expect_eq(got[0].end, RANGE_END - 1);
	cr_expect_eq(got[1].start, RANGE_END);
	wanted.type = RANGE_READ;
	cr_assert_eq(range_set(got, 2, &wanted, again), 1);
	cr_expect_eq(again[0].start, 0);
	cr_expect_eq(again[0].end, RANGE_END);
}

Test(range, only_a_writer_conflicts_and_only_where_they_overlap)
{
	struct range a = {10, 19, RANGE_READ}, b = {19, 30, RANGE_READ};

	cr_expect_not(range_conflicts(&a, &b));
	b.type = RANGE_WRITE;
	cr_expect(range_conflicts(&a, &b));
	cr_expect(range_conflicts(&b, &a));
	b.start = 20;
	cr_expect_not(range_conflicts(&a, &b));
	b.start = 0;
	b.type = RANGE_NONE;
	cr_expect_not(range_conflicts(&a, &b));
}
