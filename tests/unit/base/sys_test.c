/* SPDX-License-Identifier: MIT */
#include "base/sys.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"

static char root[] = "/tmp/sys_test.XXXXXX";
static int dir = -1;

static void setup(void)
{
	umask(022);
	cr_assert_not_null(mkdtemp(root));
	dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(dir, 0);
}

static void teardown(void)
{
	sys_fault_hook = NULL;
	close(dir);
	dir = open("/tmp", O_PATH | O_DIRECTORY);
	cr_assert_eq(sys_remove_tree(dir, root + strlen("/tmp/")), 0);
	cr_assert_neq(access(root, F_OK), 0);
	close(dir);
}

TestSuite(sys, .init = setup, .fini = teardown);

static void put(const char *path, const char *content)
{
	_cleanup_close_ int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	cr_assert_geq(fd, 0);
	cr_assert_eq(sys_write_all(fd, content, strlen(content)), 0);
}

static bool there(const char *path)
{
	struct stat st;

	return !fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW);
}

static int entries(const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY), n = -2;
	DIR *stream = fdopendir(fd);

	while (readdir(stream))
		n++;
	closedir(stream);
	return n;
}

/* The call to fail, how, and after how many that are let through. */
static const char *fault_call;
static int fault_errno, fault_after;

static int fault(const char *call)
{
	return strcmp(call, fault_call) || fault_after-- > 0 ? 0 : fault_errno;
}

static void inject(const char *call, int error, int after)
{
	fault_call = call;
	fault_errno = error;
	fault_after = after;
	sys_fault_hook = fault;
}

Test(sys, opening_stays_beneath)
{
	static const struct {
		const char *path;
		int flags, result; /* 0: opened */
	} cases[] = {
		{"d/file", O_RDONLY, 0},
		{"d/../d/file", O_RDONLY, 0},
		{"", O_RDONLY | O_DIRECTORY, 0},
		{"", O_PATH, 0},
		{"link", O_RDONLY, -ELOOP},
		{"link", O_PATH | O_NOFOLLOW, 0},
		{"dirlink/file", O_RDONLY, -ELOOP},
		{"..", O_RDONLY, -EXDEV},
		{"d/../../x", O_RDONLY, -EXDEV},
		{"/etc/passwd", O_RDONLY, -EXDEV},
		{"nothing", O_RDONLY, -ENOENT},
		{"d/file/x", O_RDONLY, -ENOTDIR},
		{"new", O_WRONLY | O_CREAT | O_EXCL, 0},
		{"d/file", O_WRONLY | O_CREAT | O_EXCL, -EEXIST},
	};

	mkdirat(dir, "d", 0755);
	put("d/file", "x");
	cr_assert_eq(symlinkat("d/file", dir, "link"), 0);
	cr_assert_eq(symlinkat("d", dir, "dirlink"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = sys_open_beneath(dir, cases[i].path, cases[i].flags, 0640);

		if (cases[i].result)
			cr_expect_eq(fd, cases[i].result, "%s", cases[i].path);
		else
			cr_expect_geq(fd, 0, "%s: %d", cases[i].path, fd);
		if (fd >= 0)
			cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
}

Test(sys, magic_links_are_not_followed)
{
	_cleanup_close_ int proc = open("/proc/self", O_PATH | O_DIRECTORY);

	cr_assert_eq(sys_open_beneath(proc, "root/etc", O_PATH, 0), -ELOOP);
}

Test(sys, the_empty_path_opens_the_descriptor_anew_even_of_a_file)
{
	_cleanup_close_ int path_fd = -1, fd = -1;
	char byte;

	put("file", "x");
	path_fd = openat(dir, "file", O_PATH);
	fd = sys_open_beneath(path_fd, "", O_RDONLY | O_NOFOLLOW, 0);
	cr_assert_geq(fd, 0);
	cr_assert_eq(sys_read_all(fd, &byte, 1), 1);
	cr_assert_eq(sys_open_beneath(path_fd, "", O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
	cr_assert_eq(sys_open_beneath(-1, "", O_RDONLY, 0), -EBADF);
}

Test(sys, the_mode_counts_only_where_a_file_is_made)
{
	_cleanup_close_ int fd = sys_open_beneath(dir, "f", O_WRONLY | O_CREAT, 0640);
	_cleanup_close_ int again = sys_open_beneath(dir, "f", O_RDONLY, 0777);
	struct stat st;

	cr_assert_geq(again, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0640);
}

Test(sys, renames_take_flags)
{
	put("a", "1");
	put("b", "2");
	cr_assert_eq(sys_rename(dir, "a", dir, "b", RENAME_NOREPLACE), -EEXIST);
	cr_assert_eq(sys_rename(dir, "a", dir, "c", RENAME_NOREPLACE), 0);
	cr_assert_eq(sys_rename(dir, "c", dir, "b", 0), 0);
	cr_assert_eq(entries("."), 1);
}

/* Writes in small pieces, so that reads come short. */
static void *write_slowly(void *context)
{
	int fd = *(int *)context;

	for (int i = 0; i < 100; i++) {
		if (write(fd, "0123456789", 10) != 10)
			break;
		sched_yield();
	}
	close(fd);
	return NULL;
}

Test(sys, reading_and_writing_do_not_stop_short)
{
	char text[2000], large[300000];
	pthread_t thread;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	pthread_create(&thread, NULL, write_slowly, &ends[1]);
	cr_assert_eq(sys_read_all(ends[0], text, 995), 995);
	cr_assert_eq(sys_read_all(ends[0], text, sizeof(text)), 5);
	cr_assert_eq(sys_read_all(ends[0], text, sizeof(text)), 0);
	pthread_join(thread, NULL);
	close(ends[0]);

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	memset(large, 'l', sizeof(large));
	cr_assert_eq(sys_write_all(ends[1], large, sizeof(large)), -EAGAIN);
	cr_assert_eq(sys_read_all(dir, text, 1), -EISDIR);
}

Test(sys, a_file_is_read_whole_up_to_a_limit)
{
	static const size_t sizes[] = {0, 1, 4094, 4095, 4096, 4097, 8191, 8192, 10000, 100000};
	static char text[100000];

	memset(text, 't', sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *exact = NULL, *roomy = NULL;
		char *none = NULL;

		cr_assert_eq(sys_write_file_durable(dir, "f", text, sizes[i], 0600), 0);
		cr_assert_eq(sys_read_file(dir, "f", sizes[i], &exact), (ssize_t)sizes[i]);
		cr_assert_eq(strlen(exact), sizes[i]);
		cr_assert_eq(sys_read_file(dir, "f", 1 << 20, &roomy), (ssize_t)sizes[i]);
		if (sizes[i])
			cr_assert_eq(sys_read_file(dir, "f", sizes[i] - 1, &none), -EFBIG);
	}
}

Test(sys, files_without_a_size_are_read_too)
{
	_cleanup_free_ char *content = NULL;

	cr_assert_gt(sys_read_file(AT_FDCWD, "/proc/self/status", 1 << 20, &content), 100);
	cr_assert_not_null(strstr(content, "Threads:"));
	cr_assert_eq(sys_read_file(dir, "none", 10, &content), -ENOENT);
}

Test(sys, a_durable_write_replaces_with_the_exact_mode_and_leaves_nothing)
{
	_cleanup_free_ char *content = NULL;
	struct stat st;

	umask(077);
	mkdirat(dir, "d", 0755);
	cr_assert_eq(sys_write_file_durable(dir, "d/f", "old", 3, 0600), 0);
	cr_assert_eq(sys_write_file_durable(dir, "d/f", "new!", 4, 0644), 0);
	cr_assert_eq(sys_read_file(dir, "d/f", 100, &content), 4);
	cr_assert_str_eq(content, "new!");
	cr_assert_eq(fstatat(dir, "d/f", &st, 0), 0);
	cr_assert_eq(st.st_mode & 07777, 0644);
	cr_assert_eq(entries("d"), 1);
	cr_assert_eq(sys_write_file_durable(dir, "no/f", "", 0, 0600), -ENOENT);
}

Test(sys, a_durable_write_of_the_longest_name_works)
{
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	cr_assert_eq(sys_write_file_durable(dir, name, "x", 1, 0600), 0);
	cr_assert(there(name));
}

Test(sys, a_durable_write_that_fails_changes_nothing)
{
	static const struct {
		const char *call;
		int after;
	} cases[] = {{"openat", 0}, {"openat", 1}, {"write", 0}, {"fsync", 0}, {"renameat2", 0}};
	_cleanup_free_ char *content = NULL;

	put("f", "old");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		inject(cases[i].call, -ENOSPC, cases[i].after);
		cr_assert_eq(sys_write_file_durable(dir, "f", "new", 3, 0600), -ENOSPC, "%s",
			     cases[i].call);
		sys_fault_hook = NULL;
		cr_assert_eq(entries("."), 1, "%s", cases[i].call);
	}
	cr_assert_eq(sys_read_file(dir, "f", 100, &content), 3);
	cr_assert_str_eq(content, "old");
}

Test(sys, directories_are_made_with_their_parents)
{
	struct stat st;

	cr_assert_eq(sys_mkdir_all(dir, "a/b/c", 0700), 0);
	cr_assert_eq(sys_mkdir_all(dir, "a/b/c", 0700), 0);
	cr_assert_eq(sys_mkdir_all(dir, "a//b/d/", 0700), 0);
	cr_assert_eq(sys_mkdir_all(dir, "", 0700), 0);
	cr_assert_eq(sys_mkdir_all(dir, ".", 0700), 0);
	cr_assert_eq(sys_mkdir_all(AT_FDCWD, root, 0700), 0);
	cr_assert_eq(fstatat(dir, "a/b", &st, 0), 0);
	cr_assert_eq(st.st_mode & 07777, 0700);
	cr_assert_eq(entries("a/b"), 2);
	put("file", "");
	cr_assert_eq(sys_mkdir_all(dir, "file", 0700), -ENOTDIR);
	cr_assert_eq(sys_mkdir_all(dir, "file/x", 0700), -ENOTDIR);
	cr_assert_eq(symlinkat("a/b", dir, "link"), 0);
	cr_assert_eq(sys_mkdir_all(dir, "link/new", 0700), 0);
	cr_assert(there("a/b/new"));
}

Test(sys, a_tree_is_removed_without_following_links)
{
	cr_assert_eq(sys_mkdir_all(dir, "outside/kept", 0755), 0);
	put("outside/kept/file", "x");
	cr_assert_eq(sys_mkdir_all(dir, "tree/a/b", 0755), 0);
	cr_assert_eq(symlinkat("../outside", dir, "tree/link"), 0);
	cr_assert_eq(symlinkat("../../outside/kept/file", dir, "tree/a/link"), 0);
	cr_assert_eq(mkfifoat(dir, "tree/a/fifo", 0600), 0);
	put("tree/a/b/.hidden", "x");
	cr_assert_eq(fchmodat(dir, "tree/a/b", 0, 0), 0);
	for (int i = 0; i < 3000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "tree/f%d", i);
		put(name, "");
	}
	if (geteuid() != 0)
		fchmodat(dir, "tree/a/b", 0700, 0);
	cr_assert_eq(sys_remove_tree(dir, "tree"), 0);
	cr_assert_not(there("tree"));
	cr_assert(there("outside/kept/file"));
	cr_assert_eq(sys_remove_tree(dir, "tree"), 0);
	/* A link or a file is removed itself. */
	cr_assert_eq(symlinkat("outside", dir, "link"), 0);
	cr_assert_eq(sys_remove_tree(dir, "link"), 0);
	cr_assert_eq(sys_remove_tree(dir, "outside/kept/file"), 0);
	cr_assert(there("outside/kept"));
}

/* false where the file system has no such attributes, or we may not set them. */
static bool protect(const char *path, unsigned int flag)
{
	_cleanup_close_ int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	unsigned int flags;

	cr_assert_geq(fd, 0);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return false;
	flags |= flag;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

Test(sys, a_tree_is_removed_though_parts_of_it_are_immutable)
{
	cr_assert_eq(sys_mkdir_all(dir, "tree/a/b", 0755), 0);
	cr_assert_eq(sys_mkdir_all(dir, "tree/c", 0755), 0);
	put("tree/a/file", "");
	put("tree/a/b/file", "");
	put("tree/c/file", "");
	if (!protect("tree/a/b/file", FS_IMMUTABLE_FL))
		cr_skip_test("nothing can be made immutable");
	cr_assert(protect("tree/a/file", FS_APPEND_FL));
	cr_assert(protect("tree/a/b", FS_IMMUTABLE_FL));
	cr_assert(protect("tree/a", FS_APPEND_FL));
	cr_assert(protect("tree/c", FS_IMMUTABLE_FL));
	cr_assert_eq(sys_remove_tree(dir, "tree"), 0);
	cr_assert_not(there("tree"));
}

Test(sys, a_tree_of_any_depth_is_removed_with_few_descriptors)
{
	struct rlimit limit = {64, 64};
	int at = dup(dir);

	for (int i = 0; i < 5000; i++) {
		int next;

		cr_assert_eq(mkdirat(at, "deep", 0755), 0);
		next = openat(at, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		cr_assert_geq(next, 0);
		if (i % 100 == 0)
			cr_assert_eq(mkdirat(at, "beside", 0755), 0);
		close(at);
		at = next;
	}
	close(at);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(sys_remove_tree(dir, "deep"), 0);
	cr_assert_not(there("deep"));
}

Test(sys, removal_stops_at_the_first_error)
{
	cr_assert_eq(sys_mkdir_all(dir, "tree/a", 0755), 0);
	put("tree/a/1", "");
	put("tree/a/2", "");
	inject("unlinkat", -EIO, 4);
	/* tree as a file, tree empty, a empty, 1 or 2; then the fault. */
	cr_assert_eq(sys_remove_tree(dir, "tree"), -EIO);
	sys_fault_hook = NULL;
	cr_assert_eq(entries("tree/a"), 1);
}

Test(sys, removal_does_not_enter_mounts)
{
	char path[128];

	if (geteuid() != 0 || unshare(CLONE_NEWNS))
		cr_skip_test("needs root");
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(sys_mkdir_all(dir, "tree/mnt", 0755), 0);
	cr_assert_eq(sys_mkdir_all(dir, "other", 0755), 0);
	put("other/kept", "");
	snprintf(path, sizeof(path), "%s/tree/mnt", root);
	/* The same file system, so that st_dev does not tell. */
	cr_assert_eq(chdir(root), 0);
	cr_assert_eq(mount("other", path, NULL, MS_BIND, NULL), 0);
	cr_assert_eq(sys_remove_tree(dir, "tree"), -EBUSY);
	cr_assert(there("other/kept"));
	cr_assert_eq(umount2(path, MNT_DETACH), 0);
}

Test(sys, a_descriptor_has_a_path)
{
	char path[32], link[256];
	ssize_t n;

	sys_fd_path(dir, path);
	n = readlink(path, link, sizeof(link) - 1);
	cr_assert_gt(n, 0);
	link[n] = '\0';
	cr_assert_str_eq(link, root);
}
