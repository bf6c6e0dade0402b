/* SPDX-License-Identifier: MIT */
#include "session/runs.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/world.h"

#define SESSION 3
#define UID 1000

static struct runs *runs;
static struct err err;
static _Atomic int n_ended;
static uint32_t seen_session;
static uint32_t counted_meanwhile;
static const char *stuck_id; /* ended() is stuck until the run of that id counts as over */

static void ended(uint32_t run, void *context)
{
	const struct run_record *record = runs_at(runs, run);

	(void)context;
	n_ended++;
	seen_session = record ? record->session : 0;
	counted_meanwhile = runs_in_session(runs, seen_session);
	while (stuck_id && !runs_is_over(runs, run, stuck_id))
		usleep(1000);
}

static void start(void)
{
	runs_free(runs);
	runs = NULL;
	world_restart();
	cr_assert_eq(runs_new(world.runs, world.globals, ended, NULL, &runs), 0);
}

static void set_up(void)
{
	world_make();
	start();
}

static void tear_down(void)
{
	runs_free(runs);
	world_free();
}

TestSuite(runs, .init = set_up, .fini = tear_down, .timeout = 60);

static int try_begin(pid_t tid, uint32_t *ret_run)
{
	return runs_begin(runs, SESSION, UID, tid, "tool\0build", 11, "/work", ret_run, &err);
}

static uint32_t begin(const struct child *child)
{
	uint32_t run = 0;

	cr_assert_eq(try_begin(child->pid, &run), 0, "%s", err.message);
	cr_assert_neq(run, 0);
	return run;
}

static uint64_t namespace_of(const struct child *child)
{
	uint64_t ino = 0;

	cr_assert_eq(proc_mount_namespace(child->pid, &ino), 0);
	return ino;
}

static struct child leader(void)
{
	return child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
}

Test(runs, begun_is_found_by_namespace_id_and_session)
{
	struct child child = leader();
	uint32_t run = begin(&child);
	const struct run_record *record = runs_at(runs, run);

	cr_expect_eq(runs_find_namespace(runs, namespace_of(&child)), run);
	cr_expect_str_eq(record->id, "r-0001");
	cr_expect_eq(runs_find_id(runs, UID, "r-0001"), run);
	cr_expect_eq(runs_find_id(runs, UID + 1, "r-0001"), 0);
	cr_expect_eq(runs_find_id(runs, UID, "r-1"), 0);
	cr_expect_eq(runs_find_id(runs, UID, "r-0002"), 0);
	cr_expect_eq(runs_find_id(runs, UID, ""), 0);
	cr_expect_eq(runs_in_session(runs, SESSION), 1);
	cr_expect_eq(runs_in_session(runs, SESSION + 1), 0);
	cr_expect_eq(runs_count(runs), 1);
	cr_expect_eq(runs_next(runs, 0), run);
	cr_expect_eq(record->leader.pid, child.pid);
	cr_expect_eq(memcmp(record->command, "tool\0build\0", 12), 0);
	cr_expect_str_eq(record->cwd, "/work");
	child_end(&child);
}

Test(runs, of_the_daemons_own_namespace_are_refused)
{
	struct child child = child_start(0, NULL, NULL);
	uint32_t run;

	cr_expect_eq(try_begin(child.pid, &run), -1);
	cr_expect_eq(err.code, ERR_PRECONDITION_FAILED);
	cr_expect_not_null(strstr(err.message, "own mount namespace"), "%s", err.message);
	child_end(&child);
	cr_expect_eq(runs_count(runs), 0);
}

Test(runs, of_the_supervisors_namespace_are_refused)
{
	int status;
	pid_t pid = fork();

	/* The child plays the worker in a namespace of its own; its parent stays where it was. */
	if (pid == 0) {
		struct child child = child_start(0, NULL, NULL);
		uint32_t run;

		if (unshare(CLONE_NEWNS))
			_exit(2);
		_exit(try_begin(child.pid, &run) == -1 ? 0 : 3);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
}

Test(runs, have_a_namespace_each)
{
	struct child child = leader();
	struct child beside = child_start(0, NULL, &child);
	uint32_t run;

	begin(&child);
	cr_expect_eq(try_begin(beside.pid, &run), -1);
	cr_expect_eq(err.code, ERR_PRECONDITION_FAILED);
	cr_expect_not_null(strstr(err.message, "r-0001"), "%s", err.message);
	child_end(&beside);
	child_end(&child);
}

Test(runs, of_somebody_who_is_gone_are_refused)
{
	struct child child = leader();
	uint32_t run;

	child_end(&child);
	cr_expect_eq(try_begin(child.pid, &run), -1);
	cr_expect_eq(err.code, ERR_PRECONDITION_FAILED);
	cr_expect_eq(try_begin(0, &run), -1);
	cr_expect_eq(err.code, ERR_PRECONDITION_FAILED);
}

Test(runs, beyond_the_table_are_refused)
{
	struct child children[WORLD_MAX_RUNS + 1];
	uint32_t run;

	for (int i = 0; i <= WORLD_MAX_RUNS; i++)
		children[i] = leader();
	for (int i = 0; i < WORLD_MAX_RUNS; i++)
		begin(&children[i]);
	cr_expect_eq(try_begin(children[WORLD_MAX_RUNS].pid, &run), -1);
	cr_expect_eq(err.code, ERR_LIMIT_REACHED);
	cr_expect_not_null(strstr(err.message, "4"), "%s", err.message);
	for (int i = 0; i <= WORLD_MAX_RUNS; i++)
		child_end(&children[i]);
}

Test(runs, long_command_and_directory_are_cut)
{
	static char text[RUN_COMMAND_MAX * 2];
	struct child child = leader();
	uint32_t run;

	memset(text, 'x', sizeof(text) - 1);
	cr_assert_eq(
		runs_begin(runs, SESSION, UID, child.pid, text, sizeof(text), text, &run, &err), 0);
	cr_expect_eq(runs_at(runs, run)->command[RUN_COMMAND_MAX - 3], 'x');
	cr_expect_eq(runs_at(runs, run)->command[RUN_COMMAND_MAX - 2], 0);
	cr_expect_eq(runs_at(runs, run)->command[RUN_COMMAND_MAX - 1], 0);
	cr_expect_eq(strlen(runs_at(runs, run)->cwd), RUN_CWD_MAX - 1);
	child_end(&child);
}

Test(runs, closed_with_nobody_left_ends_at_once)
{
	struct child child = leader();
	uint32_t run = begin(&child);
	uint64_t ino = namespace_of(&child);

	child_end(&child);
	cr_expect_eq(runs_find_namespace(runs, ino), run, "the descriptor is still open");
	runs_close(runs, run);
	cr_expect_eq(n_ended, 1);
	cr_expect_eq(seen_session, SESSION);
	cr_expect_eq(counted_meanwhile, 0);
	cr_expect_eq(runs_count(runs), 0);
	cr_expect_eq(runs_find_namespace(runs, ino), 0);
	cr_expect_eq(runs_find_id(runs, UID, "r-0001"), 0);
	cr_expect_null(runs_at(runs, run));
}

Test(runs, stuck_in_their_end_are_over_for_others)
{
	struct child child = leader();
	uint32_t run = begin(&child);

	stuck_id = "r-0001";
	cr_expect_not(runs_is_over(runs, run, stuck_id));
	cr_expect(runs_is_over(runs, run, "r-0002"));
	child_end(&child);
	runs_close(runs, run);
	cr_expect_eq(n_ended, 1);
	cr_expect(runs_is_over(runs, run, stuck_id));
}

Test(runs, leader_that_is_a_zombie_does_not_count)
{
	struct child child = leader();
	uint32_t run = begin(&child);

	child_end_unreaped(&child);
	runs_close(runs, run);
	cr_expect_eq(n_ended, 1);
	waitpid(child.pid, NULL, 0);
}

Test(runs, closed_with_its_id_in_an_environment_elsewhere_ends_with_that_process)
{
	char variable[] = "SESSIONFS_RUN=r-0001", other_id[] = "SESSIONFS_RUN=r-00010";
	char *const environment[] = {variable, NULL}, *const other[] = {other_id, NULL};
	struct child older = child_start(CHILD_MOUNT_NAMESPACE, environment, NULL);
	struct child child, escaped, stranger;
	uint32_t run;

	/* Start times are in clock ticks of 10 ms. */
	usleep(20000);
	child = leader();
	escaped = child_start(CHILD_MOUNT_NAMESPACE, environment, NULL);
	stranger = child_start(CHILD_MOUNT_NAMESPACE, other, NULL);
	cr_assert_eq(runs_begin(runs, SESSION, getuid(), child.pid, "x", 2, "/", &run, &err), 0);
	child_end(&child);
	runs_close(runs, run);
	runs_sweep(runs);
	cr_expect_eq(n_ended, 0);
	child_end(&escaped);
	runs_sweep(runs);
	cr_expect_eq(n_ended, 1, "neither an older process nor one of another run counts");
	child_end(&older);
	child_end(&stranger);
}

Test(runs, left_by_its_leader_ends_at_once)
{
	struct child child = leader();
	uint32_t run = begin(&child);

	runs_leave(runs, run);
	cr_expect_eq(n_ended, 1);
	child_end(&child);
}

Test(runs, left_by_its_leader_with_processes_in_the_namespace_ends_with_the_last)
{
	struct child child = leader();
	struct child beside = child_start(0, NULL, &child);
	uint32_t run = begin(&child);

	runs_leave(runs, run);
	cr_expect_eq(n_ended, 0);
	child_end(&child);
	child_end(&beside);
	runs_sweep(runs);
	cr_expect_eq(n_ended, 1);
}

Test(runs, closed_with_processes_left_ends_with_the_last)
{
	struct child child = leader();
	struct child beside = child_start(0, NULL, &child);
	uint64_t ino = namespace_of(&child);
	uint32_t run = begin(&child);

	child_end(&child);
	runs_close(runs, run);
	runs_sweep(runs);
	cr_expect_eq(n_ended, 0);
	cr_expect_eq(runs_at(runs, run)->head.state, RUN_STATE_ORPHANED);
	cr_expect_eq(runs_find_namespace(runs, ino), run);
	cr_expect_eq(runs_in_session(runs, SESSION), 1);
	child_end_unreaped(&beside);
	runs_sweep(runs);
	cr_expect_eq(n_ended, 1);
	cr_expect_eq(runs_count(runs), 0);
	waitpid(beside.pid, NULL, 0);
}

Test(runs, with_their_descriptor_open_are_not_swept)
{
	struct child child = leader();
	uint32_t run = begin(&child);

	child_end(&child);
	runs_sweep(runs);
	cr_expect_eq(n_ended, 0);
	cr_expect_not_null(runs_at(runs, run));
}

Test(runs, another_in_its_place_takes_over_watching)
{
	struct child child = leader();
	struct child one = child_start(0, NULL, &child);
	struct child two = child_start(0, NULL, &one);
	uint32_t run = begin(&child);

	child_end(&child);
	runs_close(runs, run);
	child_end(&one);
	runs_sweep(runs);
	cr_expect_eq(n_ended, 0);
	child_end(&two);
	runs_sweep(runs);
	cr_expect_eq(n_ended, 1);
}

Test(runs, namespace_number_is_not_given_out_again_while_a_run_lives)
{
	struct child child = leader();
	uint64_t ino = namespace_of(&child);

	begin(&child);
	child_end(&child);
	for (int i = 0; i < 5; i++) {
		struct child other = leader();

		cr_expect_neq(namespace_of(&other), ino);
		child_end(&other);
	}
}

Test(runs, processes_are_listed_but_for_the_leader)
{
	struct child child = leader();
	struct child one = child_start(0, NULL, &child);
	struct child two = child_start(0, NULL, &child);
	uint32_t run = begin(&child);
	pid_t pids[8] = {0};

	cr_assert_eq(runs_processes(runs, run, pids, 8), 2);
	cr_expect_eq(pids[0] + pids[1], one.pid + two.pid);
	cr_expect_eq(runs_processes(runs, run, pids, 1), 1);
	cr_expect_eq(runs_processes(runs, run, pids, 0), 0);
	child_end(&one);
	child_end(&two);
	cr_expect_eq(runs_processes(runs, run, pids, 8), 0);
	child_end(&child);
}

Test(runs, later_worker_finds_them)
{
	struct child child = leader();
	uint32_t run = begin(&child);

	start();
	cr_expect_eq(runs_find_namespace(runs, namespace_of(&child)), run);
	cr_expect_eq(runs_find_id(runs, UID, "r-0001"), run);
	cr_expect_eq(runs_in_session(runs, SESSION), 1);
	child_end(&child);
	runs_close(runs, run);
	cr_expect_eq(n_ended, 1);
}

Test(runs, later_worker_finds_the_namespace_without_its_leader)
{
	struct child child = leader();
	struct child beside = child_start(0, NULL, &child);
	uint32_t run = begin(&child);

	child_end(&child);
	start();
	cr_expect_eq(runs_find_namespace(runs, namespace_of(&beside)), run);
	runs_close(runs, run);
	cr_expect_eq(n_ended, 0);
	child_end(&beside);
	runs_sweep(runs);
	cr_expect_eq(n_ended, 1);
}

Test(runs, later_worker_does_not_take_a_reused_namespace_for_the_runs)
{
	struct child child = leader();
	uint64_t ino = namespace_of(&child);
	uint32_t run = begin(&child);

	child_end(&child);
	start();
	cr_expect_eq(runs_find_namespace(runs, ino), 0);
	cr_expect_eq(runs_find_id(runs, UID, "r-0001"), run);
	runs_close(runs, run);
	cr_expect_eq(n_ended, 1);
}

Test(runs, killed_worker_left_closed_are_ended_by_the_next)
{
	struct child child = leader();
	uint32_t run = begin(&child);

	child_end(&child);
	/* Where runs_close() is killed after its first step. */
	arena_publish(world.runs, run, RUN_STATE_ORPHANED);
	start();
	runs_sweep(runs);
	cr_expect_eq(n_ended, 1);
	cr_expect_eq(runs_count(runs), 0);
}

Test(runs, serials_go_on_over_workers)
{
	struct child one = leader();
	struct child two = leader();

	begin(&one);
	start();
	cr_expect_str_eq(runs_at(runs, begin(&two))->id, "r-0002");
	child_end(&one);
	child_end(&two);
}

#define THREADS 4
static pthread_barrier_t barrier;
static uint32_t closing;

static void *close_it(void *ctx)
{
	pthread_barrier_wait(&barrier);
	if (ctx)
		runs_sweep(runs);
	else
		runs_close(runs, closing);
	return NULL;
}

Test(runs, closed_and_swept_at_once_end_once)
{
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int round = 1; round <= 10; round++) {
		struct child child = leader();

		closing = begin(&child);
		child_end(&child);
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, close_it, i % 2 ? "" : NULL);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		runs_sweep(runs);
		cr_assert_eq(n_ended, round);
		cr_assert_eq(runs_count(runs), 0);
	}
}
