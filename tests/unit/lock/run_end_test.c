/* SPDX-License-Identifier: MIT */
/* What becomes of the locks of a run that has ended. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "lock/answer.h"
#include "support/lock_world.h"

static struct lock_record held;
static struct child child;
static struct actor run;

static void set_up(void)
{
	lock_world_make();
	run = lock_world_run("s", &child);
}

TestSuite(run_end, .init = set_up, .fini = lock_world_free, .timeout = 30);

/* Commits a lock of that idiom for what is there now. */
static void commit(const char *path, enum lock_idiom idiom)
{
	struct lock_key key = lock_world_key(path);
	uint32_t claim = lock_claim(lw.locks, &key, idiom, &run);
	struct stat st;

	cr_assert_eq(fstatat(lw.lower_fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	lock_claim_commit(lw.locks, claim, &st);
}

static void fill(const char *directory, int count)
{
	char path[64];

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%d", directory, i);
		lock_world_outsider_creates(path, "x");
	}
}

Test(run_end, its_lock_file_is_deleted_and_the_kernel_told)
{
	cr_assert(lock_world_create("tool.lock", &run, "1234\n"));
	lock_world_end_run(&run, &child);
	cr_expect_not(lock_world_exists("tool.lock"));
	cr_expect_eq(locks_count(lw.locks), 0);
	cr_expect_eq(lock_world_events("lock_freed", NULL), 1);
	cr_expect_eq(lw.freed, 1);
	cr_expect_str_eq(lw.freed_path, "tool.lock");
	cr_expect_gt(lw.released, 0);
}

Test(run_end, below_directories_and_by_symlink_and_directory_too)
{
	cr_assert_eq(mkdirat(lw.lower_fd, "d", 0700), 0);
	cr_assert(lock_world_create("d/tool.lock", &run, NULL));
	cr_assert_eq(symlinkat("me@host.1", lw.lower_fd, "link.lock"), 0);
	commit("link.lock", LOCK_IDIOM_SYMLINK);
	cr_assert_eq(mkdirat(lw.lower_fd, "dir.lock", 0700), 0);
	commit("dir.lock", LOCK_IDIOM_MKDIR);
	fill("dir.lock", 16);
	lock_world_end_run(&run, &child);
	cr_expect_not(lock_world_exists("d/tool.lock"));
	cr_expect_not(lock_world_exists("link.lock"));
	cr_expect_not(lock_world_exists("dir.lock"));
	cr_expect_eq(locks_count(lw.locks), 0);
	cr_expect_eq(lw.freed, 3);
}

Test(run_end, what_holds_more_than_a_lock_does_is_kept_and_reported_stale)
{
	_cleanup_json_ json_t *conflict = NULL;
	_cleanup_json_ json_t *answer = NULL;
	struct actor outside;
	char large[4098];
	struct lock_key key = lock_world_key("large.lock");

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	cr_assert(lock_world_create("large.lock", &run, large));
	cr_assert_eq(mkdirat(lw.lower_fd, "many.lock", 0700), 0);
	commit("many.lock", LOCK_IDIOM_MKDIR);
	fill("many.lock", 17);
	cr_assert_eq(mkdirat(lw.lower_fd, "deep.lock", 0700), 0);
	cr_assert_eq(mkdirat(lw.lower_fd, "deep.lock/d", 0700), 0);
	commit("deep.lock", LOCK_IDIOM_MKDIR);
	lock_world_end_run(&run, &child);
	cr_expect(lock_world_exists("large.lock"));
	cr_expect(lock_world_exists("many.lock/0"));
	cr_expect(lock_world_exists("deep.lock/d"));
	cr_expect_eq(lock_world_events("lock_stale", NULL), 3);
	cr_expect_eq(lw.freed, 0);
	answer = lock_answer(lw.locks, locks_find(lw.locks, &key), 0);
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(answer, "lock"), "state")),
		"stale");
	cr_expect_eq(json_integer_value(json_object_get(answer, "retry_after_ms")), 0);
	/* It is nobody's: whoever meets it is denied, also in its session. */
	outside = lock_world_actor("s");
	cr_assert_not(lock_world_create("large.lock", &outside, NULL));
	conflict = lock_last_conflict(lw.locks, outside.session, 0, 0);
	cr_expect_not_null(conflict);
}

Test(run_end, a_share_that_reports_deletes_nothing)
{
	char runs_id[RUN_ID_SIZE];

	world.shares[0].stale_report = true;
	strcpy(runs_id, runs_at(lw.runs, run.run)->id);
	cr_assert(lock_world_create("tool.lock", &run, NULL));
	lock_world_end_run(&run, &child);
	cr_expect(lock_world_exists("tool.lock"));
	cr_assert(lock_world_held("tool.lock", &held));
	cr_expect(held.flags & LOCK_STALE);
	cr_expect_eq(held.run, 0);
	cr_expect_str_eq(held.run_id, runs_id);
}

Test(run_end, a_file_that_replaced_the_lock_is_not_touched)
{
	cr_assert(lock_world_create("tool.lock", &run, NULL));
	lock_world_outsider_creates("new", "theirs");
	cr_assert_eq(renameat(lw.lower_fd, "new", lw.lower_fd, "tool.lock"), 0);
	lock_world_end_run(&run, &child);
	cr_expect(lock_world_exists("tool.lock"));
	cr_expect_eq(locks_count(lw.locks), 0);
	cr_expect_eq(lw.freed, 0);
}

Test(run_end, presence_and_flock_leave_the_file)
{
	struct stat st = lock_world_outsider_creates("tool.pid", NULL);
	struct stat flock_st = lock_world_outsider_creates("f.lock", NULL);

	lock_present(lw.locks, &(struct lock_key){.path = "tool.pid"}, &run, &st);
	lock_advisory_granted(lw.locks, &(struct lock_key){.path = "f.lock"}, &run, &flock_st,
			      LOCK_IDIOM_FLOCK, 1, true);
	lock_world_end_run(&run, &child);
	cr_expect(lock_world_exists("tool.pid"));
	cr_expect(lock_world_exists("f.lock"));
	cr_expect_eq(locks_count(lw.locks), 0);
	cr_expect_eq(lock_world_events("lock_freed", NULL), 2);
}

Test(run_end, other_runs_keep_theirs)
{
	struct child other_child;
	struct actor other = lock_world_run("s", &other_child);

	cr_assert(lock_world_create("tool.lock", &run, NULL));
	cr_assert(lock_world_create("other.lock", &other, NULL));
	lock_world_end_run(&run, &child);
	cr_expect(lock_world_held("other.lock", &held));
	cr_expect(lock_world_exists("other.lock"));
	child_end(&other_child);
}

Test(run_end, missed_by_a_killed_worker_is_found_by_a_sweep)
{
	cr_assert(lock_world_create("tool.lock", &run, NULL));
	child_end(&child);
	/* The run's record goes without its locks being told. */
	arena_free(world.runs, run.run);
	cr_expect_eq(locks_count(lw.locks), 1);
	locks_sweep(lw.locks);
	cr_expect_eq(locks_count(lw.locks), 0);
	cr_expect_not(lock_world_exists("tool.lock"));
}

Test(run_end, a_private_locks_file_is_in_the_upper)
{
	struct lock_key key = {.path = "x.lock", .session = run.session};
	uint32_t claim = lock_claim(lw.locks, &key, LOCK_IDIOM_CREATE, &run);
	int upper, work, fd;
	struct stat st;

	cr_assert_eq(registry_open_upper(lw.registry, run.session, 0, &upper, &work), 0);
	fd = openat(upper, "x.lock", O_CREAT | O_EXCL | O_WRONLY, 0600);
	cr_assert_eq(fstat(fd, &st), 0);
	close(fd);
	lock_claim_commit(lw.locks, claim, &st);
	lock_world_end_run(&run, &child);
	cr_expect_lt(faccessat(upper, "x.lock", F_OK, 0), 0);
	cr_expect_eq(locks_count(lw.locks), 0);
	close(upper);
	close(work);
}
