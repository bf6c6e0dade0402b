/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lock/answer.h"
#include "lock/table.h"
#include "support/lock_world.h"

TestSuite(lost, .init = lock_world_make, .fini = lock_world_free, .timeout = 30);

static bool is_void(const char *path, const struct actor *actor)
{
	struct lock_key key = lock_world_key(path);

	return lock_removal_is_void(lw.locks, &key, actor);
}

/* The code of what the run is told; "" where it lost nothing. */
static const char *told(const struct actor *actor)
{
	json_t *error = lock_loss_of_run(lw.locks, actor->run, 0);
	static char code[32];

	snprintf(code, sizeof(code), "%s",
		 error ? json_string_value(json_object_get(error, "code")) : "");
	json_decref(error);
	return code;
}

Test(lost, the_next_holders_lock_is_not_the_losers_to_remove)
{
	struct child loser_child, thief_child;
	struct actor loser = lock_world_run("a", &loser_child);
	struct actor thief = lock_world_run("b", &thief_child);

	cr_assert(lock_world_create("tool.lock", &loser, NULL));
	cr_expect_not(is_void("tool.lock", &loser), "it is his");
	cr_expect_str_eq(told(&loser), "");
	lock_world_unlink("tool.lock", &thief);
	cr_assert(lock_world_create("tool.lock", &thief, NULL));
	cr_expect_str_eq(told(&loser), "LOCK_LOST");
	cr_expect_str_eq(told(&thief), "");
	cr_expect_not(is_void("tool.lock", &thief));
	cr_expect_not(is_void("other.lock", &loser));
	cr_expect(is_void("tool.lock", &loser));
	cr_expect_not(is_void("tool.lock", &loser), "each loss counts once");
	child_end(&loser_child);
	child_end(&thief_child);
}

Test(lost, a_free_name_is_not_there_to_be_removed)
{
	struct actor a = lock_world_actor("a"), b = lock_world_actor("b");

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	lock_world_unlink("tool.lock", &b);
	cr_expect_not(is_void("tool.lock", &a));
}

Test(lost, what_an_outsider_put_there_is_not_the_losers_either)
{
	struct actor a = lock_world_actor("a");

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	/* Made before the first is gone, so that it is another inode. */
	lock_world_outsider_creates("new", "x");
	cr_assert_eq(renameat(lw.lower_fd, "new", lw.lower_fd, "tool.lock"), 0);
	cr_expect(is_void("tool.lock", &a));
	cr_expect(lock_world_exists("tool.lock"));
	cr_expect_eq(lock_world_events("lock_lost", NULL), 1);
	cr_expect_not(is_void("tool.lock", &a));
}

Test(lost, a_run_learns_at_its_end_of_what_went_without_a_word)
{
	struct child child;
	struct actor a = lock_world_run("a", &child);

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	cr_assert_eq(unlinkat(lw.lower_fd, "tool.lock", 0), 0);
	cr_expect_str_eq(told(&a), "LOCK_LOST");
	lock_world_end_run(&a, &child);
	cr_expect_str_eq(told(&a), "", "its number may be another run's by now");
}

Test(lost, the_last_of_so_many_are_remembered)
{
	struct losses *losses = calloc(1, sizeof(*losses));
	struct conflict_actor first = {.run = 1}, last = {.run = 2};
	struct loss loss = {.holder = first, .hash = 7, .removal_due = true};

	loss.facts = calloc(1, sizeof(*loss.facts));
	losses_note_consume(losses, &loss);
	for (int i = 0; i < LOSSES_MAX; i++) {
		cr_assert_eq(losses_of_run(losses, 1) != NULL, true);
		loss = (struct loss){.holder = last, .hash = (uint64_t)i, .removal_due = true};
		loss.facts = calloc(1, sizeof(*loss.facts));
		losses_note_consume(losses, &loss);
	}
	cr_expect_null(losses_of_run(losses, 1));
	cr_expect_not(losses_take_removal(losses, &first, 7));
	cr_expect_eq(losses_of_run(losses, 2)->hash, LOSSES_MAX - 1);
	cr_expect(losses_take_removal(losses, &last, 7));
	cr_expect_not(losses_take_removal(losses, &last, 7));
	losses_run_ended(losses, 2);
	cr_expect_null(losses_of_run(losses, 2));
	losses_release(losses);
	free(losses);
}
