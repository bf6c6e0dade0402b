/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <unistd.h>

#include "support/lock_world.h"

static struct lock_record held;
static struct lock_key key = {.path = "tool.lock"};
static struct stat st;

static void set_up(void)
{
	lock_world_make();
	st = lock_world_outsider_creates("tool.lock", NULL);
}

TestSuite(grants, .init = set_up, .fini = lock_world_free, .timeout = 30);

Test(grants, granted_is_held_and_released_is_free)
{
	struct actor a = lock_world_actor("a");

	lock_advisory_granted(lw.locks, &key, &a, &st, LOCK_IDIOM_FLOCK, 11, true);
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.idiom, LOCK_IDIOM_FLOCK);
	cr_expect_eq(held.session, a.session);
	lock_advisory_released(lw.locks, &key, LOCK_IDIOM_FLOCK, 12); /* not the owner */
	cr_expect(lock_world_held("tool.lock", &held));
	lock_advisory_released(lw.locks, &key, LOCK_IDIOM_FLOCK, 11);
	cr_expect_not(lock_world_held("tool.lock", &held));
	cr_expect_eq(lock_world_events("lock_released", NULL), 1);
	cr_expect(lock_world_exists("tool.lock"));
}

Test(grants, takes_the_place_of_a_presence_which_does_not_come_back)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");

	lock_present(lw.locks, &key, &a, &st);
	lock_advisory_granted(lw.locks, &key, &b, &st, LOCK_IDIOM_FLOCK, 11, true);
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.idiom, LOCK_IDIOM_FLOCK);
	cr_expect_eq(held.session, b.session);
	cr_expect_eq(locks_count(lw.locks), 1);
	lock_advisory_released(lw.locks, &key, LOCK_IDIOM_FLOCK, 11);
	cr_expect_eq(locks_count(lw.locks), 0);
}

Test(grants, on_a_file_that_is_a_lock_by_existing_changes_nothing)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");
	struct lock_key other = lock_world_key("other.lock");
	struct stat other_st = {0};

	cr_assert(lock_world_create("other.lock", &a, NULL));
	lock_advisory_granted(lw.locks, &other, &b, &other_st, LOCK_IDIOM_FLOCK, 11, true);
	lock_advisory_released(lw.locks, &other, LOCK_IDIOM_FLOCK, 11);
	cr_assert(lock_world_held("other.lock", &held));
	cr_expect_eq(held.idiom, LOCK_IDIOM_CREATE);
	cr_expect_eq(locks_count(lw.locks), 1);
}

Test(grants, a_shared_one_is_held_until_its_last_holder_releases)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");
	struct actor c = lock_world_actor("c");

	lock_advisory_granted(lw.locks, &key, &a, &st, LOCK_IDIOM_FLOCK, 1, false);
	lock_advisory_granted(lw.locks, &key, &b, &st, LOCK_IDIOM_FLOCK, 2, false);
	lock_advisory_granted(lw.locks, &key, &c, &st, LOCK_IDIOM_FLOCK, 3, false);
	lock_advisory_granted(lw.locks, &key, &b, &st, LOCK_IDIOM_FLOCK, 2,
			      false); /* again: nothing new */
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.session, a.session);
	cr_expect_eq(held.shared_count, 2);

	lock_advisory_released(lw.locks, &key, LOCK_IDIOM_FLOCK, 1);
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.session, b.session);
	cr_expect_eq(held.shared_count, 1);
	cr_expect_str_eq(held.path, "tool.lock");

	lock_advisory_released(lw.locks, &key, LOCK_IDIOM_FLOCK, 3);
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.shared_count, 0);
	lock_advisory_released(lw.locks, &key, LOCK_IDIOM_FLOCK, 2);
	cr_expect_eq(locks_count(lw.locks), 0);
}

Test(grants, an_exclusive_grant_shows_that_the_others_have_released)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");

	lock_advisory_granted(lw.locks, &key, &a, &st, LOCK_IDIOM_FLOCK, 1, true);
	lock_advisory_granted(lw.locks, &key, &b, &st, LOCK_IDIOM_FLOCK, 2, true);
	lock_advisory_released(lw.locks, &key, LOCK_IDIOM_FLOCK, 1); /* told late */
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.session, b.session);
	cr_expect_eq(locks_count(lw.locks), 1);
}

Test(grants, unlinking_the_file_frees_the_path)
{
	struct actor a = lock_world_actor("a");

	lock_advisory_granted(lw.locks, &key, &a, &st, LOCK_IDIOM_FLOCK, 1, true);
	lock_world_unlink("tool.lock", &a);
	cr_expect_eq(locks_count(lw.locks), 0);
	lock_advisory_released(lw.locks, &key, LOCK_IDIOM_FLOCK, 1);
	cr_expect_eq(lock_world_events("lock_released", NULL), 1);
}

Test(grants, writers_of_different_ranges_are_held_side_by_side)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");

	lock_advisory_granted(lw.locks, &key, &a, &st, LOCK_IDIOM_FCNTL, 1, false);
	lock_advisory_granted(lw.locks, &key, &b, &st, LOCK_IDIOM_FCNTL, 2, false);
	/* An open file has one number for both idioms. */
	lock_advisory_granted(lw.locks, &key, &b, &st, LOCK_IDIOM_FLOCK, 2, true);
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.idiom, LOCK_IDIOM_FCNTL);
	cr_expect_eq(held.session, a.session);
	cr_expect_eq(held.shared_count, 2);
	lock_advisory_released(lw.locks, &key, LOCK_IDIOM_FLOCK, 1);
	lock_advisory_released(lw.locks, &key, LOCK_IDIOM_FCNTL, 1);
	lock_advisory_released(lw.locks, &key, LOCK_IDIOM_FCNTL, 2);
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.idiom, LOCK_IDIOM_FLOCK);
	cr_expect_eq(held.session, b.session);
	lock_advisory_released(lw.locks, &key, LOCK_IDIOM_FLOCK, 2);
	cr_expect_eq(locks_count(lw.locks), 0);
}
