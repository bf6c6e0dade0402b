/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "support/scratch.h"

static char scratch[SCRATCH_SIZE];
static char path[SCRATCH_SIZE + 32];
static struct store *store;
static struct err err;
static const char *mounted; /* by mount_here() */

static void set_up(void)
{
	scratch_make(scratch);
	snprintf(path, sizeof(path), "%s/store", scratch);
	err = (struct err){0};
}

static void tear_down(void)
{
	store_free(store);
	store = NULL;
	if (mounted)
		umount2(mounted, MNT_DETACH);
}

TestSuite(store, .init = set_up, .fini = tear_down);

static void expect_error(enum err_code code, const char *part)
{
	cr_assert_lt(store_open(path, &store, &err), 0);
	cr_expect_str_eq(err_code_name(err.code), err_code_name(code));
	cr_expect_not_null(strstr(err.message, path), "%s", err.message);
	cr_expect_not_null(strstr(err.message, part), "%s", err.message);
}

static void write_file(const char *name, const char *text)
{
	char file[sizeof(path) + 64];
	FILE *out;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	out = fopen(file, "w");
	cr_assert_not_null(out);
	fputs(text, out);
	fclose(out);
}

/* In a mount namespace of the test's own, which goes with its process. */
static void mount_here(const char *type, const char *at, const char *options)
{
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount(type, at, type, 0, options), 0, "%m");
	mounted = at;
}

Test(store, is_made_for_its_owner_only)
{
	struct stat st;

	umask(0);
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0700);
	cr_assert_eq(fstatat(store_fd(store), "sessions", &st, 0), 0);
	cr_expect_eq(st.st_mode & 07777, 0700);
	cr_expect_str_eq(store_path(store), path);
}

Test(store, that_others_could_enter_is_closed_to_them)
{
	struct stat st;

	cr_assert_eq(mkdir(path, 0755), 0);
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0700);
}

Test(store, opens_again)
{
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
	store_free(store);
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
}

Test(store, states_its_format)
{
	char *text;

	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
	cr_assert_gt(sys_read_file(store_fd(store), "format", 100, &text), 0);
	cr_expect_str_eq(text, "sessionfs store 1\n");
	free(text);
}

Test(store, path_that_is_a_file_is_refused)
{
	FILE *file = fopen(path, "w");

	fclose(file);
	expect_error(ERR_PRECONDITION_FAILED, "not a directory");
}

Test(store, path_without_parent_is_refused)
{
	strcat(path, "/deeper");
	expect_error(ERR_IO_ERROR, "No such file");
}

Test(store, directory_with_other_things_is_refused_and_left_alone)
{
	struct stat st;

	cr_assert_eq(mkdir(path, 0755), 0);
	write_file("thesis.txt", "x");
	expect_error(ERR_PRECONDITION_FAILED, "other things");
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0755);
}

Test(store, directory_of_another_user_is_refused)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(chown(path, 1000, 1000), 0);
	expect_error(ERR_PRECONDITION_FAILED, "uid 1000");
}

Test(store, newer_format_is_refused)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	write_file("format", "sessionfs store 2\n");
	expect_error(ERR_PRECONDITION_FAILED, "format 2");
}

Test(store, garbled_format_is_refused)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	write_file("format", "sessionfs store 1x\n");
	expect_error(ERR_PRECONDITION_FAILED, "does not say");
}

Test(store, in_use_is_refused_and_names_the_user)
{
	struct store *first;
	char pid[16];

	cr_assert_eq(store_open(path, &first, &err), 0, "%s", err.message);
	snprintf(pid, sizeof(pid), "pid %d", (int)getpid());
	expect_error(ERR_PRECONDITION_FAILED, pid);
	store_free(first);
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
}

Test(store, stays_locked_while_a_child_of_the_opener_lives)
{
	int to_child[2];
	int status;
	pid_t pid;

	cr_assert_eq(pipe(to_child), 0);
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
	pid = fork();
	if (pid == 0) {
		char byte;

		close(to_child[1]);
		_exit(read(to_child[0], &byte, 1) != 0);
	}
	store_free(store);
	store = NULL;
	expect_error(ERR_PRECONDITION_FAILED, "in use");
	close(to_child[1]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
}

Test(store, begun_by_a_killed_opener_is_completed)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	write_file("instance", "1\n");
	write_file(SYS_TEMPORARY_PREFIX "0123456789abcdef", "sess");
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
}

Test(store, on_a_full_disk_says_so)
{
	char filler[SCRATCH_SIZE + 16];
	char block[4096] = {0};
	int fd;

	mount_here("tmpfs", scratch, "size=64k");
	snprintf(filler, sizeof(filler), "%s/filler", scratch);
	fd = open(filler, O_WRONLY | O_CREAT, 0600);
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
	expect_error(ERR_IO_ERROR, "No space left on device");
	cr_expect_eq(access(path, F_OK), -1, "a store that could not be made is left behind");
}

Test(store, without_inodes_left_says_so)
{
	mount_here("tmpfs", scratch, "nr_inodes=3");
	expect_error(ERR_IO_ERROR, "No space left on device");
	cr_expect_eq(access(path, F_OK), -1);
}

Test(store, on_an_overlayfs_is_refused_with_the_reason)
{
	static char dir[SCRATCH_SIZE + 8];
	char options[512];
	static const char *const dirs[] = {"l", "u", "w", "m"};

	for (size_t i = 0; i < 4; i++) {
		snprintf(dir, sizeof(dir), "%s/%s", scratch, dirs[i]);
		cr_assert_eq(mkdir(dir, 0755), 0);
	}
	snprintf(options, sizeof(options), "lowerdir=%s/l,upperdir=%s/u,workdir=%s/w", scratch,
		 scratch, scratch);
	mount_here("overlay", dir, options);
	snprintf(path, sizeof(path), "%s/m/store", scratch);
	expect_error(ERR_PRECONDITION_FAILED, "overlayfs");
	cr_expect_not_null(strstr(err.suggestion, "--store"));
	cr_expect_eq(access(path, F_OK), -1);
}

Test(store, of_root_uses_trusted_attributes)
{
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
	cr_expect_str_eq(store_xattr_prefix(store), "trusted.overlay.");
}

/* In a child, for a process with threads may not unshare its user namespace. */
static int user_namespace_child(void)
{
	int fd;

	if (unshare(CLONE_NEWUSER))
		return 1;
	fd = open("/proc/self/uid_map", O_WRONLY);
	if (write(fd, "0 0 1", 5) != 5)
		return 2;
	close(fd);
	if (store_open(path, &store, &err)) {
		fprintf(stderr, "%s\n", err.message);
		return 3;
	}
	return strcmp(store_xattr_prefix(store), "user.overlay.") ? 4 : 0;
}

Test(store, in_a_user_namespace_uses_user_attributes)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(user_namespace_child());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0, "status %x", (unsigned int)status);
}

Test(store, leaves_no_probes)
{
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
	strcat(path, "/trash");
	cr_expect_eq(rmdir(path), 0, "%m");
}

Test(store, knows_its_free_space)
{
	uint64_t bytes = 0;

	mount_here("tmpfs", scratch, "size=1m");
	cr_assert_eq(store_open(path, &store, &err), 0, "%s", err.message);
	cr_assert_eq(store_free_space(store, &bytes), 0);
	cr_expect_gt(bytes, 0);
	cr_expect_leq(bytes, 1 << 20);
}
