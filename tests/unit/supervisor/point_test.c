/* SPDX-License-Identifier: MIT */
#include "supervisor/point.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/scratch.h"

static char scratch[SCRATCH_SIZE];
static char path[SCRATCH_SIZE + 64];
static struct err err;
static enum point_state state;

static void begin(void)
{
	scratch_make(scratch);
}

TestSuite(point, .init = begin);

static const char *at(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	return path;
}

static bool exists(const char *name)
{
	return access(at(name), F_OK) == 0;
}

Test(point, missing_and_empty_directories_are_told_apart)
{
	cr_assert_eq(point_examine(at("m"), &state, &err), 0);
	cr_assert_eq(state, POINT_MISSING);
	mkdir(at("m"), 0755);
	cr_assert_eq(point_examine(at("m"), &state, &err), 0);
	cr_assert_eq(state, POINT_EMPTY);
}

Test(point, a_file_is_refused)
{
	fclose(fopen(at("f"), "w"));
	cr_assert_eq(point_examine(at("f"), &state, &err), -1);
	cr_assert_eq(err.code, ERR_PRECONDITION_FAILED);
	cr_assert(strstr(err.message, "not a directory"), "%s", err.message);
}

Test(point, a_directory_with_something_in_it_is_refused)
{
	mkdir(at("m"), 0755);
	mkdir(at("m/x"), 0755);
	cr_assert_eq(point_examine(at("m"), &state, &err), -1);
	cr_assert_eq(err.code, ERR_PRECONDITION_FAILED);
	cr_assert(strstr(err.message, "not empty"), "%s", err.message);
}

Test(point, another_file_system_is_refused)
{
	cr_assert_eq(point_examine("/proc", &state, &err), -1);
	cr_assert_eq(err.code, ERR_PRECONDITION_FAILED);
	cr_assert(strstr(err.message, "proc"), "%s", err.message);
}

Test(point, making_makes_parents_and_unmaking_removes_just_those)
{
	struct point_made made;

	mkdir(at("stood"), 0755);
	cr_assert_eq(point_make(at("stood/a/b"), &made, &err), 0, "%s", err.message);
	cr_assert(exists("stood/a/b"));
	point_unmake(at("stood/a/b"), &made);
	cr_assert_not(exists("stood/a"));
	cr_assert(exists("stood"));
}

Test(point, what_stood_before_is_never_removed)
{
	struct point_made made;

	mkdir(at("m"), 0755);
	cr_assert_eq(point_make(at("m"), &made, &err), 0);
	point_unmake(at("m"), &made);
	cr_assert(exists("m"));
}

Test(point, the_mode_does_not_depend_on_the_umask)
{
	struct point_made made;
	struct stat st;

	umask(077);
	cr_assert_eq(point_make(at("m"), &made, &err), 0);
	cr_assert_eq(stat(at("m"), &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0755);
}

Test(point, a_failure_half_way_leaves_nothing)
{
	struct point_made made;
	char name[400];

	snprintf(name, sizeof(name), "%s/new/%0300d", scratch, 0);
	cr_assert_eq(point_make(name, &made, &err), -1);
	cr_assert_not(exists("new"));
}

static struct store *open_store(void)
{
	char dir[SCRATCH_SIZE + 8];
	struct store *store;

	snprintf(dir, sizeof(dir), "%s/store", scratch);
	cr_assert_eq(store_open(dir, &store, &err), 0, "%s", err.message);
	return store;
}

Test(point, what_a_killed_one_made_the_next_one_removes)
{
	struct store *store = open_store();
	struct point_made killed, next;
	char old[sizeof(path) + 8];

	mkdir(at("a"), 0755);
	cr_assert_eq(point_make(at("a/b/c"), &killed, &err), 0);
	point_remember(path, store, &killed);
	cr_assert_eq(point_make(at("a/b/c"), &next, &err), 0);
	cr_assert_eq(next.keep_len, 0);
	point_remember(path, store, &next);
	cr_assert_eq(next.keep_len, killed.keep_len);
	point_unmake(path, &next);
	cr_assert_not(exists("a/b"));
	cr_assert(exists("a"));

	/* Forgotten, or made anew by somebody else, it is not ours. */
	point_forget(store);
	mkdir(at("a/b"), 0755);
	mkdir(at("a/b/c"), 0755);
	next = (struct point_made){0};
	point_remember(at("a/b/c"), store, &next);
	cr_assert_eq(next.keep_len, 0);
	killed.keep_len = strlen(scratch) + 2;
	point_remember(path, store, &killed);
	snprintf(old, sizeof(old), "%s.old", path);
	cr_assert_eq(rename(path, old), 0);
	mkdir(path, 0755);
	point_remember(path, store, &next);
	cr_assert_eq(next.keep_len, 0);
	store_free(store);
}
