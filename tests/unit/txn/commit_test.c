/* SPDX-License-Identifier: MIT */
/*
 * A commit that is killed at any step is finished or undone by the next start, and so is one whose recovery
 * is killed at any step.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/sys.h"
#include "support/view_fixture.h"
#include "txn/commit.h"
#include "view/copyup.h"
#include "view/create.h"
#include "view/remove.h"
#include "view/rename.h"

static struct commit_setup setup;
static struct plan_share sources[1];
static struct plan plan;

static void opened(void)
{
	view_fixture_make(SHARE_OVERLAY);
	setup = (struct commit_setup){
		.store = world.store, .config = &world.config, .names = &view_fixture.setup.names};
}

static void closed(void)
{
	plan_release(&plan);
	view_fixture_free();
}

TestSuite(commit, .init = opened, .fini = closed);

/* Everything in a tree that a user sees, but the root's own times. */
static char *describe(int fd)
{
	static const char command[] =
		"cd /proc/%d/fd/%d && { find . -mindepth 1 -printf '%%P %%y %%m %%U "
		"%%n %%l\\n'; find . -type f -exec md5sum {} +; } | sort";
	_cleanup_buf_ struct buf text = {0};
	char line[256], chunk[4096];
	size_t n;
	FILE *out;

	snprintf(line, sizeof(line), command, getpid(), fd);
	out = popen(line, "r");
	cr_assert(out);
	while ((n = fread(chunk, 1, sizeof(chunk), out)) > 0)
		buf_add(&text, chunk, n);
	cr_assert_eq(pclose(out), 0);
	buf_add(&text, "", 1);
	return TAKE_PTR(text.data);
}

/* More than a rename copies. */
static const char *large_text(void)
{
	static char text[COPYUP_DEFERRED_MIN_SIZE + 1000];

	memset(text, 'x', sizeof(text) - 1);
	return text;
}

/* The session goes on from what it has published. */
static bool view_is_published(void)
{
	_cleanup_layer_dir_ struct layer_dir *root = view_fixture_reopen();
	struct layer_dir *before = view_fixture.root;
	bool is;

	view_fixture.root = root;
	is = view_shows("both.json", "{\"a\": 2, \"b\": 3}") && view_shows("moved/in/1", "moved") &&
	     view_find("fresh/large").st.st_size == (off_t)strlen(large_text());
	view_fixture.root = before;
	return is && lower_holds("both.json", "{\"a\": 2, \"b\": 3}") &&
	       lower_holds("fresh/large", large_text());
}

static unsigned int mode_of(int fd)
{
	struct stat st;

	cr_assert_eq(fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
	return st.st_mode & 07777;
}

/* How many files of the lower hold that text. */
static int count_of(const char *text)
{
	char command[128], line[16] = "";
	FILE *out;

	snprintf(command, sizeof(command), "grep -rlx '%s' /proc/%d/fd/%d/ | wc -l", text,
		 (int)getpid(), view_fixture.lower);
	out = popen(command, "r");
	cr_assert(out && fgets(line, sizeof(line), out));
	pclose(out);
	return atoi(line);
}

static void change(const char *path, const char *text)
{
	_cleanup_close_ int fd = -1;
	int r = copyup_entry(view_fixture.root, path, COPYUP_WHOLE, NULL);

	cr_assert_eq(r, 0, "%s: %s", path, strerror(-r));
	fd = openat(layer_dir_upper(view_fixture.root), path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* One of each kind: put, exchange, take away, a directory's metadata, a link, changes of type, a rename. */
static void make_changes(void)
{
	const struct creator root = {0};
	_cleanup_layer_dir_ struct layer_dir *gone = NULL, *meta = NULL, *fresh = NULL;
	char path[64];

	lower_put("changed", "old");
	lower_put("gone/1", "1");
	lower_put("meta/1", "1");
	lower_put("file", "a file");
	lower_put("tree/in/1", "moved");
	lower_put("both.json", "{\"a\": 1, \"b\": 1}");
	lower_put("large", large_text());
	cr_assert_eq(symlinkat("old", view_fixture.lower, "link"), 0);

	change("changed", "new");
	change("both.json", "{\"a\": 2, \"b\": 1}");
	lower_put("both.json", "{\"a\": 1, \"b\": 3}");
	gone = view_dir("gone");
	cr_assert_eq(view_unlink(gone, "1"), 0);
	cr_assert_eq(view_rmdir(view_fixture.root, "gone"), 0);
	meta = view_dir("meta");
	cr_assert_eq(layer_dir_copy_up(meta), 0);
	sys_fd_path(layer_dir_upper(meta), path);
	cr_assert_eq(chmod(path, 0700), 0);
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(view_mkdir(view_fixture.root, "file", 0755, &root), 0);
	cr_assert_eq(view_unlink(view_fixture.root, "link"), 0);
	cr_assert_eq(view_symlink(view_fixture.root, "link", "new", &root), 0);
	cr_assert_eq(view_mkdir(view_fixture.root, "fresh", 0755, &root), 0);
	fresh = view_dir("fresh");
	view_put("fresh/1", "one");
	cr_assert_eq(view_link(fresh, "1", fresh, "2"), 0);
	/* By reference, into a directory in which nothing of the lower shows. */
	cr_assert_eq(view_rename(view_fixture.root, "large", fresh, "large", 0, NULL, NULL), 0);
	cr_assert_eq(view_rename(view_fixture.root, "tree", view_fixture.root, "moved", 0, NULL,
				 NULL),
		     0);
}

static void make_plan(void)
{
	const struct plan_asker asker = {0};

	/* Past the tick of the clock that ctimes are taken from: what is as young as the plan may be younger. */
	usleep(20000);
	sources[0].lower_fd = view_fixture.lower;
	cr_assert_eq(registry_peek_upper(view_fixture.registry, view_fixture.session, 0,
					 &sources[0].upper_fd, &sources[0].work_fd),
		     0);
	cr_assert_eq(plan_add_share(&plan, &view_fixture.setup.names, &sources[0], &asker, NULL,
				    NULL),
		     0);
	for (size_t i = 0; i < plan.count; i++)
		cr_assert_eq(plan.items[i].verdict, PLAN_APPLY, "%s", plan.items[i].path);
}

static void die_at(void *context)
{
	int *left = context;

	if ((*left)-- == 0)
		raise(SIGKILL);
}

/* In a process of its own that is killed at that step; whether it was (it may have ended before). */
static bool killed_at(int at, bool recover)
{
	struct commit_setup mortal = setup;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		size_t item;

		mortal.step = die_at;
		mortal.context = &at;
		_exit(recover ? commit_recover(&mortal) != 0
			      : commit_apply(&mortal, &plan, sources, 1, 0, "s1", &item) != 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return true;
	cr_assert_eq(status, 0);
	return false;
}

static void expect(const char *what, const char *wanted)
{
	_cleanup_free_ char *now = describe(view_fixture.lower);

	cr_assert_str_eq(now, wanted, "%s:\n%s\nis not\n%s", what, now, wanted);
}

Test(commit, publishes_all)
{
	_cleanup_free_ char *after = NULL;
	size_t item;

	make_changes();
	make_plan();
	cr_assert_eq(commit_apply(&setup, &plan, sources, 1, 0, "s1", &item), 0);
	after = describe(view_fixture.lower);
	cr_assert(strstr(after, "fresh/1 f 644 0 2 "), "%s", after);
	cr_assert(strstr(after, "meta d 700 "), "%s", after);
	cr_assert(strstr(after, "link l 777 0 1 new\n"), "%s", after);
	cr_assert(lower_holds("moved/in/1", "moved"));
	cr_assert(lower_holds("changed", "new"));
	cr_assert_null(strstr(after, "gone"), "%s", after);
	cr_assert_null(strstr(after, "sessionfs"), "%s", after);
	cr_assert(view_is_published());
	/* What was published is the session's base from now on. */
	plan_release(&plan);
	make_plan();
	cr_assert_eq(plan.count, 0);
}

/* The state is made anew for each step: a world is one process's. */
static bool survives_step(int at)
{
	_cleanup_free_ char *before = NULL, *after = NULL, *now = NULL;
	struct stat st;
	bool killed;

	make_changes();
	make_plan();
	before = describe(view_fixture.lower);
	killed = killed_at(at, false);
	for (int i = 0; killed_at(i, true); i++)
		;
	now = describe(view_fixture.lower);
	cr_assert_null(strstr(now, "sessionfs"), "step %d: %s", at, now);
	cr_assert_eq(fstatat(store_fd(world.store), "commit", &st, 0), -1);
	if (strcmp(now, before) != 0) {
		cr_assert(lower_holds("changed", "new"), "step %d: %s", at, now);
		cr_assert_not(lower_holds("gone/1", "1"), "step %d: %s", at, now);
		cr_assert(lower_holds("moved/in/1", "moved"), "step %d: %s", at, now);
	}
	/* Undone, it can be done again; done, nothing is left to do. */
	plan_release(&plan);
	make_plan();
	cr_assert_eq(plan.count == 0, strcmp(now, before) != 0, "step %d", at);
	if (plan.count) {
		size_t item;

		cr_assert_eq(commit_apply(&setup, &plan, sources, 1, 0, "s1", &item), 0);
	}
	cr_assert(view_is_published(), "step %d", at);
	after = describe(view_fixture.lower);
	cr_assert(strstr(after, "fresh/1 f 644 0 2 ") && strstr(after, "meta d 700 ") &&
			  strstr(after, "link l 777 0 1 new\n") && strstr(after, "file d 755"),
		  "step %d: %s", at, after);
	return killed;
}

Test(commit, is_whole_after_a_kill_at_any_step, .timeout = 300)
{
	int steps = 0;

	while (survives_step(steps)) {
		steps++;
		closed();
		opened();
	}
	/* Two for each change at the least: staged, and carried out. */
	cr_assert_gt(steps, 20, "%d", steps);
}

static void replace_changed(void *context)
{
	int *left = context;

	if ((*left)-- == 0)
		lower_put("changed", "theirs");
}

Test(commit, is_undone_where_the_lower_changes_meanwhile)
{
	/* At every step before the file's own turn, and then at none. */
	for (int at = 0;; at++) {
		_cleanup_free_ char *before = NULL, *theirs = NULL;
		int left = at, r;
		size_t item;

		make_changes();
		make_plan();
		before = describe(view_fixture.lower);
		setup.step = replace_changed;
		setup.context = &left;
		r = commit_apply(&setup, &plan, sources, 1, 0, "s1", &item);
		setup.step = NULL;
		if (r == 0)
			break;
		cr_assert_eq(r, -ESTALE, "step %d: %s", at, strerror(-r));
		cr_assert_str_eq(plan.items[item].path, "changed");
		cr_assert(lower_holds("changed", "theirs"), "step %d", at);
		lower_put("changed", "old");
		expect("undone", before);
		closed();
		opened();
		cr_assert_lt(at, 100);
	}
}

static void exchange(const char *one, const char *other)
{
	cr_assert_eq(
		sys_rename(view_fixture.lower, one, view_fixture.lower, other, RENAME_EXCHANGE), 0);
}

static void exchange_parent(void *context)
{
	int *left = context;

	if ((*left)-- == 0)
		exchange("dir", "other");
}

/* Rights were asked of one directory: nothing happens in another that has got its name since. */
Test(commit, touches_no_directory_but_the_planned)
{
	bool committed = false;

	for (int at = 0; !committed; at++) {
		_cleanup_layer_dir_ struct layer_dir *dir = NULL;
		_cleanup_free_ char *before = NULL, *now = NULL;
		_cleanup_close_ int other = -1;
		char path[64];
		int left = at, r;
		size_t item;

		lower_put("dir/gone", "1");
		lower_put("dir/changed", "old");
		lower_put("other/gone", "theirs");
		lower_put("other/changed", "theirs");
		other = openat(view_fixture.lower, "other", O_PATH | O_DIRECTORY);
		dir = view_dir("dir");
		cr_assert_eq(view_unlink(dir, "gone"), 0);
		cr_assert_eq(copyup_entry(dir, "changed", COPYUP_EMPTY, NULL), 0);
		view_put("dir/new", "new");
		sys_fd_path(layer_dir_upper(dir), path);
		cr_assert_eq(chmod(path, 0711), 0);
		make_plan();
		before = describe(other);
		setup.step = exchange_parent;
		setup.context = &left;
		r = commit_apply(&setup, &plan, sources, 1, 0, "s1", &item);
		setup.step = NULL;
		cr_assert(r == 0 || r == -ESTALE, "step %d: %s", at, strerror(-r));
		committed = r == 0;
		cr_assert(left < 0, "step %d", at);
		now = describe(other);
		cr_assert_str_eq(now, before, "step %d:\n%s\nis not\n%s", at, now, before);
		sys_fd_path(other, path);
		cr_assert_eq(access(path, F_OK), 0);
		cr_assert_eq(mode_of(other), 0755, "step %d", at);
		if (!committed) {
			/* All of it is there still, if not all of it in its place. */
			cr_assert_eq(count_of("1"), 1, "step %d", at);
			cr_assert_eq(count_of("old"), 1, "step %d", at);
		}
		closed();
		opened();
		cr_assert_lt(at, 60);
	}
}

static void make_gone_and_last(void)
{
	_cleanup_layer_dir_ struct layer_dir *gone = view_dir("gone");

	cr_assert_eq(view_unlink(gone, "1"), 0);
	cr_assert_eq(view_rmdir(view_fixture.root, "gone"), 0);
	change("last", "ours");
}

static void make_gone_anew(void *context)
{
	if (fstatat(view_fixture.lower, "gone", &(struct stat){0}, AT_SYMLINK_NOFOLLOW))
		lower_put("gone/theirs", "theirs");
	else
		return;
	/* And one that makes it fail. */
	lower_put("last", "theirs");
	(void)context;
}

Test(commit, loses_nothing_where_what_it_took_was_made_anew)
{
	char kept[64];
	struct stat st;
	size_t item;

	lower_put("gone/1", "1");
	lower_put("last", "old");
	make_gone_and_last();
	make_plan();
	cr_assert_eq(fstatat(view_fixture.lower, "gone", &st, 0), 0);
	setup.step = make_gone_anew;
	cr_assert_eq(commit_apply(&setup, &plan, sources, 1, 0, "s1", &item), -ESTALE);
	setup.step = NULL;
	cr_assert(lower_holds("gone/theirs", "theirs"));
	cr_assert(lower_holds("last", "theirs"));
	snprintf(kept, sizeof(kept), ".sessionfs-kept-%llu/1", (unsigned long long)st.st_ino);
	cr_assert(lower_holds(kept, "1"));
}

static void remove_parent(void *context)
{
	int *left = context;

	if ((*left)-- == 0)
		cr_assert_eq(sys_remove_tree(view_fixture.lower, "dir"), 0);
}

/* What the commit holds when it is undone outlives the directory that it was in. */
Test(commit, loses_nothing_with_a_directory_that_goes_meanwhile)
{
	for (int at = 0;; at++) {
		_cleanup_layer_dir_ struct layer_dir *dir = NULL;
		int left = at, r;
		size_t item;

		lower_put("dir/a/1", "taken");
		lower_put("dir/last", "old");
		dir = view_dir("dir/a");
		cr_assert_eq(view_unlink(dir, "1"), 0);
		layer_dir_unref(dir);
		dir = view_dir("dir");
		cr_assert_eq(copyup_entry(dir, "last", COPYUP_EMPTY, NULL), 0);
		make_plan();
		setup.step = remove_parent;
		setup.context = &left;
		r = commit_apply(&setup, &plan, sources, 1, 0, "s1", &item);
		setup.step = NULL;
		if (r == 0)
			break;
		cr_assert_eq(r, -ESTALE, "step %d: %s", at, strerror(-r));
		/* Gone with its directory, or taken out of it before and kept. */
		if (item > 0 && plan.items[item].change == 'M')
			cr_assert_eq(count_of("taken"), 1, "step %d", at);
		closed();
		opened();
		cr_assert_lt(at, 60);
	}
}

static void add_to_gone(void *context)
{
	int *left = context;

	if ((*left)-- == 0)
		lower_put("gone/sub/late", "theirs");
}

/* Of a tree that is taken away the plan has seen each name: what comes later is not lost with it. */
Test(commit, is_undone_where_something_comes_into_what_it_removes)
{
	for (int at = 0;; at++) {
		_cleanup_layer_dir_ struct layer_dir *gone = NULL, *sub = NULL;
		int left = at, r;
		size_t item;

		lower_put("gone/sub/1", "1");
		sub = view_dir("gone/sub");
		cr_assert_eq(view_unlink(sub, "1"), 0);
		gone = view_dir("gone");
		cr_assert_eq(view_rmdir(gone, "sub"), 0);
		cr_assert_eq(view_rmdir(view_fixture.root, "gone"), 0);
		make_plan();
		usleep(20000);
		setup.step = add_to_gone;
		setup.context = &left;
		r = commit_apply(&setup, &plan, sources, 1, 0, "s1", &item);
		setup.step = NULL;
		cr_assert(left < 0);
		/* Taken away before it came: then it came to a directory of its own. */
		cr_assert(lower_holds("gone/sub/late", "theirs"), "step %d: %d", at, r);
		if (r == 0)
			break;
		cr_assert_eq(r, -ESTALE, "step %d: %s", at, strerror(-r));
		cr_assert(lower_holds("gone/sub/1", "1"), "step %d", at);
		closed();
		opened();
		cr_assert_lt(at, 20);
	}
}

Test(commit, leaves_what_it_cannot_read)
{
	_cleanup_free_ char *before = NULL;

	make_changes();
	make_plan();
	before = describe(view_fixture.lower);
	cr_assert(killed_at(18, false));
	cr_assert_eq(sys_write_file_durable(store_fd(world.store), "commit", "nonsense", 8, 0600),
		     0);
	cr_assert_eq(commit_recover(&setup), -EBADMSG);
	/* Nothing else is committed over it. */
	cr_assert_neq(commit_apply(&setup, &plan, sources, 1, 0, "s1", &(size_t){0}), 0);
}
