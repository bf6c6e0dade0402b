/* SPDX-License-Identifier: MIT */
/* What the housekeeping finds, and what a new worker makes of the old one's records. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lock/answer.h"
#include "lock/lockfile.h"
#include "support/lock_world.h"

static struct lock_record held;

TestSuite(sweep, .init = lock_world_make, .fini = lock_world_free, .timeout = 30);

/* A process in a process group of its own, with a helper in it that outlives it where asked. */
static pid_t start_group(pid_t *ret_member)
{
	pid_t leader = fork();

	if (leader == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(leader, leader);
	*ret_member = fork();
	if (*ret_member == 0) {
		for (;;)
			pause();
	}
	cr_assert_eq(setpgid(*ret_member, leader), 0);
	return leader;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct actor actor_of(const char *session, pid_t pid)
{
	struct actor actor = lock_world_actor(session);

	actor.tid = actor.pid = pid;
	return actor;
}

Test(sweep, a_dead_creators_lock_is_freed_once_his_group_is_gone)
{
	pid_t member;
	pid_t leader = start_group(&member);
	struct actor a = actor_of("a", leader);

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	locks_sweep(lw.locks);
	cr_expect(lock_world_exists("tool.lock"), "its creator lives");
	end(leader);
	locks_sweep(lw.locks);
	cr_expect(lock_world_exists("tool.lock"), "a process of its group lives");
	end(member);
	locks_sweep(lw.locks);
	cr_expect_not(lock_world_exists("tool.lock"));
	cr_expect_eq(locks_count(lw.locks), 0);
	cr_expect_eq(lock_world_events("lock_freed", NULL), 1);
	cr_expect_eq(lw.freed, 1);
}

Test(sweep, text_that_names_the_dead_frees_and_text_that_names_the_living_keeps)
{
	pid_t member;
	pid_t leader = start_group(&member);
	struct actor a = actor_of("a", leader);
	char dead[16], living[16];

	snprintf(dead, sizeof(dead), "%d\n", leader);
	snprintf(living, sizeof(living), "%d\n", getpid());
	cr_assert(lock_world_create("dead.lock", &a, dead));
	cr_assert(lock_world_create("living.lock", &a, living));
	end(leader);
	locks_sweep(lw.locks);
	cr_expect_not(lock_world_exists("dead.lock"));
	cr_expect(lock_world_exists("living.lock"));
	end(member);
	locks_sweep(lw.locks);
	cr_expect(lock_world_exists("living.lock"));
}

Test(sweep, a_dead_presence_is_reported_once_and_stays)
{
	pid_t member;
	pid_t leader = start_group(&member);
	struct actor a = actor_of("a", leader);
	struct stat st = lock_world_outsider_creates("tool.pid", NULL);

	lock_present(lw.locks, &(struct lock_key){.path = "tool.pid"}, &a, &st);
	end(leader);
	end(member);
	locks_sweep(lw.locks);
	locks_sweep(lw.locks);
	cr_expect(lock_world_exists("tool.pid"));
	cr_assert(lock_world_held("tool.pid", &held));
	cr_expect(held.flags & LOCK_STALE);
	cr_expect_eq(lock_world_events("lock_stale", NULL), 1);
}

Test(sweep, a_lock_of_a_live_run_is_never_stale)
{
	struct child child;
	struct actor run = lock_world_run("s", &child);
	pid_t member;
	pid_t leader = start_group(&member);

	run.tid = run.pid = leader; /* a helper that exits at once */
	cr_assert(lock_world_create("tool.lock", &run, "999999\n"));
	end(leader);
	end(member);
	locks_sweep(lw.locks);
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_not(held.flags & LOCK_STALE);
	cr_expect(lock_world_exists("tool.lock"));
	lock_world_end_run(&run, &child);
}

Test(sweep, a_file_removed_by_an_outsider_is_a_lost_lock)
{
	struct actor a = lock_world_actor("a");
	_cleanup_buf_ struct buf event = {0};

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	cr_assert_eq(unlinkat(lw.lower_fd, "tool.lock", 0), 0);
	locks_sweep(lw.locks);
	cr_expect_eq(locks_count(lw.locks), 0);
	cr_expect_eq(lock_world_events("lock_lost", NULL), 0, "it may be one of us who tells late");
	locks_sweep(lw.locks);
	locks_sweep(lw.locks);
	cr_expect_eq(lock_world_events("lock_lost", &event), 1);
	cr_expect(strstr(event.data, "outsider"), "%s", event.data);
}

Test(sweep, between_an_unlink_and_its_report_makes_no_loss_of_a_release)
{
	struct actor a = lock_world_actor("a");
	struct lock_key key = lock_world_key("tool.lock");

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	cr_assert_eq(unlinkat(lw.lower_fd, "tool.lock", 0), 0);
	locks_sweep(lw.locks);
	lock_removed(lw.locks, &key, &a);
	locks_sweep(lw.locks);
	locks_sweep(lw.locks);
	cr_expect_eq(lock_world_events("lock_lost", NULL), 0);
	cr_expect_eq(lock_world_events("lock_released", NULL), 1);
}

Test(sweep, a_file_replaced_by_an_outsider_is_left_alone)
{
	struct actor a = lock_world_actor("a");

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	lock_world_outsider_creates("new", NULL);
	cr_assert_eq(renameat(lw.lower_fd, "new", lw.lower_fd, "tool.lock"), 0);
	locks_sweep(lw.locks);
	cr_expect_eq(locks_count(lw.locks), 0);
	cr_expect(lock_world_exists("tool.lock"));
}

Test(sweep, held_locks_survive_the_worker)
{
	struct actor a = lock_world_actor("a");
	struct child child;
	struct actor run = lock_world_run("s", &child);
	struct lock_record before;

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	cr_assert(lock_world_create("run.lock", &run, NULL));
	cr_assert(lock_world_held("tool.lock", &before));
	lock_world_restart();
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.token, before.token);
	cr_expect_eq(locks_count(lw.locks), 2);
	lock_world_end_run(&run, &child);
	cr_expect_not(lock_world_exists("run.lock"));
	lock_world_unlink("tool.lock", &a);
	cr_expect_eq(locks_count(lw.locks), 0);
}

Test(sweep, a_claim_of_the_killed_worker_is_held_where_its_file_was_made)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");
	struct lock_key made = lock_world_key("made.lock");
	struct lock_key unmade = lock_world_key("unmade.lock");
	struct lock_key others = lock_world_key("others.lock");

	cr_assert(lock_world_create("others.lock", &b, NULL));
	cr_assert_neq(lock_claim(lw.locks, &made, LOCK_IDIOM_CREATE, &a), 0);
	cr_assert_neq(lock_claim(lw.locks, &unmade, LOCK_IDIOM_CREATE, &a), 0);
	cr_assert_neq(lock_claim(lw.locks, &others, LOCK_IDIOM_CREATE, &a), 0);
	lock_world_outsider_creates("made.lock", NULL); /* the claim's own call */
	lock_world_restart();
	cr_assert(lock_world_held("made.lock", &held));
	cr_expect_eq(held.session, a.session);
	cr_expect_gt(held.token, 0);
	cr_expect_not(lock_world_held("unmade.lock", &held));
	cr_assert(lock_world_held("others.lock", &held));
	cr_expect_eq(held.session, b.session);
	cr_expect_eq(arena_count(lw.table), 2);
}

Test(sweep, a_deletion_the_killed_worker_had_begun_is_finished)
{
	struct actor a = lock_world_actor("a");
	struct lock_key key = lock_world_key("tool.lock");
	char aside[64];
	uint32_t lock;

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	cr_assert(lock_world_held("tool.lock", &held));
	lock = locks_find(lw.locks, &key);
	((struct lock_record *)arena_at(lw.table, lock))->flags |= LOCK_FREEING;
	snprintf(aside, sizeof(aside), ".sessionfs-freed-%llu", (unsigned long long)held.token);
	cr_assert_eq(renameat(lw.lower_fd, "tool.lock", lw.lower_fd, aside), 0);
	lock_world_restart();
	cr_expect_not(lock_world_exists(aside));
	cr_expect_eq(locks_count(lw.locks), 0);
}

Test(sweep, a_deletion_not_yet_begun_leaves_the_lock)
{
	struct actor a = lock_world_actor("a");
	struct lock_key key = lock_world_key("tool.lock");

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	((struct lock_record *)arena_at(lw.table, locks_find(lw.locks, &key)))->flags |=
		LOCK_FREEING;
	lock_world_restart();
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect_eq(held.flags & LOCK_FREEING, 0);
	cr_expect(lock_world_exists("tool.lock"));
}

Test(sweep, a_new_holders_file_is_put_back_when_it_was_moved_aside_by_mistake)
{
	struct actor a = lock_world_actor("a");
	char aside[64];

	/* As if a new lock had come into being between the look and the rename. */
	cr_assert(lock_world_create("tool.lock", &a, NULL));
	cr_assert(lock_world_held("tool.lock", &held));
	cr_assert_eq(unlinkat(lw.lower_fd, "tool.lock", 0), 0);
	snprintf(aside, sizeof(aside), ".sessionfs-freed-%llu", (unsigned long long)held.token);
	lock_world_outsider_creates("placeholder", NULL); /* so that the inode is not the same */
	lock_world_outsider_creates(aside, "new holder");
	cr_expect_eq(lockfile_free_resume(lw.locks, &held), LOCKFILE_GONE);
	cr_expect(lock_world_exists("tool.lock"));
	cr_expect_not(lock_world_exists(aside));
}
