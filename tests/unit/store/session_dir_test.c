/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/sys.h"
#include "store/session_meta.h"
#include "support/scratch.h"

static char path[SCRATCH_SIZE + 8];
static struct store *store;

static void set_up(void)
{
	char scratch[SCRATCH_SIZE];
	struct err err;

	scratch_make(scratch);
	snprintf(path, sizeof(path), "%s/store", scratch);
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
}

static void tear_down(void)
{
	store_free(store);
}

TestSuite(session_dir, .init = set_up, .fini = tear_down);

static struct session_meta meta_of(uid_t uid, const char *id, uint32_t flags)
{
	struct session_meta meta = {
		.uid = uid,
		.flags = flags,
		.posix_sid = 77,
		.posix_start_ticks = 8888,
		.created_real_ns = 1700000000123456789,
		.used_real_ns = clock_real_ns() + 3600 * NSEC_PER_SEC,
	};

	snprintf(meta.id, sizeof(meta.id), "%s", id);
	return meta;
}

static void make(uid_t uid, const char *id, uint32_t flags)
{
	struct session_meta meta = meta_of(uid, id, flags);

	cr_assert_eq(store_session_make(store, &meta), 0);
}

static struct session_meta listed[16];
static size_t n_listed;

static int list_one(const struct session_meta *meta, void *ctx)
{
	(void)ctx;
	listed[n_listed++] = *meta;
	return 0;
}

static void list(void)
{
	n_listed = 0;
	cr_assert_eq(store_each_session(store, list_one, NULL), 0);
}

/* "<store>/sessions/0/a/<name>" */
static const char *in_session(const char *name)
{
	static char file[sizeof(path) + 512];

	snprintf(file, sizeof(file), "%s/sessions/0/a/%s", path, name);
	return file;
}

static void make_upper(const char *share)
{
	struct stat root = {.st_mode = S_IFDIR | 0700};
	int upper;

	cr_assert_eq(store_open_upper(store, 0, "a", share, true, &root, &upper, NULL), 0);
	close(upper);
}

Test(session_dir, what_is_made_is_listed)
{
	struct session_meta meta = meta_of(1000, "build-1", SESSION_POSIX);

	cr_assert_eq(store_session_make(store, &meta), 0);
	list();
	cr_assert_eq(n_listed, 1);
	cr_expect_eq(listed[0].uid, 1000);
	cr_expect_str_eq(listed[0].id, "build-1");
	cr_expect_eq(listed[0].flags, SESSION_POSIX);
	cr_expect_eq(listed[0].posix_sid, 77);
	cr_expect_eq(listed[0].posix_start_ticks, 8888);
	cr_expect_eq(listed[0].created_real_ns, meta.created_real_ns);
	cr_expect_eq(listed[0].used_real_ns, meta.used_real_ns);
	cr_expect_eq(listed[0].other_boot, false);
}

Test(session_dir, two_users_may_have_the_same_id)
{
	make(1000, "same", 0);
	make(1001, "same", 0);
	list();
	cr_expect_eq(n_listed, 2);
	cr_expect_eq(listed[0].uid + listed[1].uid, 2001);
}

Test(session_dir, made_twice_is_refused_and_nothing_is_left_over)
{
	struct session_meta meta = meta_of(0, "a", SESSION_EPHEMERAL);
	char trash[sizeof(path) + 8];

	make(0, "a", 0);
	cr_expect_eq(store_session_make(store, &meta), -EEXIST);
	list();
	cr_expect_eq(listed[0].flags, 0);
	snprintf(trash, sizeof(trash), "%s/trash", path);
	cr_expect_eq(rmdir(trash), 0, "%m");
}

Test(session_dir, ids_that_lead_elsewhere_are_refused)
{
	struct session_meta meta = meta_of(0, "../x", 0);

	cr_expect_eq(store_session_make(store, &meta), -EINVAL);
	cr_expect_eq(store_session_remove(store, 0, ".."), -EINVAL);
	cr_expect_eq(store_session_remove(store, 0, "a/b"), -EINVAL);
}

Test(session_dir, exists)
{
	cr_expect_eq(store_session_exists(store, 0, "a"), 0);
	make(0, "a", 0);
	cr_expect_eq(store_session_exists(store, 0, "a"), 1);
	cr_expect_eq(store_session_exists(store, 1, "a"), 0);
}

Test(session_dir, damaged_metadata_gives_defaults)
{
	int fd;

	make(0, "a", SESSION_EPHEMERAL);
	fd = open(in_session("meta"), O_WRONLY);
	cr_assert_eq(pwrite(fd, "X", 1, 20), 1);
	close(fd);
	list();
	cr_assert_eq(n_listed, 1);
	cr_expect_str_eq(listed[0].id, "a");
	cr_expect_eq(listed[0].flags, 0, "an ephemeral session would be dropped");
	cr_expect_gt(listed[0].used_real_ns, clock_real_ns() - 10 * NSEC_PER_SEC);
}

Test(session_dir, missing_and_empty_metadata_gives_defaults)
{
	make(0, "a", 0);
	cr_assert_eq(truncate(in_session("meta"), 0), 0);
	list();
	cr_expect_eq(n_listed, 1);
	cr_assert_eq(unlink(in_session("meta")), 0);
	list();
	cr_expect_eq(n_listed, 1);
}

Test(session_dir, strange_things_among_sessions_are_passed_over)
{
	static const char *const names[] = {"sessions/x", "sessions/01", "sessions/-1",
					    "sessions/99999999999", "sessions/0/-bad"};
	char name[sizeof(path) + 64];

	make(0, "a", 0);
	for (size_t i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, names[i]);
		cr_assert_eq(mkdir(name, 0700), 0);
	}
	snprintf(name, sizeof(name), "%s/sessions/0/link", path);
	cr_assert_eq(symlink("/", name), 0);
	list();
	cr_expect_eq(n_listed, 1);
}

Test(session_dir, of_another_boot_is_told)
{
	_cleanup_buf_ struct buf text = {0};
	struct session_meta meta = meta_of(0, "a", SESSION_POSIX);
	char *boot;
	int fd;

	make(0, "a", SESSION_POSIX);
	session_meta_render(&meta, &text);
	boot = strstr(text.data, "boot_id");
	cr_assert_not_null(boot);
	boot[12] = boot[12] == '0' ? '1' : '0';
	*strchr(text.data, '\n') = 0;
	fd = open(in_session("meta"), O_WRONLY | O_TRUNC);
	text.len = strlen(text.data);
	text.data[text.len++] = '\n';
	dprintf(fd, "%.*sxxh3 %016llx\n", (int)text.len, text.data,
		(unsigned long long)XXH3_64bits(text.data, text.len));
	close(fd);
	list();
	cr_expect_eq(listed[0].other_boot, true);
	cr_expect_eq(listed[0].flags, SESSION_POSIX);
}

Test(session_dir, metadata_is_replaced)
{
	struct session_meta meta = meta_of(0, "a", 0);

	cr_expect_eq(store_session_write_meta(store, &meta), -ENOENT);
	make(0, "a", SESSION_EPHEMERAL);
	cr_assert_eq(store_session_write_meta(store, &meta), 0);
	list();
	cr_expect_eq(listed[0].flags, 0);
}

Test(session_dir, touch_moves_the_time_of_use_only)
{
	struct session_meta meta = meta_of(0, "a", 0);
	uint64_t later = clock_real_ns() + 1000 * NSEC_PER_SEC;

	meta.used_real_ns = 5;
	cr_assert_eq(store_session_make(store, &meta), 0);
	cr_assert_eq(store_session_touch(store, 0, "a", later), 0);
	list();
	cr_expect_eq(listed[0].used_real_ns, later);
	cr_expect_eq(listed[0].created_real_ns, meta.created_real_ns);
	cr_expect_eq(store_session_touch(store, 0, "b", later), -ENOENT);
}

Test(session_dir, without_changes)
{
	make(0, "a", 0);
	cr_expect_eq(store_session_has_changes(store, 0, "a"), 0);
	make_upper("/tmp");
	cr_expect_eq(store_session_has_changes(store, 0, "a"), 0);
	cr_expect_eq(store_session_has_changes(store, 0, "b"), -ENOENT);
}

Test(session_dir, changes_of_any_share_count)
{
	make(0, "a", 0);
	make_upper("/tmp");
	make_upper("/var/tmp");
	cr_assert_eq(mknod(in_session("var%2Ftmp/upper/gone"), S_IFCHR, 0), 0);
	cr_expect_eq(store_session_has_changes(store, 0, "a"), 1);
}

Test(session_dir, temporaries_are_no_changes)
{
	make(0, "a", 0);
	make_upper("/tmp");
	cr_assert_eq(mkdir(in_session("tmp/work/x"), 0700), 0);
	close(open(in_session(SYS_TEMPORARY_PREFIX "0"), O_CREAT | O_WRONLY, 0600));
	cr_expect_eq(store_session_has_changes(store, 0, "a"), 0);
}

Test(session_dir, removal_ends_it)
{
	make(0, "a", 0);
	make_upper("/tmp");
	close(open(in_session("tmp/upper/f"), O_CREAT | O_WRONLY, 0600));
	cr_assert_eq(store_session_remove(store, 0, "a"), 0);
	cr_expect_eq(store_session_exists(store, 0, "a"), 0);
	cr_expect_eq(store_session_remove(store, 0, "a"), -ENOENT);
}

Test(session_dir, reset_empties_all_shares_and_keeps_the_session)
{
	make(0, "a", SESSION_EPHEMERAL);
	make_upper("/tmp");
	make_upper("/var/tmp");
	close(open(in_session("tmp/upper/f"), O_CREAT | O_WRONLY, 0600));
	cr_assert_eq(mkdir(in_session("var%2Ftmp/upper/d"), 0700), 0);
	cr_assert_eq(store_session_reset(store, 0, "a"), 0);
	cr_expect_eq(store_session_has_changes(store, 0, "a"), 0);
	list();
	cr_assert_eq(n_listed, 1);
	cr_expect_eq(listed[0].flags, SESSION_EPHEMERAL);
	cr_expect_eq(store_session_reset(store, 0, "b"), -ENOENT);
}

Test(session_dir, reset_works_without_metadata)
{
	make(0, "a", 0);
	make_upper("/tmp");
	close(open(in_session("tmp/upper/f"), O_CREAT | O_WRONLY, 0600));
	cr_assert_eq(unlink(in_session("meta")), 0);
	cr_assert_eq(store_session_reset(store, 0, "a"), 0);
	cr_expect_eq(store_session_has_changes(store, 0, "a"), 0);
}

Test(session_dir, what_is_detached_waits_in_the_trash)
{
	char name[STORE_TRASH_NAME_SIZE];
	char file[sizeof(path) + 128];

	make(0, "a", 0);
	cr_assert_eq(store_session_detach(store, 0, "a", name), 0);
	cr_expect_eq(store_session_exists(store, 0, "a"), 0);
	snprintf(file, sizeof(file), "%s/trash/%s/meta", path, name);
	cr_expect_eq(access(file, F_OK), 0);
	make(0, "a", 0);
	store_trash_delete(store, name);
	cr_expect_eq(access(file, F_OK), -1);
	cr_expect_eq(store_session_exists(store, 0, "a"), 1);
}

Test(session_dir, cleaning_empties_trash_and_work_alone)
{
	char name[STORE_TRASH_NAME_SIZE];
	char trash[sizeof(path) + 8];

	make(0, "a", 0);
	cr_assert_eq(store_session_detach(store, 0, "a", name), 0);
	make(0, "a", 0);
	make_upper("/tmp");
	cr_assert_eq(mkdir(in_session("tmp/work/d"), 0700), 0);
	close(open(in_session("tmp/work/d/f"), O_CREAT | O_WRONLY, 0600));
	close(open(in_session(SYS_TEMPORARY_PREFIX "0"), O_CREAT | O_WRONLY, 0600));
	close(open(in_session("tmp/upper/f"), O_CREAT | O_WRONLY, 0600));
	store_clean(store);
	cr_expect_eq(access(in_session("tmp/work/d"), F_OK), -1);
	cr_expect_eq(access(in_session("tmp/work"), F_OK), 0);
	cr_expect_eq(access(in_session(SYS_TEMPORARY_PREFIX "0"), F_OK), -1);
	cr_expect_eq(access(in_session("tmp/upper/f"), F_OK), 0);
	cr_expect_eq(access(in_session("meta"), F_OK), 0);
	snprintf(trash, sizeof(trash), "%s/trash", path);
	cr_expect_eq(rmdir(trash), 0, "%m");
}

Test(session_dir, symlink_in_place_of_a_session_leads_nowhere)
{
	char link[sizeof(path) + 32];

	make(0, "a", 0);
	snprintf(link, sizeof(link), "%s/sessions/0/b", path);
	cr_assert_eq(symlink("a", link), 0);
	cr_expect_lt(store_session_has_changes(store, 0, "b"), 0);
	cr_expect_lt(store_session_exists(store, 0, "b"), 0);
}
