/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/lock_world.h"

static struct lock_record held;

TestSuite(claim, .init = lock_world_make, .fini = lock_world_free, .timeout = 30);

Test(claim, a_committed_claim_is_held_with_all_that_is_known_of_its_holder)
{
	struct actor actor = lock_world_actor("build-1");

	cr_assert(lock_world_create("tool.lock", &actor, NULL));
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.idiom, LOCK_IDIOM_CREATE);
	cr_expect_eq(held.session, actor.session);
	cr_expect_str_eq(held.session_id, "build-1");
	cr_expect_str_eq(held.run_id, "");
	cr_expect_eq(held.creator.pid, getpid());
	cr_expect_eq(held.pgid, (uint32_t)getpgrp());
	cr_expect(held.command[0]);
	cr_expect(held.comm[0]);
	cr_expect_eq(held.cwd[0], '/');
	cr_expect_gt(held.token, 0);
	cr_expect_eq(locks_count(lw.locks), 1);
	cr_expect_eq(locks_next(lw.locks, locks_next(lw.locks, 0)), 0);
}

Test(claim, a_pending_claim_is_in_no_list)
{
	struct actor actor = lock_world_actor("a");
	struct lock_key key = lock_world_key("tool.lock");
	uint32_t claim = lock_claim(lw.locks, &key, LOCK_IDIOM_CREATE, &actor);

	cr_assert_neq(claim, 0);
	cr_expect_eq(locks_next(lw.locks, 0), 0);
	cr_expect_eq(locks_find(lw.locks, &key), 0);
	cr_expect_eq(locks_count(lw.locks), 0);
	cr_expect_not(locks_read(lw.locks, claim, &held));
	lock_claim_abort(lw.locks, claim);
	cr_expect_eq(arena_count(lw.table), 0);
}

Test(claim, tokens_grow_over_restarts_of_the_worker_and_of_the_mount)
{
	struct actor actor = lock_world_actor("a");
	uint64_t last = 0;

	for (int i = 0; i < 3; i++) {
		cr_assert(lock_world_create("tool.lock", &actor, NULL));
		cr_assert(lock_world_held("tool.lock", &held));
		cr_expect_gt(held.token, last);
		last = held.token;
		lock_world_unlink("tool.lock", &actor);
		if (i == 0)
			lock_world_restart();
		if (i == 1) { /* a new arena: only the disk remembers */
			lw.globals->fencing_next = 0;
			lw.globals->fencing_reserved = 0;
			lock_world_restart();
		}
	}
}

Test(claim, a_full_table_refuses)
{
	struct actor actor = lock_world_actor("a");
	char path[32];

	for (int i = 0; i < LOCK_WORLD_LOCKS; i++) {
		struct lock_key key = {.path = path};

		snprintf(path, sizeof(path), "%d.lock", i);
		cr_assert_neq(lock_claim(lw.locks, &key, LOCK_IDIOM_CREATE, &actor), 0);
	}
	cr_expect_eq(lock_claim(lw.locks, &(struct lock_key){.path = "x.lock"}, LOCK_IDIOM_CREATE,
				&actor),
		     0);
}

Test(claim, scopes_are_apart)
{
	struct actor a = lock_world_actor("a");
	struct lock_key lower = {.path = "d/x.lock"};
	struct lock_key private = {.path = "d/x.lock", .session = a.session};
	struct lock_key other = {.path = "d/x.lock", .share = 1};
	struct stat st = {.st_dev = 1, .st_ino = 2};
	uint32_t claim = lock_claim(lw.locks, &private, LOCK_IDIOM_MKDIR, &a);

	lock_claim_commit(lw.locks, claim, &st);
	cr_expect_eq(locks_find(lw.locks, &private), claim);
	cr_expect_eq(locks_find(lw.locks, &lower), 0);
	cr_expect_eq(locks_find(lw.locks, &other), 0);
}

Test(claim, who_makes_the_file_anew_holds_it_before_the_removal_is_told)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");
	struct lock_key key = lock_world_key("tool.lock");

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	/* A's unlink is done, its report is late. */
	cr_assert_eq(unlinkat(lw.lower_fd, "tool.lock", 0), 0);
	cr_assert(lock_world_create("tool.lock", &b, NULL));
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.session, b.session);
	cr_expect_eq(locks_count(lw.locks), 1);
	cr_expect_eq(lock_world_events("lock_released", NULL), 0);

	lock_removed(lw.locks, &key, &a);
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.session, b.session);
	cr_expect_eq(lock_world_events("lock_released", NULL), 1);
	cr_expect_eq(lock_world_events("lock_lost", NULL), 0);
}

Test(claim, a_claim_whose_file_was_removed_before_its_commit_is_not_held)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");
	struct lock_key key = lock_world_key("tool.lock");
	uint32_t claim = lock_claim(lw.locks, &key, LOCK_IDIOM_CREATE, &a);
	struct stat st = lock_world_outsider_creates("tool.lock", NULL); /* the claim's own call */

	lock_world_unlink("tool.lock", &b);
	lock_claim_commit(lw.locks, claim, &st);
	cr_expect_eq(locks_find(lw.locks, &key), 0);
	cr_expect_eq(arena_count(lw.table), 0);
	cr_expect_eq(lock_world_events("lock_lost", NULL), 1);
}

Test(claim, of_two_claims_the_one_whose_file_is_there_holds)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");
	struct lock_key key = lock_world_key("tool.lock");
	uint32_t first = lock_claim(lw.locks, &key, LOCK_IDIOM_CREATE, &a);
	struct stat first_st = lock_world_outsider_creates("tool.lock", NULL);
	struct stat second_st;
	uint32_t second;

	cr_assert_eq(renameat(lw.lower_fd, "tool.lock", lw.lower_fd, "aside"), 0);
	second = lock_claim(lw.locks, &key, LOCK_IDIOM_CREATE, &b);
	second_st = lock_world_outsider_creates("tool.lock", NULL);
	lock_claim_commit(lw.locks, second, &second_st);
	lock_claim_commit(lw.locks, first, &first_st);
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.session, b.session);
	cr_expect_eq(locks_count(lw.locks), 1);
}

Test(claim, presence_is_recorded_only_where_no_lock_is)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");
	struct stat st = lock_world_outsider_creates("tool.pid", NULL);

	lock_present(lw.locks, &(struct lock_key){.path = "tool.pid"}, &a, &st);
	cr_assert(lock_world_held("tool.pid", &held));
	cr_expect_eq(held.idiom, LOCK_IDIOM_PRESENCE);
	cr_expect_eq(held.session, a.session);
	lock_present(lw.locks, &(struct lock_key){.path = "tool.pid"}, &b, &st);
	cr_assert(lock_world_held("tool.pid", &held));
	cr_expect_eq(held.session, a.session);
	cr_expect_eq(locks_count(lw.locks), 1);
}

Test(claim, presence_of_the_dead_gives_way)
{
	struct child child = child_start(0, NULL, NULL);
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");
	struct stat st = lock_world_outsider_creates("tool.pid", NULL);

	a.tid = a.pid = child.pid;
	lock_present(lw.locks, &(struct lock_key){.path = "tool.pid"}, &a, &st);
	child_end(&child);
	lock_present(lw.locks, &(struct lock_key){.path = "tool.pid"}, &b, &st);
	cr_assert(lock_world_held("tool.pid", &held));
	cr_expect_eq(held.session, b.session);
	cr_expect_eq(locks_count(lw.locks), 1);
}

Test(claim, a_private_lock_is_settled_by_the_upper)
{
	struct actor a = lock_world_actor("a");
	struct lock_key key = {.path = "x.lock", .session = a.session};
	uint32_t claim = lock_claim(lw.locks, &key, LOCK_IDIOM_CREATE, &a);
	int upper, work;
	struct stat st;
	int fd;

	cr_assert_eq(registry_open_upper(lw.registry, a.session, 0, &upper, &work), 0);
	fd = openat(upper, "x.lock", O_CREAT | O_EXCL | O_WRONLY, 0600);
	cr_assert_eq(fstat(fd, &st), 0);
	close(fd);
	lock_claim_commit(lw.locks, claim, &st);
	lock_removed(lw.locks, &key, &a); /* told too early: the file is there */
	cr_expect_neq(locks_find(lw.locks, &key), 0);
	unlinkat(upper, "x.lock", 0);
	lock_removed(lw.locks, &key, &a);
	cr_expect_eq(locks_find(lw.locks, &key), 0);
	close(upper);
	close(work);
}
