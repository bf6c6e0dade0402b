/* SPDX-License-Identifier: MIT */
#include "session/registry.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/sys.h"
#include "support/world.h"

static struct registry *registry;
static struct err err;

static void start(bool first)
{
	registry_free(registry);
	registry = NULL;
	world_restart();
	cr_assert_eq(registry_new(world.sessions, world.store, &world.config, first, &registry), 0);
}

static void set_up(void)
{
	world_make();
	start(true);
}

static void tear_down(void)
{
	registry_free(registry);
	world_free();
}

TestSuite(registry, .init = set_up, .fini = tear_down);

static uint32_t open_with(uid_t uid, const char *id, uint32_t flags)
{
	uint32_t session = 0;

	cr_assert_eq(registry_open(registry, uid, id, flags, &session, NULL, &err), 0, "%s",
		     err.message);
	cr_assert_neq(session, 0);
	return session;
}

static uint32_t open_plain(const char *id)
{
	return open_with(1000, id, 0);
}

static void change(uint32_t session, size_t share)
{
	int upper;
	int work;
	int fd;

	cr_assert_eq(registry_open_upper(registry, session, share, &upper, &work), 0);
	fd = openat(upper, "f", O_CREAT | O_WRONLY, 0600);
	cr_assert_geq(fd, 0);
	close(fd);
	close(upper);
	close(work);
}

Test(registry, makes_once_and_finds_then)
{
	bool created;
	uint32_t session;

	cr_expect_eq(registry_find(registry, 1000, "a"), 0);
	cr_assert_eq(registry_open(registry, 1000, "a", 0, &session, &created, &err), 0);
	cr_expect(created);
	cr_expect_eq(registry_find(registry, 1000, "a"), session);
	cr_expect_eq(open_plain("a"), session);
	cr_assert_eq(registry_open(registry, 1000, "a", 0, &session, &created, &err), 0);
	cr_expect_not(created);
	cr_expect_eq(registry_count(registry), 1);
	cr_expect_str_eq(registry_at(registry, session)->id, "a");
}

Test(registry, keeps_users_apart)
{
	uint32_t mine = open_with(1000, "same", 0);
	uint32_t theirs = open_with(1001, "same", 0);

	cr_expect_neq(mine, theirs);
	cr_expect_eq(registry_find(registry, 1001, "same"), theirs);
	cr_expect_eq(registry_find(registry, 0, "same"), 0);
}

Test(registry, refuses_what_is_no_id)
{
	static const char *const bad[] = {"",
					  ".",
					  "..",
					  "../x",
					  "a b",
					  "%2e",
					  "-a",
					  "a/b",
					  "\xc3\xa9",
					  "1234567890123456789012345678901234567890123456789012345"
					  "6789012345"};
	uint32_t session = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_eq(registry_open(registry, 0, bad[i], 0, &session, NULL, &err), -1);
		cr_expect_eq(err.code, ERR_VALIDATION_ERROR, "%s", bad[i]);
	}
	cr_expect_eq(session, 7);
	cr_expect_eq(registry_count(registry), 0);
}

Test(registry, names_the_limit_that_is_reached)
{
	char id[16];
	uint32_t session;

	for (int i = 0; i < WORLD_MAX_SESSIONS; i++) {
		snprintf(id, sizeof(id), "s%d", i);
		open_plain(id);
	}
	cr_assert_eq(registry_open(registry, 1000, "more", 0, &session, NULL, &err), -1);
	cr_expect_eq(err.code, ERR_LIMIT_REACHED);
	cr_expect_not_null(strstr(err.message, "sessions.max_sessions is 8"), "%s", err.message);
	cr_expect_eq(registry_find(registry, 1000, "more"), 0);
	open_plain("s3");
	cr_assert_eq(registry_remove(registry, registry_find(registry, 1000, "s3"), &err), 0);
	open_plain("more");
}

static int no_space(const char *call)
{
	return strcmp(call, "write") ? 0 : -ENOSPC;
}

Test(registry, on_a_full_disk_makes_nothing)
{
	uint32_t session;

	sys_fault_hook = no_space;
	cr_assert_eq(registry_open(registry, 1000, "a", 0, &session, NULL, &err), -1);
	sys_fault_hook = NULL;
	cr_expect_eq(err.code, ERR_IO_ERROR);
	cr_expect_not_null(strstr(err.message, "No space left"), "%s", err.message);
	cr_expect_eq(registry_count(registry), 0);
	open_plain("a");
}

Test(registry, lists_live_sessions)
{
	uint32_t one = open_plain("one");
	uint32_t two = open_plain("two");
	uint32_t three = open_plain("three");
	uint32_t sum = 0;

	cr_assert_eq(registry_remove(registry, two, &err), 0);
	for (uint32_t s = 0; (s = registry_next(registry, s));)
		sum += s;
	cr_expect_eq(sum, one + three);
	cr_expect_eq(registry_count(registry), 2);
}

Test(registry, removed_is_gone_from_table_and_store)
{
	uint32_t session = open_plain("a");
	bool created;

	change(session, 0);
	cr_assert_eq(registry_remove(registry, session, &err), 0);
	cr_expect_eq(registry_find(registry, 1000, "a"), 0);
	cr_expect_eq(store_session_exists(world.store, 1000, "a"), 0);
	cr_expect_eq(registry_remove(registry, session, &err), -1);
	cr_expect_eq(err.code, ERR_NOT_FOUND);
	cr_assert_eq(registry_open(registry, 1000, "a", 0, &session, &created, &err), 0);
	cr_expect(created);
	cr_expect_eq(registry_has_changes(registry, session), 0);
}

static int no_rename(const char *call)
{
	return strcmp(call, "renameat2") ? 0 : -EIO;
}

Test(registry, that_cannot_be_removed_stays)
{
	uint32_t session = open_plain("a");

	sys_fault_hook = no_rename;
	cr_expect_eq(registry_remove(registry, session, &err), -1);
	sys_fault_hook = NULL;
	cr_expect_eq(err.code, ERR_IO_ERROR);
	cr_expect_eq(registry_find(registry, 1000, "a"), session);
	cr_expect_eq(registry_count(registry), 1);
}

Test(registry, number_is_not_given_out_again_at_once)
{
	uint32_t first = open_plain("a");

	cr_assert_eq(registry_remove(registry, first, &err), 0);
	cr_expect_neq(open_with(1001, "b", 0), first);
	cr_expect_str_eq(registry_at(registry, first)->id, "a");
}

Test(registry, number_given_out_again_has_another_epoch)
{
	uint32_t first = open_plain("a");
	uint32_t epoch = registry_at(registry, first)->epoch;
	uint32_t session = 0;

	for (int i = 0; i < 3; i++)
		cr_assert_eq(registry_reset(registry, first, &err), 0);
	cr_assert_eq(registry_remove(registry, first, &err), 0);
	/* A table that is full of resting numbers gives out the oldest. */
	for (int i = 0; i < WORLD_TABLE && session != first; i++) {
		session = open_with(1001, "b", 0);
		cr_assert_eq(registry_remove(registry, session, &err), 0);
	}
	cr_assert_eq(session, first);
	cr_expect_gt(registry_at(registry, session)->epoch, epoch + 3);
}

Test(registry, reset_empties_and_raises_the_epoch)
{
	uint32_t session = open_plain("a");
	uint32_t epoch = registry_at(registry, session)->epoch;

	change(session, 0);
	change(session, 1);
	cr_assert_eq(registry_has_changes(registry, session), 1);
	cr_assert_eq(registry_reset(registry, session, &err), 0);
	cr_expect_eq(registry_has_changes(registry, session), 0);
	cr_expect_eq(registry_at(registry, session)->epoch, epoch + 1);
	cr_expect_eq(registry_find(registry, 1000, "a"), session);
}

Test(registry, upper_looks_like_the_lowers_root)
{
	uint32_t session = open_plain("a");
	struct stat lower;
	struct stat st;
	int upper;
	int work;

	cr_expect_eq(registry_peek_upper(registry, session, 0, &upper, NULL), -ENOENT);
	cr_assert_eq(registry_open_upper(registry, session, 0, &upper, &work), 0);
	cr_assert_eq(fstat(upper, &st), 0);
	cr_assert_eq(fstat(world.shares[0].lower_fd, &lower), 0);
	cr_expect_eq(st.st_mode, S_IFDIR | 01777);
	cr_expect_eq(st.st_mtim.tv_nsec, lower.st_mtim.tv_nsec);
	close(upper);
	close(work);
	cr_assert_eq(registry_peek_upper(registry, session, 0, &upper, NULL), 0);
	close(upper);
	cr_expect_eq(registry_has_changes(registry, session), 0);
}

Test(registry, fresh_ids_are_ids_and_differ)
{
	char one[SESSION_ID_SIZE];
	char other[SESSION_ID_SIZE];

	registry_fresh_id(registry, 0, one);
	registry_fresh_id(registry, 0, other);
	cr_expect(path_is_session_id(one));
	cr_expect_eq(strlen(one), 10);
	cr_expect_eq(strncmp(one, "s-", 2), 0);
	cr_expect_str_neq(one, other);
}

Test(registry, posix_session_is_known_by_its_number)
{
	uint32_t old = open_with(1000, "sid-77-5", SESSION_POSIX);
	uint32_t young = open_with(1000, "sid-77-100", SESSION_POSIX);

	open_with(1000, "sid-78-200", SESSION_POSIX);
	open_with(1000, "sid-77-300", 0);
	open_with(1001, "sid-77-400", SESSION_POSIX);
	cr_expect_eq(registry_at(registry, old)->posix_sid, 77);
	cr_expect_eq(registry_at(registry, old)->posix_start_ticks, 5);
	cr_expect_eq(registry_find_posix(registry, 1000, 77), young);
	cr_assert_eq(registry_remove(registry, young, &err), 0);
	cr_expect_eq(registry_find_posix(registry, 1000, 77), old);
	cr_assert_eq(registry_remove(registry, old, &err), 0);
	cr_expect_eq(registry_find_posix(registry, 1000, 77), 0);
}

static void remount(void)
{
	uint32_t session = 0;

	/* The arena of another mount is empty. */
	while ((session = arena_next(world.sessions, session)))
		arena_free(world.sessions, session);
	start(true);
}

Test(registry, sessions_survive_umount_and_mount)
{
	uint32_t session = open_plain("a");
	uint64_t created = registry_at(registry, session)->created_real_ns;

	change(session, 0);
	open_with(1001, "empty", 0);
	remount();
	cr_expect_eq(registry_count(registry), 2);
	session = registry_find(registry, 1000, "a");
	cr_assert_neq(session, 0);
	cr_expect_eq(registry_has_changes(registry, session), 1);
	cr_expect_eq(registry_at(registry, session)->created_real_ns, created);
	cr_expect_neq(registry_find(registry, 1001, "empty"), 0);
}

Test(registry, mount_drops_ephemeral_sessions_without_changes_only)
{
	change(open_with(0, "changed", SESSION_EPHEMERAL), 1);
	open_with(0, "unchanged", SESSION_EPHEMERAL);
	remount();
	cr_expect_neq(registry_find(registry, 0, "changed"), 0);
	cr_expect_eq(registry_find(registry, 0, "unchanged"), 0);
	cr_expect_eq(store_session_exists(world.store, 0, "unchanged"), 0);
}

Test(registry, later_worker_finds_the_same_numbers)
{
	uint32_t one = open_plain("one");
	uint32_t two = open_with(1000, "sid-5-6", SESSION_POSIX);

	start(false);
	cr_expect_eq(registry_find(registry, 1000, "one"), one);
	cr_expect_eq(registry_find_posix(registry, 1000, 5), two);
	cr_expect_eq(registry_count(registry), 2);
	cr_expect_eq(open_plain("one"), one);
}

static void set_state(uint32_t session, uint32_t state)
{
	arena_publish(world.sessions, session, state);
}

Test(registry, later_worker_finishes_or_undoes_what_was_begun)
{
	uint32_t made = open_plain("made");
	uint32_t unmade = open_plain("unmade");
	uint32_t removing = open_plain("removing");
	uint32_t removed = open_plain("removed");

	set_state(made, SESSION_STATE_MAKING);
	set_state(unmade, SESSION_STATE_MAKING);
	cr_assert_eq(store_session_remove(world.store, 1000, "unmade"), 0);
	set_state(removing, SESSION_STATE_REMOVING);
	set_state(removed, SESSION_STATE_REMOVING);
	cr_assert_eq(store_session_remove(world.store, 1000, "removed"), 0);
	start(false);
	cr_expect_eq(registry_find(registry, 1000, "made"), made);
	cr_expect_eq(registry_count(registry), 1);
	cr_expect_eq(registry_next(registry, made), 0);
	cr_expect_eq(store_session_exists(world.store, 1000, "removing"), 0);
}

Test(registry, first_worker_that_died_loading_is_made_good)
{
	open_plain("a");
	open_plain("b");
	arena_free(world.sessions, registry_find(registry, 1000, "b"));
	start(true);
	cr_expect_eq(registry_count(registry), 2);
	cr_expect_neq(registry_find(registry, 1000, "b"), 0);
}

Test(registry, session_on_disk_alone_is_taken_over_as_an_ordinary_one)
{
	struct session_meta meta = {.uid = 1000, .id = "a"};
	uint32_t session;
	bool created;

	cr_assert_eq(store_session_make(world.store, &meta), 0);
	cr_assert_eq(
		registry_open(registry, 1000, "a", SESSION_EPHEMERAL, &session, &created, &err), 0);
	cr_expect_not(created);
	cr_expect_eq(registry_at(registry, session)->flags, 0);
}

Test(registry, use_is_noted)
{
	uint32_t session = open_plain("a");
	uint64_t before = registry_at(registry, session)->used_real_ns;

	registry_touch(registry, session);
	cr_expect_gt(registry_at(registry, session)->used_real_ns, before);
}

#define THREADS 4
static pthread_barrier_t barrier;
static _Atomic int n_created;

static void *open_same(void *ctx)
{
	uint32_t *ret = ctx;
	struct err mine;
	bool created = false;

	pthread_barrier_wait(&barrier);
	if (!registry_open(registry, 0, "same", SESSION_EPHEMERAL, ret, &created, &mine) && created)
		n_created++;
	return NULL;
}

Test(registry, makers_at_once_get_one_session)
{
	pthread_t threads[THREADS];
	uint32_t sessions[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int round = 0; round < 50; round++) {
		n_created = 0;
		memset(sessions, 0, sizeof(sessions));
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, open_same, &sessions[i]);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		cr_assert_eq(n_created, 1);
		for (int i = 0; i < THREADS; i++)
			cr_assert(sessions[i] && sessions[i] == sessions[0]);
		cr_assert_eq(registry_remove(registry, sessions[0], &err), 0);
	}
}

static void *open_and_remove(void *ctx)
{
	struct err mine;
	uint32_t session;

	(void)ctx;
	for (int i = 0; i < 100; i++) {
		if (registry_open(registry, 0, "same", SESSION_EPHEMERAL, &session, NULL, &mine))
			return "open";
		/* Another thread may be quicker. */
		if (registry_remove(registry, session, &mine) && mine.code != ERR_NOT_FOUND)
			return "remove";
	}
	return NULL;
}

Test(registry, removers_and_makers_at_once_leave_nothing_odd)
{
	pthread_t threads[THREADS];
	void *failed;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, open_and_remove, NULL);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		cr_expect_null(failed, "%s", (char *)failed);
	}
	cr_expect_eq(registry_count(registry), 0);
	cr_expect_eq(registry_next(registry, 0), 0);
	cr_expect_eq(store_session_exists(world.store, 0, "same"), 0);
}
