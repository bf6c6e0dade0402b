/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "lock/answer.h"
#include "support/lock_world.h"

TestSuite(denial, .init = lock_world_make, .fini = lock_world_free, .timeout = 30);

static struct lock_key key = {.path = "tool.lock"};

static const char *text_at(json_t *json, const char *outer, const char *inner)
{
	return json_string_value(json_object_get(json_object_get(json, outer), inner));
}

static json_t *last(const struct actor *actor)
{
	return lock_last_conflict(lw.locks, actor->session, actor->run, 0);
}

static const char *kind_of(json_t *conflict)
{
	return json_string_value(json_object_get(conflict, "kind"));
}

static void look(const char *path, const struct actor *actor)
{
	struct lock_key looked = lock_world_key(path);
	struct stat st;

	cr_assert_eq(fstatat(lw.lower_fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	lock_looked_up(lw.locks, &looked, actor, &st);
}

Test(denial, the_loser_learns_who_holds)
{
	struct actor a = lock_world_actor("winner");
	struct actor b = lock_world_actor("loser");
	_cleanup_json_ json_t *conflict = NULL;
	json_t *error;

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	cr_assert_not(lock_world_create("tool.lock", &b, NULL));
	conflict = last(&b);
	cr_assert_not_null(conflict);
	cr_expect_str_eq(kind_of(conflict), "denial");
	cr_expect(json_is_false(json_object_get(conflict, "resolved")));
	error = json_object_get(conflict, "error");
	cr_expect_str_eq(json_string_value(json_object_get(error, "code")), "LOCK_HELD");
	cr_expect_str_eq(text_at(error, "holder", "session"), "winner");
	cr_expect_str_eq(text_at(error, "lock", "path"), "/lower/tool.lock");
	cr_expect_null(last(&a));
	cr_expect_eq(lock_world_events("lock_denied", NULL), 1);
}

Test(denial, a_look_at_anothers_lock_is_a_probe)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");
	_cleanup_json_ json_t *conflict = NULL;

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	look("tool.lock", &b);
	conflict = last(&b);
	cr_assert_not_null(conflict);
	cr_expect_str_eq(kind_of(conflict), "probe");
}

Test(denial, ones_own_lock_is_no_conflict)
{
	struct actor a = lock_world_actor("a");

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	look("tool.lock", &a);
	cr_assert_not(lock_world_create("tool.lock", &a, NULL));
	cr_expect_null(last(&a));
}

Test(denial, a_run_and_its_session_outside_are_different_holders)
{
	struct child child;
	struct actor outside = lock_world_actor("s");
	struct actor inside = lock_world_run("s", &child);
	_cleanup_json_ json_t *conflict = NULL;

	cr_assert(lock_world_create("tool.lock", &outside, NULL));
	look("tool.lock", &outside);
	cr_expect_null(last(&outside));
	look("tool.lock", &inside);
	conflict = last(&inside);
	cr_expect_not_null(conflict);
	child_end(&child);
}

Test(denial, reading_the_lock_one_was_denied_leaves_the_denial)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");
	_cleanup_json_ json_t *first = NULL;
	_cleanup_json_ json_t *second = NULL;

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	cr_assert(lock_world_create("other.lock", &a, NULL));
	cr_assert_not(lock_world_create("tool.lock", &b, NULL));
	look("tool.lock", &b);
	first = last(&b);
	cr_expect_str_eq(kind_of(first), "denial");
	look("other.lock", &b);
	second = last(&b);
	cr_expect_str_eq(kind_of(second), "probe");
}

Test(denial, acquiring_the_lock_later_resolves_it)
{
	struct child child;
	struct actor a = lock_world_actor("a");
	struct actor run = lock_world_run("b", &child);
	_cleanup_json_ json_t *conflict = NULL;
	_cleanup_json_ json_t *explains = NULL;
	_cleanup_json_ json_t *resolved = NULL;

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	cr_assert_not(lock_world_create("tool.lock", &run, NULL));
	explains = lock_conflict_of_run(lw.locks, run.run, 0);
	cr_expect_not_null(explains);

	lock_world_unlink("tool.lock", &a);
	conflict = last(&run);
	cr_expect(json_object_get(conflict, "released_ms_ago"));
	cr_assert(lock_world_create("tool.lock", &run, NULL));
	resolved = last(&run);
	cr_expect(json_is_true(json_object_get(resolved, "resolved")));
	cr_expect_null(lock_conflict_of_run(lw.locks, run.run, 0));
	child_end(&child);
}

Test(denial, explains_a_failure_even_when_the_lock_is_long_free)
{
	struct child child;
	struct actor a = lock_world_actor("a");
	struct actor run = lock_world_run("b", &child);
	_cleanup_json_ json_t *explains = NULL;

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	cr_assert_not(lock_world_create("tool.lock", &run, NULL));
	lock_world_unlink("tool.lock", &a);
	usleep(1100000); /* the contract's second, and what comes after */
	explains = lock_conflict_of_run(lw.locks, run.run, 0);
	cr_assert_not_null(explains);
	cr_expect_str_eq(json_string_value(json_object_get(explains, "reason")), "held");
	cr_expect_eq(json_integer_value(json_object_get(explains, "exit_code")), 4);
	child_end(&child);
}

Test(denial, a_probe_explains_a_failure_only_while_held_and_a_second_after)
{
	struct child child;
	struct actor a = lock_world_actor("a");
	struct actor run = lock_world_run("b", &child);
	_cleanup_json_ json_t *while_held = NULL;
	_cleanup_json_ json_t *just_after = NULL;

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	look("tool.lock", &run);
	while_held = lock_conflict_of_run(lw.locks, run.run, 0);
	cr_expect_not_null(while_held);
	lock_world_unlink("tool.lock", &a);
	just_after = lock_conflict_of_run(lw.locks, run.run, 0);
	cr_expect_not_null(just_after);
	usleep(1100000);
	cr_expect_null(lock_conflict_of_run(lw.locks, run.run, 0));
	child_end(&child);
}

Test(denial, shows_the_lock_as_it_was_at_the_event)
{
	struct actor a = lock_world_actor("first");
	struct actor b = lock_world_actor("b");
	struct actor c = lock_world_actor("second");
	_cleanup_json_ json_t *conflict = NULL;

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	cr_assert_not(lock_world_create("tool.lock", &b, NULL));
	lock_world_unlink("tool.lock", &a);
	cr_assert(lock_world_create("tool.lock", &c, NULL));
	conflict = last(&b);
	cr_expect_str_eq(text_at(json_object_get(conflict, "error"), "holder", "session"), "first");
}

Test(denial, of_a_lock_still_being_made_names_who_gets_it)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");
	struct actor c = lock_world_actor("c");
	uint32_t claim_a = lock_claim(lw.locks, &key, LOCK_IDIOM_CREATE, &a);
	uint32_t claim_b = lock_claim(lw.locks, &key, LOCK_IDIOM_CREATE, &b);
	struct stat st = lock_world_outsider_creates("tool.lock", NULL); /* B's call succeeds */
	_cleanup_json_ json_t *before = NULL;
	_cleanup_json_ json_t *after = NULL;

	lock_denied(lw.locks, &key, LOCK_IDIOM_CREATE, &c);
	before = last(&c);
	cr_expect_not_null(before);
	lock_claim_commit(lw.locks, claim_b, &st);
	lock_claim_abort(lw.locks, claim_a);
	after = last(&c);
	cr_expect_str_eq(text_at(json_object_get(after, "error"), "holder", "session"), "b");
}

Test(denial, of_a_lock_released_in_that_instant_is_still_told)
{
	struct actor a = lock_world_actor("a");
	struct actor b = lock_world_actor("b");
	_cleanup_json_ json_t *conflict = NULL;

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	/* B's open gave EEXIST; before that is told, A unlinks. */
	lock_world_unlink("tool.lock", &a);
	lock_denied(lw.locks, &key, LOCK_IDIOM_CREATE, &b);
	conflict = last(&b);
	cr_assert_not_null(conflict);
	cr_expect(json_object_get(conflict, "released_ms_ago"));
	cr_expect_eq(json_integer_value(
			     json_object_get(json_object_get(conflict, "error"), "retry_after_ms")),
		     50);
}

Test(denial, an_outsiders_file_holds_against_an_acquiring_call)
{
	struct actor b = lock_world_actor("b");
	_cleanup_json_ json_t *conflict = NULL;
	json_t *error;
	char text[16];

	snprintf(text, sizeof(text), "%d\n", getppid());
	lock_world_outsider_creates("tool.lock", text);
	cr_assert_not(lock_world_create("tool.lock", &b, NULL));
	conflict = last(&b);
	error = json_object_get(conflict, "error");
	cr_expect(json_is_true(json_object_get(json_object_get(error, "lock"), "external")));
	cr_expect_eq(json_integer_value(json_object_get(json_object_get(error, "holder"), "pid")),
		     getppid());
	cr_expect(
		strstr(json_string_value(json_object_get(error, "message")), "outside sessionfs"));
}

Test(denial, an_outsiders_file_is_probed_only_where_it_names_a_live_process)
{
	struct child child = child_start(0, NULL, NULL);
	struct actor b = lock_world_actor("b");
	_cleanup_json_ json_t *conflict = NULL;
	char text[16];

	lock_world_outsider_creates("empty.lock", NULL);
	look("empty.lock", &b);
	cr_expect_null(last(&b));

	snprintf(text, sizeof(text), "%d\n", child.pid);
	lock_world_outsider_creates("tool.pid", text);
	look("tool.pid", &b);
	conflict = last(&b);
	cr_expect_str_eq(kind_of(conflict), "probe");
	child_end(&child);

	lock_world_outsider_creates("dead.pid", text);
	look("dead.pid", &b);
	json_decref(conflict);
	conflict = last(&b);
	cr_expect_str_eq(text_at(json_object_get(conflict, "error"), "lock", "path"),
			 "/lower/tool.pid");
}

static const char *path_of_last(const struct actor *actor)
{
	static char path[64];
	_cleanup_json_ json_t *conflict = last(actor);
	const char *text = text_at(json_object_get(conflict, "error"), "lock", "path");

	snprintf(path, sizeof(path), "%s", text ? text : "none");
	return path;
}

Test(denial, what_a_run_met_is_its_sessions_too)
{
	struct child child, later_child;
	struct actor a = lock_world_actor("a"), b = lock_world_actor("b");
	struct actor run = lock_world_run("b", &child), later = lock_world_run("b", &later_child);

	cr_assert(lock_world_create("tool.lock", &a, NULL));
	cr_assert(lock_world_create("other.lock", &a, NULL));
	cr_assert_not(lock_world_create("tool.lock", &run, NULL));
	cr_expect_str_eq(path_of_last(&run), "/lower/tool.lock");
	lock_world_end_run(&run, &child);
	/* Its own failures are explained by its own conflicts alone. */
	cr_expect_null(lock_conflict_of_run(lw.locks, run.run, 0));
	cr_expect_null(lock_conflict_of_run(lw.locks, later.run, 0));
	cr_expect_str_eq(path_of_last(&b), "/lower/tool.lock");
	cr_expect_str_eq(path_of_last(&later), "/lower/tool.lock");
	cr_expect_str_eq(path_of_last(&a), "none");

	/* The latest of the session's, and before that a run's own. */
	cr_assert_not(lock_world_create("other.lock", &b, NULL));
	cr_expect_str_eq(path_of_last(&b), "/lower/other.lock");
	cr_assert_not(lock_world_create("tool.lock", &later, NULL));
	cr_assert_not(lock_world_create("other.lock", &b, NULL));
	cr_expect_str_eq(path_of_last(&later), "/lower/tool.lock");
	lock_world_end_run(&later, &later_child);
	cr_expect_str_eq(path_of_last(&b), "/lower/other.lock");
}
