/* SPDX-License-Identifier: MIT */
#include "base/index.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <xxhash.h>

#define N 20000

static bool equal_number(uint32_t number, const void *key, void *context)
{
	(*(unsigned int *)context)++;
	return number == *(const uint32_t *)key;
}

static uint32_t find(const struct index *index, uint64_t hash, uint32_t number)
{
	unsigned int calls = 0;

	return index_find(index, hash, equal_number, &number, &calls);
}

static uint64_t hash_of(uint32_t number)
{
	return XXH3_64bits(&number, sizeof(number));
}

Test(index, an_empty_one_finds_and_removes_nothing)
{
	struct index index = {0};

	cr_assert_eq(find(&index, 1, 1), 0);
	index_remove(&index, 1, 1);
	index_release(&index);
	index_release(&index);
}

Test(index, what_was_added_is_found_until_it_is_removed)
{
	struct index index = {0};

	for (uint32_t i = 1; i <= N; i++)
		cr_assert_eq(index_add(&index, hash_of(i), i), 0);
	cr_assert_eq(index.live, N);
	for (uint32_t i = 1; i <= N; i++)
		cr_assert_eq(find(&index, hash_of(i), i), i);
	for (uint32_t i = 1; i <= N; i += 2)
		index_remove(&index, hash_of(i), i);
	cr_assert_eq(index.live, N / 2);
	for (uint32_t i = 1; i <= N; i++)
		cr_assert_eq(find(&index, hash_of(i), i), i % 2 ? 0 : i);
	index_release(&index);
}

Test(index, records_of_one_hash_are_told_apart_by_the_caller)
{
	struct index index = {0};

	for (uint32_t i = 1; i <= 50; i++)
		index_add(&index, 7, i);
	index_remove(&index, 7, 25);
	index_remove(&index, 7, 51);
	index_remove(&index, 8, 1);
	for (uint32_t i = 1; i <= 50; i++)
		cr_assert_eq(find(&index, 7, i), i == 25 ? 0 : i);
	index_release(&index);
}

/* A name under another hash of the same number, as while a rename is under way. */
Test(index, a_number_may_stand_under_two_hashes)
{
	struct index index = {0};

	index_add(&index, 1, 9);
	index_add(&index, 2, 9);
	index_remove(&index, 1, 9);
	cr_assert_eq(find(&index, 1, 9), 0);
	cr_assert_eq(find(&index, 2, 9), 9);
	index_release(&index);
}

Test(index, coming_and_going_does_not_make_it_larger_or_slower)
{
	struct index index = {0};
	size_t capacity;
	unsigned int calls = 0;
	uint32_t absent = UINT32_MAX;

	for (uint32_t i = 1; i <= 100; i++)
		index_add(&index, i, i);
	capacity = index.capacity;
	for (uint32_t i = 101; i < 200000; i++) {
		index_remove(&index, i - 100, i - 100);
		index_add(&index, i, i);
	}
	cr_assert_eq(index.live, 100);
	cr_assert_eq(index.capacity, capacity);
	for (uint32_t i = 1; i < 1000; i++)
		index_find(&index, hash_of(i), equal_number, &absent, &calls);
	cr_assert_lt(calls, 10);
	index_release(&index);
}

/* Against a plain table, in a random order, small enough that runs wrap around the end. */
Test(index, random_work_agrees_with_a_plain_table)
{
	struct index index = {0};
	bool there[64] = {false};

	srand(4711);
	for (int step = 0; step < 200000; step++) {
		uint32_t number = 1 + (uint32_t)(rand() % 63);
		uint64_t hash = number % 5; /* long runs */

		if (there[number])
			index_remove(&index, hash, number);
		else
			index_add(&index, hash, number);
		there[number] = !there[number];
		number = 1 + (uint32_t)(rand() % 63);
		cr_assert_eq(find(&index, number % 5, number), there[number] ? number : 0);
	}
	index_release(&index);
}

Test(index, it_shrinks_when_nearly_all_are_gone)
{
	struct index index = {0};
	size_t largest;

	for (uint32_t i = 1; i <= N; i++)
		index_add(&index, hash_of(i), i);
	largest = index.capacity;
	for (uint32_t i = 1; i <= N - 100; i++)
		index_remove(&index, hash_of(i), i);
	cr_assert_leq(index.capacity * 8, largest);
	cr_assert_eq(index.live, 100);
	for (uint32_t i = 1; i <= N; i++)
		cr_assert_eq(find(&index, hash_of(i), i), i > N - 100 ? i : 0);
	for (uint32_t i = 1; i <= N; i++)
		cr_assert_eq(index_add(&index, hash_of(i), i), 0);
	index_release(&index);
}
