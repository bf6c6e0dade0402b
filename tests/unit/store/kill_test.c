/* SPDX-License-Identifier: MIT */
/*
 * What stands on disk after a kill before any of the system calls that an operation makes.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "store/store.h"
#include "support/scratch.h"

#define STEPS_MAX 200

static char scratch[SCRATCH_SIZE];
static char path[SCRATCH_SIZE + 16];
static struct store *store;
static int calls_left;

static void set_up(void)
{
	scratch_make(scratch);
}

TestSuite(kill, .init = set_up, .timeout = 60);

static void open_store(int number)
{
	struct err err;

	snprintf(path, sizeof(path), "%s/%d", scratch, number);
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
}

static int die_at_zero(const char *call)
{
	(void)call;
	if (calls_left-- == 0)
		_exit(99);
	return 0;
}

/* Runs fn in a child that is killed before its call number `step`. Returns whether it was. */
static bool killed_at(int step, void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		calls_left = step;
		sys_fault_hook = die_at_zero;
		fn();
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status) == 99;
}

static int listed;
static uint32_t listed_flags;

static int list_one(const struct session_meta *meta, void *ctx)
{
	(void)ctx;
	listed++;
	listed_flags = meta->flags;
	return 0;
}

static void list(void)
{
	listed = 0;
	cr_assert_eq(store_each_session(store, list_one, NULL), 0);
}

/* After recovery nothing is left over in the trash. */
static void recover(void)
{
	char trash[sizeof(path) + 8];

	store_clean(store);
	snprintf(trash, sizeof(trash), "%s/trash", path);
	cr_assert_eq(rmdir(trash), 0, "%m");
	cr_assert_eq(mkdir(trash, 0700), 0);
}

static const struct session_meta meta = {.id = "s", .flags = SESSION_EPHEMERAL};
static const struct session_meta durable_meta = {.id = "s"};
static const struct stat root = {.st_mode = S_IFDIR | 01777, .st_uid = 7};

static void make(void)
{
	(void)store_session_make(store, &meta);
}

static void make_durable(void)
{
	(void)store_session_make(store, &durable_meta);
}

static void make_is_atomic(void (*fn)(void), uint32_t flags)
{
	int step = 0;
	bool killed = true;

	for (; killed && step < STEPS_MAX; step++) {
		open_store(step);
		killed = killed_at(step, fn);
		recover();
		list();
		if (listed)
			cr_assert_eq(listed_flags, flags);
		else
			cr_assert(killed);
		store_free(store);
	}
	cr_assert_gt(step, 3);
	cr_assert_not(killed);
}

Test(kill, while_a_session_is_made_leaves_all_or_nothing_of_it)
{
	make_is_atomic(make, SESSION_EPHEMERAL);
}

Test(kill, while_a_durable_session_is_made_leaves_all_or_nothing_of_it)
{
	make_is_atomic(make_durable, 0);
}

static void make_upper(void)
{
	int upper;

	if (!store_open_upper(store, 0, "s", "/tmp", true, &root, &upper, NULL))
		close(upper);
}

Test(kill, while_an_upper_is_made_never_leaves_one_half_dressed)
{
	bool killed = true;
	int step = 0;
	struct stat st;
	int upper;

	for (; killed && step < STEPS_MAX; step++) {
		open_store(step);
		make();
		killed = killed_at(step, make_upper);
		if (!store_open_upper(store, 0, "s", "/tmp", false, NULL, &upper, NULL)) {
			cr_assert_eq(fstat(upper, &st), 0);
			cr_assert_eq(st.st_mode, root.st_mode);
			cr_assert_eq(st.st_uid, 7);
			close(upper);
		} else {
			cr_assert(killed);
		}
		store_clean(store);
		cr_assert_eq(store_session_has_changes(store, 0, "s"), 0);
		/* The next one is not disturbed by what is left. */
		cr_assert_eq(store_open_upper(store, 0, "s", "/tmp", true, &root, &upper, NULL), 0);
		close(upper);
		store_free(store);
	}
	cr_assert_gt(step, 3);
	cr_assert_not(killed);
}

/* A session with a file in each of two shares. */
static void make_filled(void)
{
	static const char *const shares[] = {"/tmp", "/var/tmp"};

	make();
	for (size_t i = 0; i < 2; i++) {
		int upper;
		int fd;

		cr_assert_eq(store_open_upper(store, 0, "s", shares[i], true, &root, &upper, NULL),
			     0);
		fd = openat(upper, "f", O_CREAT | O_WRONLY, 0600);
		cr_assert_geq(fd, 0);
		close(fd);
		close(upper);
	}
}

static bool has_file(const char *share)
{
	bool there;
	int upper;

	if (store_open_upper(store, 0, "s", share, false, NULL, &upper, NULL))
		return false;
	there = !faccessat(upper, "f", F_OK, 0);
	close(upper);
	return there;
}

static void reset(void)
{
	(void)store_session_reset(store, 0, "s");
}

Test(kill, while_a_session_is_reset_leaves_all_of_its_shares_or_none)
{
	bool killed = true;
	int step = 0;

	for (; killed && step < STEPS_MAX; step++) {
		open_store(step);
		make_filled();
		killed = killed_at(step, reset);
		cr_assert_eq(has_file("/tmp"), has_file("/var/tmp"));
		cr_assert(killed || !has_file("/tmp"));
		recover();
		list();
		cr_assert_eq(listed, 1);
		cr_assert_eq(listed_flags, SESSION_EPHEMERAL);
		store_free(store);
	}
	cr_assert_gt(step, 3);
	cr_assert_not(killed);
}

static void remove_session(void)
{
	(void)store_session_remove(store, 0, "s");
}

Test(kill, while_a_session_is_removed_leaves_all_or_nothing_of_it)
{
	bool killed = true;
	int step = 0;

	for (; killed && step < STEPS_MAX; step++) {
		open_store(step);
		make_filled();
		killed = killed_at(step, remove_session);
		recover();
		list();
		cr_assert(killed || !listed);
		if (listed)
			cr_assert(has_file("/tmp") && has_file("/var/tmp"));
		store_free(store);
	}
	cr_assert_gt(step, 3);
	cr_assert_not(killed);
}

static void open_first(void)
{
	struct err err;

	(void)store_open(path, &store, &err);
}

Test(kill, while_a_store_is_begun_does_not_spoil_it)
{
	bool killed = true;
	int step = 0;

	for (; killed && step < STEPS_MAX; step++) {
		snprintf(path, sizeof(path), "%s/%d", scratch, step);
		killed = killed_at(step, open_first);
		open_store(step);
		store_clean(store);
		list();
		cr_assert_eq(listed, 0);
		store_free(store);
	}
	cr_assert_gt(step, 3);
	cr_assert_not(killed);
}
