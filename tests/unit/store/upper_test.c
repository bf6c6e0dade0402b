/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"
#include "support/scratch.h"

static char path[SCRATCH_SIZE + 8];
static struct store *store;
static struct stat root = {
	.st_mode = S_IFDIR | 01777,
	.st_uid = 12,
	.st_gid = 34,
	.st_atim = {.tv_sec = 1000000001, .tv_nsec = 5},
	.st_mtim = {.tv_sec = 1000000002, .tv_nsec = 6},
};

static void set_up(void)
{
	struct session_meta meta = {.uid = 1000, .id = "s"};
	char scratch[SCRATCH_SIZE];
	struct err err;

	umask(077);
	scratch_make(scratch);
	snprintf(path, sizeof(path), "%s/store", scratch);
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
	cr_assert_eq(store_session_make(store, &meta), 0);
}

static void tear_down(void)
{
	store_free(store);
}

TestSuite(upper, .init = set_up, .fini = tear_down);

Test(upper, is_dressed_as_the_lowers_root)
{
	int upper;
	int work;
	struct stat st;

	cr_assert_eq(store_open_upper(store, 1000, "s", "/tmp", true, &root, &upper, &work), 0);
	cr_assert_eq(fstat(upper, &st), 0);
	cr_expect_eq(st.st_mode, root.st_mode);
	cr_expect_eq(st.st_uid, 12);
	cr_expect_eq(st.st_gid, 34);
	cr_expect_eq(st.st_atim.tv_sec, 1000000001);
	cr_expect_eq(st.st_mtim.tv_sec, 1000000002);
	cr_expect_eq(st.st_mtim.tv_nsec, 6);
	cr_assert_eq(fstat(work, &st), 0);
	cr_expect_eq(st.st_mode, S_IFDIR | 0700);
	cr_expect_eq(st.st_uid, 0);
	cr_expect_eq(fcntl(upper, F_GETFL) & O_PATH, O_PATH);
	cr_expect_eq(fcntl(upper, F_GETFD), FD_CLOEXEC);
	close(upper);
	close(work);
}

Test(upper, keeps_set_group_id)
{
	struct stat set = root;
	struct stat st;
	int upper;

	set.st_mode = S_IFDIR | 02775;
	cr_assert_eq(store_open_upper(store, 1000, "s", "/tmp", true, &set, &upper, NULL), 0);
	cr_assert_eq(fstat(upper, &st), 0);
	cr_expect_eq(st.st_mode, S_IFDIR | 02775);
	close(upper);
}

Test(upper, is_not_made_unless_asked)
{
	int upper = -7;

	cr_expect_eq(store_open_upper(store, 1000, "s", "/tmp", false, NULL, &upper, NULL),
		     -ENOENT);
	cr_expect_eq(upper, -7);
	cr_assert_eq(store_open_upper(store, 1000, "s", "/tmp", true, &root, &upper, NULL), 0);
	close(upper);
	cr_assert_eq(store_open_upper(store, 1000, "s", "/tmp", false, NULL, &upper, NULL), 0);
	close(upper);
}

Test(upper, that_is_there_is_left_as_it_is)
{
	struct stat other = {.st_mode = S_IFDIR | 0700};
	struct stat st;
	int upper;

	cr_assert_eq(store_open_upper(store, 1000, "s", "/tmp", true, &root, &upper, NULL), 0);
	close(upper);
	cr_assert_eq(store_open_upper(store, 1000, "s", "/tmp", true, &other, &upper, NULL), 0);
	cr_assert_eq(fstat(upper, &st), 0);
	cr_expect_eq(st.st_mode, root.st_mode);
	close(upper);
}

Test(upper, of_a_session_that_is_not_there_is_refused)
{
	int upper;

	cr_expect_eq(store_open_upper(store, 1000, "t", "/tmp", true, &root, &upper, NULL),
		     -ENOENT);
	cr_expect_eq(store_open_upper(store, 1001, "s", "/tmp", true, &root, &upper, NULL),
		     -ENOENT);
}

Test(upper, differs_by_share)
{
	struct stat one;
	struct stat other;
	int upper;

	cr_assert_eq(store_open_upper(store, 1000, "s", "/a/b", true, &root, &upper, NULL), 0);
	cr_assert_eq(fstat(upper, &one), 0);
	close(upper);
	cr_assert_eq(store_open_upper(store, 1000, "s", "/a%2Fb", true, &root, &upper, NULL), 0);
	cr_assert_eq(fstat(upper, &other), 0);
	close(upper);
	cr_expect_neq(one.st_ino, other.st_ino);
}

#define MAKERS 8
static pthread_barrier_t barrier;

static void *maker(void *ctx)
{
	ino_t *ret = ctx;
	struct stat st;
	int upper;
	int work;

	pthread_barrier_wait(&barrier);
	if (store_open_upper(store, 1000, "s", "/tmp", true, &root, &upper, &work))
		return NULL;
	fstat(upper, &st);
	*ret = st.st_mode == root.st_mode ? st.st_ino : 0;
	close(upper);
	close(work);
	return NULL;
}

Test(upper, makers_at_once_get_the_same)
{
	pthread_t threads[MAKERS];

	pthread_barrier_init(&barrier, NULL, MAKERS);
	for (int round = 0; round < 20; round++) {
		ino_t inos[MAKERS] = {0};

		for (int i = 0; i < MAKERS; i++)
			pthread_create(&threads[i], NULL, maker, &inos[i]);
		for (int i = 0; i < MAKERS; i++)
			pthread_join(threads[i], NULL);
		for (int i = 0; i < MAKERS; i++) {
			cr_assert_neq(inos[i], 0);
			cr_assert_eq(inos[i], inos[0]);
		}
		cr_assert_eq(store_session_reset(store, 1000, "s"), 0);
	}
}
