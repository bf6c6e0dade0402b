/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

struct thing {
	struct arena_record record;
	uint64_t value;
	char name[48];
};

struct mark {
	struct arena_record record;
};

enum { THINGS, MARKS, MANY };

static const struct arena_table_spec specs[] = {
	{"things", sizeof(struct thing), 1000},
	{"marks", sizeof(struct mark), 3},
	{"many", sizeof(struct thing), 100000},
};

static struct arena *arena;
static struct arena_table *things, *marks, *many;

static void setup(void)
{
	cr_assert_eq(arena_new(specs, ARRAY_SIZE(specs), &arena), 0);
	things = arena_table(arena, THINGS);
	marks = arena_table(arena, MARKS);
	many = arena_table(arena, MANY);
	cr_assert_eq(arena_attach(arena), 0);
}

static void teardown(void)
{
	arena_free_all(arena);
}

TestSuite(arena, .init = setup, .fini = teardown);

static uint32_t add(struct arena_table *table, uint64_t value)
{
	uint32_t index = arena_alloc(table);
	struct thing *thing = arena_at(table, index);

	cr_assert_neq(index, 0);
	thing->value = value;
	arena_publish(table, index, 1);
	return index;
}

Test(arena, wrong_tables_are_refused)
{
	static const struct {
		struct arena_table_spec spec;
		int error;
	} cases[] = {
		{{"no record", 0, 1}, -EINVAL},
		{{"no head", 4, 1}, -EINVAL},
		{{"crooked", 20, 1}, -EINVAL},
		{{"empty", 16, 0}, -EINVAL},
		{{"huge", SIZE_MAX & ~7UL, 2}, -EOVERFLOW},
		{{"huge", (SIZE_MAX - 4095) & ~7UL, 1}, -EOVERFLOW},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct arena *none = NULL;

		cr_assert_eq(arena_new(&cases[i].spec, 1, &none), cases[i].error, "%zu", i);
		cr_assert_null(none);
	}
	arena_free_all(NULL);
}

Test(arena, records_come_zeroed_from_low_indexes_and_live_once_published)
{
	uint32_t first = arena_alloc(things);
	struct thing *thing = arena_at(things, first);

	cr_assert_eq(first, 1);
	cr_assert_eq(thing->record.state, 0);
	cr_assert_neq(thing->record.generation, 0);
	cr_assert_eq(thing->value, 0);
	cr_assert_eq(arena_next(things, 0), 0);
	cr_assert_eq(arena_count(things), 0);

	arena_publish(things, first, 5);
	cr_assert_eq(arena_next(things, 0), 1);
	cr_assert_eq(arena_next(things, 1), 0);
	cr_assert_eq(arena_count(things), 1);
	/* A change of state is no second life. */
	arena_publish(things, first, 6);
	cr_assert_eq(thing->record.state, 6);
	cr_assert_eq(arena_count(things), 1);
}

Test(arena, a_freed_record_returns_empty_with_another_generation)
{
	uint32_t first = add(things, 11), second = add(things, 22);
	struct thing *thing = arena_at(things, first);
	uint32_t generation = thing->record.generation;

	arena_free(things, first);
	cr_assert_eq(thing->record.state, 0);
	cr_assert_neq(thing->record.generation, generation);
	cr_assert_eq(arena_count(things), 1);
	cr_assert_eq(arena_next(things, 0), second);

	cr_assert_eq(arena_alloc(things), first);
	cr_assert_eq(thing->value, 0);
	cr_assert_neq(thing->record.generation, generation);
}

Test(arena, generations_skip_zero)
{
	uint32_t index = add(things, 1);
	struct thing *thing = arena_at(things, index);

	thing->record.generation = UINT32_MAX;
	arena_free(things, index);
	cr_assert_eq(thing->record.generation, 1);
}

Test(arena, a_full_table_gives_none_until_one_is_freed)
{
	for (uint32_t i = 1; i <= 3; i++)
		cr_assert_eq(arena_alloc(marks), i);
	cr_assert_eq(arena_alloc(marks), 0);
	/* Free but never published. */
	arena_free(marks, 2);
	cr_assert_eq(arena_alloc(marks), 2);
	cr_assert_eq(arena_alloc(marks), 0);
	cr_assert_eq(arena_capacity(marks), 3);
	/* Its neighbour has nothing to do with it. */
	cr_assert_eq(arena_alloc(things), 1);
}

Test(arena, freeing_twice_does_not_give_a_record_to_two)
{
	uint32_t index = add(things, 1);

	arena_free(things, index);
	arena_free(things, index);
	cr_assert_eq(arena_alloc(things), 1);
	cr_assert_eq(arena_alloc(things), 2);
}

Test(arena, the_lowest_free_index_comes_first)
{
	for (int i = 0; i < 500; i++)
		add(things, 1);
	arena_free(things, 400);
	arena_free(things, 70);
	arena_free(things, 3);
	cr_assert_eq(arena_alloc(things), 3);
	cr_assert_eq(arena_alloc(things), 70);
	cr_assert_eq(arena_alloc(things), 400);
	cr_assert_eq(arena_alloc(things), 501);
}

Test(arena, used_bytes_follow_the_highest_index_ever_used)
{
	size_t before = arena_used_bytes(arena), after;

	for (int i = 0; i < 1000; i++)
		add(things, 1);
	after = arena_used_bytes(arena);
	cr_assert_geq(after, before + 1000 * sizeof(struct thing));
	cr_assert_lt(after, before + 1000 * sizeof(struct thing) + 2 * 4096);
}

Test(arena, a_large_capacity_costs_nothing)
{
	struct arena_table_spec spec = {"large", 256, 100u << 20};
	struct arena *large;

	cr_assert_eq(arena_new(&spec, 1, &large), 0);
	cr_assert_eq(arena_attach(large), 0);
	cr_assert_eq(arena_alloc(arena_table(large, 0)), 1);
	cr_assert_lt(arena_used_bytes(large), 64 << 10);
	arena_free_all(large);
}

/* What a worker does before it dies, by the kill or not. */
static void run_worker(void (*work)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (arena_attach(arena))
			_exit(1);
		work();
		raise(SIGKILL);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void first_worker(void)
{
	for (uint64_t i = 1; i <= 10; i++)
		add(things, i * 100);
	arena_free(things, 4);
	arena_alloc(things); /* 4 again, never published */
	arena_alloc(things); /* 11 */
	arena_globals(arena)->fencing_next = 99;
}

Test(arena, what_was_published_outlives_the_worker)
{
	uint32_t index = 0, live = 0;

	run_worker(first_worker);
	cr_assert_eq(arena_attach(arena), 0);
	while ((index = arena_next(things, index))) {
		const struct thing *thing = arena_at(things, index);

		cr_assert_eq(thing->value, index * 100);
		live++;
	}
	cr_assert_eq(live, 9);
	cr_assert_eq(arena_count(things), 9);
	cr_assert_eq(arena_globals(arena)->fencing_next, 99);
	/* What was not published is free. */
	cr_assert_eq(arena_alloc(things), 4);
	cr_assert_eq(arena_alloc(things), 11);
	cr_assert_eq(arena_alloc(things), 12);
}

static void half_free(void)
{
	struct thing *thing = arena_at(things, 1);

	/* As arena_free() begins; the kill comes before it raises the generation. */
	atomic_store(&thing->record.state, 0);
}

Test(arena, a_kill_amid_freeing_does_not_let_the_generation_return)
{
	struct thing *thing;
	uint32_t generation;

	thing = arena_at(things, add(things, 1));
	generation = thing->record.generation;
	run_worker(half_free);
	cr_assert_eq(arena_attach(arena), 0);
	cr_assert_eq(arena_alloc(things), 1);
	cr_assert_neq(thing->record.generation, generation);
}

static void *churn(void *context)
{
	uint64_t me = (uint64_t)(uintptr_t)context;

	for (int i = 0; i < 20000; i++) {
		uint32_t index = arena_alloc(things);
		struct thing *thing;

		if (!index)
			return NULL;
		thing = arena_at(things, index);
		thing->value = me;
		arena_publish(things, index, 1);
		if (thing->value != me)
			return NULL;
		arena_free(things, index);
	}
	return context;
}

Test(arena, threads_never_share_a_record)
{
	pthread_t threads[4];
	void *result;

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, churn, (void *)(i + 1));
	for (uintptr_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		cr_assert_eq((uintptr_t)result, i + 1);
	}
	cr_assert_eq(arena_count(things), 0);
	/* Low indexes were used again and again. */
	cr_assert_leq(arena_used_bytes(arena), 4 * 4096);
}

/* Fills the table of many, frees all but every `kept`th (0: all). */
static void wave(uint32_t kept)
{
	for (uint32_t i = 1; i <= arena_capacity(many); i++)
		cr_assert_eq(add(many, i), i);
	for (uint32_t i = 1; i <= arena_capacity(many); i++)
		if (!kept || i % kept)
			arena_free(many, i);
}

Test(arena, trimming_gives_back_what_was_freed)
{
	size_t before = arena_used_bytes(arena);
	cr_assert_eq(arena_trim(arena), 0, "nothing was freed");
	wave(0);
	cr_assert_geq(arena_trim(arena), 100000 * sizeof(struct thing) - (128 << 10));
	cr_assert_leq(arena_used_bytes(arena), before + (128 << 10));
	cr_assert_eq(arena_trim(arena), 0, "once");
	cr_assert_eq(arena_next(many, 0), 0);

	/* Numbers that were given out, which were the first of each, are not given out again. */
	for (uint32_t i = 1; i <= 100000; i++)
		cr_assert_gt(((struct thing *)arena_at(many, add(many, i)))->record.generation, 1);
	cr_assert_eq(arena_count(many), 100000);
}

Test(arena, trimming_keeps_what_is_live)
{
	uint32_t found = 0;

	wave(5000);
	cr_assert_gt(arena_trim(arena), 4u << 20);
	for (uint32_t i = 0; (i = arena_next(many, i));) {
		cr_assert_eq(i, (found + 1) * 5000);
		cr_assert_eq(((struct thing *)arena_at(many, i))->value, i);
		found++;
	}
	cr_assert_eq(found, 20);

	/* A worker that comes after finds the same, and knows no generation to be used already. */
	cr_assert_eq(arena_attach(arena), 0);
	cr_assert_eq(arena_count(many), 20);
	for (uint32_t i = 1; i <= 100000 - 20; i++)
		cr_assert_gt(((struct thing *)arena_at(many, add(many, i)))->record.generation, 1);
	cr_assert_eq(arena_alloc(many), 0, "full");
}
