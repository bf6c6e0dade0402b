/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/lock_world.h"

static struct lock_record held;

TestSuite(release, .init = lock_world_make, .fini = lock_world_free, .timeout = 30);

Test(release, the_holders_own_unlink_releases)
{
	struct actor a = lock_world_actor("a");
	_cleanup_buf_ struct buf event = {0};

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	lock_world_unlink("tool.lock", &a);
	cr_expect_not(lock_world_held("tool.lock", &held));
	cr_expect_eq(locks_count(lw.locks), 0);
	cr_expect_eq(lock_world_events("lock_released", &event), 1);
	cr_expect(strstr(event.data, "/lower/tool.lock"), "%s", event.data);
	cr_expect_eq(lw.released, 1);
}

Test(release, another_sessions_unlink_is_a_loss_and_the_event_names_who)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("thief");
	_cleanup_buf_ struct buf event = {0};

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	lock_world_unlink("tool.lock", &b);
	cr_expect_not(lock_world_held("tool.lock", &held));
	cr_expect_eq(lock_world_events("lock_lost", &event), 1);
	cr_expect(strstr(event.data, "thief"), "%s", event.data);
	cr_expect_eq(lw.released, 1);
}

Test(release, two_runs_of_one_session_are_two_holders)
{
	struct child first_child, second_child;
	struct actor first = lock_world_run("s", &first_child);
	struct actor second = lock_world_run("s", &second_child);

	cr_assert(lock_world_create("tool.lock", &first, NULL));
	lock_world_unlink("tool.lock", &second);
	cr_expect_eq(lock_world_events("lock_lost", NULL), 1);
	child_end(&first_child);
	child_end(&second_child);
}

Test(release, nothing_is_released_while_the_file_is_there)
{
	struct actor a = lock_world_actor("a");
	struct lock_key key = lock_world_key("tool.lock");

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	lock_removed(lw.locks, &key, &a);
	cr_expect(lock_world_held("tool.lock", &held));
}

Test(release, replacing_the_file_by_rename_releases)
{
	struct actor a = lock_world_actor("a");
	struct lock_key key = lock_world_key("tool.lock");

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	lock_world_outsider_creates("other", NULL);
	cr_assert_eq(renameat(lw.lower_fd, "other", lw.lower_fd, "tool.lock"), 0);
	lock_removed(lw.locks, &key, &a);
	cr_expect_not(lock_world_held("tool.lock", &held));
}

Test(release, removal_of_what_nobody_holds_is_nothing)
{
	struct actor a = lock_world_actor("a");

	lock_world_outsider_creates("tool.lock", NULL);
	lock_world_unlink("tool.lock", &a);
	cr_expect_eq(lock_world_events("lock_released", NULL), 0);
	cr_expect_eq(lock_world_events("lock_lost", NULL), 0);
	cr_expect_eq(lw.released, 0);
}

Test(release, waiters_are_counted_by_lock)
{
	struct lock_key key = lock_world_key("tool.lock");
	struct lock_key other = lock_world_key("other.lock");

	locks_waiter_add(lw.locks, &key, 1);
	locks_waiter_add(lw.locks, &key, 1);
	locks_waiter_add(lw.locks, &other, 1);
	cr_expect_eq(locks_waiters(lw.locks, &key), 2);
	locks_waiter_add(lw.locks, &key, -1);
	cr_expect_eq(locks_waiters(lw.locks, &key), 1);
	locks_waiter_add(lw.locks, &key, -1);
	locks_waiter_add(lw.locks, &key, -1);
	cr_expect_eq(locks_waiters(lw.locks, &key), 0);
	cr_expect_eq(locks_waiters(lw.locks, &other), 1);
}
