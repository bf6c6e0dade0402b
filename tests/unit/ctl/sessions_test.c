/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/ask.h"
#include "view/layout.h"

#define ALICE 1000
#define BOB 1001

static void setup(void)
{
	instance_make("/tmp", "/var/tmp");
}

TestSuite(sessions, .init = setup, .fini = instance_free);

static void expect_code(uid_t uid, const char *request, const char *code)
{
	json_t *json = ask(uid, request);

	cr_assert(strcmp(code_of(json), code) == 0, "%s: %s", request,
		  text_at(json, "error.message"));
	json_decref(json);
}

static int open_upper(uint32_t session, size_t share)
{
	int upper, work;

	cr_assert_eq(registry_open_upper(instance.registry, session, share, &upper, &work), 0);
	close(work);
	return upper;
}

static void put(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_WRONLY | O_CREAT, 0644);

	cr_assert_geq(fd, 0);
	close(fd);
}

static bool has(int dirfd, const char *path)
{
	return faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static uint32_t begin_run(const struct child *child, uint32_t session, uid_t uid)
{
	struct err err;
	uint32_t run;

	cr_assert_eq(runs_begin(instance.runs, session, uid, child->pid, "tool", 5, "/", &run,
				&err),
		     0, "%s", err.message);
	return run;
}

Test(sessions, create_makes_one_or_finds_it)
{
	json_t *json = ask(ALICE, "{\"op\": \"session.create\", \"session\": \"build-1\"}");

	cr_assert(json_is_true(at(json, "data.created")));
	cr_assert_str_eq(text_at(json, "data.view"), INSTANCE_MOUNTPOINT "/sessions/1000/build-1");
	cr_assert_str_eq(text_at(json, "meta.session"), "build-1");
	json_decref(json);
	json = ask(ALICE, "{\"op\": \"session.create\", \"session\": \"build-1\"}");
	cr_assert(json_is_false(at(json, "data.created")));
	json_decref(json);
}

Test(sessions, create_without_a_name_makes_a_new_one_each_time)
{
	json_t *first = ask(ALICE, "{\"op\": \"session.create\"}");
	json_t *second = ask(ALICE, "{\"op\": \"session.create\"}");

	cr_assert(json_is_true(at(second, "data.created")));
	cr_assert_str_neq(text_at(first, "data.session"), text_at(second, "data.session"));
	json_decref(first);
	json_decref(second);
}

Test(sessions, a_name_that_is_no_id_is_refused)
{
	static const char *const names[] = {
		"../x",
		"a b",
		"%2e",
		"",
		"/",
		"1000/",
		"x/a",
		"-1/a",
		"4294967295/a",
		"a\\n",
		"99999999999/a",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 65 */};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char request[200];

		snprintf(request, sizeof(request),
			 "{\"op\": \"session.create\", \"session\": \"%s\"}", names[i]);
		expect_code(0, request, "VALIDATION_ERROR");
	}
	cr_assert_eq(registry_count(instance.registry), 0);
}

Test(sessions, the_limit_is_an_error_of_its_own)
{
	for (int i = 0; i < WORLD_MAX_SESSIONS; i++)
		expect_code(ALICE, "{\"op\": \"session.create\"}", "");
	expect_code(ALICE, "{\"op\": \"session.create\"}", "LIMIT_REACHED");
}

Test(sessions, users_have_their_own_names_and_only_root_reaches_all)
{
	instance_session(ALICE, "a");
	instance_session(BOB, "a");
	expect_code(ALICE, "{\"op\": \"session.show\", \"session\": \"a\"}", "");
	expect_code(ALICE, "{\"op\": \"session.show\", \"session\": \"1000/a\"}", "");
	expect_code(ALICE, "{\"op\": \"session.show\", \"session\": \"1001/a\"}",
		    "PERMISSION_DENIED");
	expect_code(ALICE, "{\"op\": \"session.remove\", \"sessions\": [\"a\", \"1001/a\"]}",
		    "PERMISSION_DENIED");
	cr_assert_eq(registry_count(instance.registry), 2);
	expect_code(0, "{\"op\": \"session.show\", \"session\": \"1001/a\"}", "");
	expect_code(0, "{\"op\": \"session.show\", \"session\": \"a\"}", "NOT_FOUND");
	expect_code(ALICE, "{\"op\": \"session.reset\", \"session\": \"1001/a\"}",
		    "PERMISSION_DENIED");
	expect_code(ALICE, "{\"op\": \"session.diff\", \"session\": \"1001/a\"}",
		    "PERMISSION_DENIED");
	expect_code(ALICE, "{\"op\": \"session.create\", \"session\": \"1001/b\"}",
		    "PERMISSION_DENIED");
}

Test(sessions, show_tells_views_runs_and_changes)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	uint32_t session = instance_session(ALICE, "a");
	uint32_t run = begin_run(&child, session, ALICE);
	int upper = open_upper(session, 0);
	json_t *json;

	put(upper, "new");
	json = ask(ALICE, "{\"op\": \"session.show\", \"session\": \"a\"}");
	cr_assert_str_eq(json_string_value(json_object_get(at(json, "data.views"), "/var/tmp")),
			 "/run/test-mount/sessions/1000/a/var/tmp");
	cr_assert_eq(json_array_size(at(json, "data.runs")), 1);
	cr_assert_eq(json_integer_value(at(json, "data.changes")), 1);
	json_decref(json);
	close(upper);
	child_end(&child);
	runs_close(instance.runs, run);
}

Test(sessions, remove_drops_all_named_once)
{
	uint32_t session = instance_session(ALICE, "a");

	instance_session(ALICE, "b");
	instance_session(ALICE, "c");
	expect_code(ALICE, "{\"op\": \"session.remove\", \"sessions\": [\"b\", \"a\", \"b\"]}", "");
	cr_assert_eq(registry_count(instance.registry), 1);
	cr_assert_eq(instance_changed_session, session);
	cr_assert(instance_changed_removed);
}

Test(sessions, remove_drops_none_where_one_has_a_run_or_is_missing)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	uint32_t run;
	json_t *json;

	instance_session(ALICE, "a");
	run = begin_run(&child, instance_session(ALICE, "b"), ALICE);
	json = ask(ALICE, "{\"op\": \"session.remove\", \"sessions\": [\"a\", \"b\"]}");
	cr_assert_str_eq(code_of(json), "PRECONDITION_FAILED");
	cr_assert_str_eq(text_at(json, "error.runs.0.run"), runs_at(instance.runs, run)->id);
	cr_assert(strstr(text_at(json, "error.message"), "session b"));
	json_decref(json);
	expect_code(ALICE, "{\"op\": \"session.remove\", \"sessions\": [\"a\", \"x\"]}",
		    "NOT_FOUND");
	cr_assert_eq(registry_count(instance.registry), 2);
	/* A refusal leaves nothing closed behind. */
	expect_code(ALICE, "{\"op\": \"session.remove\", \"sessions\": [\"a\"]}", "");
	child_end(&child);
	runs_close(instance.runs, run);
}

Test(sessions, diff_lists_all_shares_in_the_order_of_paths)
{
	uint32_t session = instance_session(ALICE, "a");
	int first = open_upper(session, 0), second = open_upper(session, 1);
	json_t *json;

	put(world.shares[0].lower_fd, "gone");
	cr_assert_eq(layout_make_whiteout(first, "gone"), 0);
	put(first, "new\xff");
	cr_assert_eq(mkdirat(second, "dir", 0700), 0);
	json = ask(ALICE, "{\"op\": \"session.diff\", \"session\": \"a\"}");
	cr_assert_eq(json_array_size(at(json, "data.changes")), 3);
	cr_assert_str_eq(text_at(json, "data.changes.0.change"), "D");
	cr_assert_str_eq(text_at(json, "data.changes.0.path"), "/tmp/gone");
	cr_assert_str_eq(text_at(json, "data.changes.0.type"), "file");
	cr_assert_str_eq(text_at(json, "data.changes.1.path"), "/tmp/new\xef\xbf\xbd");
	cr_assert_str_eq(text_at(json, "data.changes.1.path_b64"), "L3RtcC9uZXf/");
	cr_assert_str_eq(text_at(json, "data.changes.2.path"), "/var/tmp/dir");
	cr_assert_str_eq(text_at(json, "data.changes.2.type"), "directory");
	json_decref(json);
	close(first);
	close(second);
}

Test(sessions, diff_can_be_limited_to_paths_of_shares)
{
	uint32_t session = instance_session(ALICE, "a");
	int upper = open_upper(session, 0);
	json_t *json;

	cr_assert_eq(mkdirat(upper, "d", 0700), 0);
	put(upper, "d/x");
	put(upper, "dx");
	json = ask(ALICE,
		   "{\"op\": \"session.diff\", \"session\": \"a\", \"paths\": [\"/tmp//d/\"]}");
	cr_assert_eq(json_array_size(at(json, "data.changes")), 2);
	json_decref(json);
	expect_code(ALICE, "{\"op\": \"session.diff\", \"session\": \"a\", \"paths\": [\"/etc\"]}",
		    "VALIDATION_ERROR");
	expect_code(ALICE,
		    "{\"op\": \"session.diff\", \"session\": \"a\", \"paths\": [\"/tmp/../etc\"]}",
		    "VALIDATION_ERROR");
	expect_code(ALICE, "{\"op\": \"session.diff\", \"session\": \"a\", \"paths\": [\"tmp\"]}",
		    "VALIDATION_ERROR");
	close(upper);
}

Test(sessions, an_empty_share_has_no_lower_to_compare_with)
{
	uint32_t session = instance_session(ALICE, "a");
	int upper = open_upper(session, 0);
	json_t *json;

	world.shares[0].mode = SHARE_EMPTY;
	put(world.shares[0].lower_fd, "same");
	put(upper, "same");
	json = ask(ALICE, "{\"op\": \"session.diff\", \"session\": \"a\"}");
	cr_assert_str_eq(text_at(json, "data.changes.0.change"), "A");
	json_decref(json);
	close(upper);
}

Test(sessions, reset_drops_all_and_tells_how_much)
{
	uint32_t session = instance_session(ALICE, "a");
	uint32_t epoch = registry_at(instance.registry, session)->epoch;
	int upper = open_upper(session, 0);
	json_t *json;

	put(upper, "x");
	put(upper, "y");
	close(upper);
	json = ask(ALICE, "{\"op\": \"session.reset\", \"session\": \"a\"}");
	cr_assert_eq(json_integer_value(at(json, "data.dropped")), 2);
	json_decref(json);
	cr_assert_eq(registry_has_changes(instance.registry, session), 0);
	cr_assert_neq(registry_at(instance.registry, session)->epoch, epoch);
	cr_assert_eq(instance_changed_session, session);
	cr_assert_not(instance_changed_removed);
}

Test(sessions, reset_of_paths_drops_only_those)
{
	uint32_t session = instance_session(ALICE, "a");
	int upper = open_upper(session, 0);
	json_t *json;

	cr_assert_eq(mkdirat(upper, "d", 0700), 0);
	cr_assert_eq(mkdirat(upper, "d/e", 0700), 0);
	put(upper, "d/e/x");
	put(upper, "d/kept");
	put(world.shares[0].lower_fd, "w");
	cr_assert_eq(layout_make_whiteout(upper, "w"), 0);
	put(upper, "kept");
	json = ask(ALICE,
		   "{\"op\": \"session.reset\", \"session\": \"a\", "
		   "\"paths\": [\"/tmp/d/e\", \"/tmp/w\", \"/tmp/not/there\", \"/var/tmp/x\"]}");
	cr_assert_eq(json_integer_value(at(json, "data.dropped")), 3);
	json_decref(json);
	cr_assert_not(has(upper, "d/e"));
	cr_assert_not(has(upper, "w"));
	cr_assert(has(upper, "d/kept"));
	cr_assert(has(upper, "kept"));
	cr_assert(has(world.shares[0].lower_fd, "w"));
	close(upper);
}

Test(sessions, reset_of_a_share_s_root_empties_it_alone)
{
	uint32_t session = instance_session(ALICE, "a");
	int first = open_upper(session, 0), second = open_upper(session, 1);

	put(first, "x");
	cr_assert_eq(mkdirat(first, "d", 0700), 0);
	put(first, "d/y");
	put(second, "z");
	expect_code(ALICE, "{\"op\": \"session.reset\", \"session\": \"a\", \"paths\": [\"/tmp\"]}",
		    "");
	cr_assert_not(has(first, "x"));
	cr_assert_not(has(first, "d"));
	cr_assert(has(second, "z"));
	close(first);
	close(second);
}

Test(sessions, reset_goes_through_no_symlink)
{
	uint32_t session = instance_session(ALICE, "a");
	int upper = open_upper(session, 0);

	cr_assert_eq(mkdirat(upper, "real", 0700), 0);
	put(upper, "real/x");
	cr_assert_eq(symlinkat("real", upper, "link"), 0);
	expect_code(ALICE,
		    "{\"op\": \"session.reset\", \"session\": \"a\", \"paths\": [\"/tmp/link/x\"]}",
		    "");
	cr_assert(has(upper, "real/x"));
	expect_code(ALICE,
		    "{\"op\": \"session.reset\", \"session\": \"a\", \"paths\": [\"/tmp/link\"]}",
		    "");
	cr_assert_not(has(upper, "link"));
	cr_assert(has(upper, "real/x"));
	close(upper);
}

Test(sessions, reset_is_refused_while_a_run_lives)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	uint32_t session = instance_session(ALICE, "a");
	uint32_t run = begin_run(&child, session, ALICE);
	int upper = open_upper(session, 0);

	put(upper, "x");
	expect_code(ALICE, "{\"op\": \"session.reset\", \"session\": \"a\"}",
		    "PRECONDITION_FAILED");
	expect_code(ALICE,
		    "{\"op\": \"session.reset\", \"session\": \"a\", \"paths\": [\"/tmp/x\"]}",
		    "PRECONDITION_FAILED");
	cr_assert(has(upper, "x"));
	close(upper);
	child_end(&child);
	runs_close(instance.runs, run);
}
