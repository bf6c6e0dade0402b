/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/gate.h"
#include "support/ask.h"

#define ALICE 1000
#define BOB 1001

static struct ctl *ctl;

static void setup(void)
{
	instance_make("/tmp", "/var/tmp");
	ctl = ctl_new(&instance);
}

static void teardown(void)
{
	ctl_free(ctl);
	instance_free();
}

TestSuite(runs, .init = setup, .fini = teardown);

#define BEGIN "{\"op\": \"run.begin\", \"command\": [\"tool\", \"build\"], \"cwd\": \"/work\""

static json_t *begin(struct ctl *on, const struct child *child, uid_t uid, const char *more)
{
	char request[256];

	snprintf(request, sizeof(request), BEGIN "%s}", more);
	return ask_on(on, child->pid, uid, request);
}

static json_t *finish(const json_t *begun, uid_t uid, const char *more)
{
	char request[256];

	snprintf(request, sizeof(request), "{\"op\": \"run.finish\", \"run\": \"%s\"%s}",
		 text_at(begun, "data.run"), more);
	return ask(uid, request);
}

static void expect_code(const json_t *json, const char *code)
{
	cr_assert(strcmp(code_of(json), code) == 0, "%s: %s", code_of(json),
		  text_at(json, "error.message"));
}

Test(runs, begin_registers_the_caller_s_namespace_in_a_session)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	json_t *json = begin(ctl, &child, ALICE, ", \"session\": \"build-1\"");
	const struct run_record *run;

	expect_code(json, "");
	cr_assert_str_eq(text_at(json, "data.session"), "build-1");
	cr_assert_eq(json_integer_value(at(json, "data.uid")), ALICE);
	cr_assert(json_is_true(at(json, "data.created")));
	cr_assert(json_is_false(at(json, "data.ephemeral")));
	cr_assert_str_eq(text_at(json, "data.identified_by"), "option");
	cr_assert_str_eq(text_at(json, "data.shares.1.path"), "/var/tmp");
	cr_assert_str_eq(text_at(json, "data.shares.1.view"), "sessions/1000/build-1/var/tmp");
	cr_assert_str_eq(text_at(json, "data.shares.1.mode"), "overlay");
	cr_assert_str_eq(text_at(json, "data.shares.1.passthrough.0"), ".X11-unix");
	run = runs_at(instance.runs, ctl_run(ctl));
	cr_assert_str_eq(run->id, text_at(json, "data.run"));
	cr_assert_eq(run->leader.pid, child.pid);
	cr_assert_eq(memcmp(run->command, "tool\0build\0", 12), 0);
	cr_assert_str_eq(run->cwd, "/work");
	json_decref(json);
	child_end(&child);
}

Test(runs, own_globs_replace_the_sockets_that_are_passed_through)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	char glob[] = "my-*", *globs[] = {glob};
	json_t *json;

	world.shares[0].passthrough = (struct string_list){globs, 1};
	json = begin(ctl, &child, ALICE, "");
	cr_assert_eq(json_array_size(at(json, "data.shares.0.passthrough")), 1);
	cr_assert_str_eq(text_at(json, "data.shares.0.passthrough.0"), "my-*");
	json_decref(json);
	child_end(&child);
}

Test(runs, without_a_name_the_environment_decides)
{
	char *const environment[] = {"AGENT_SESSION_ID=agent-7", NULL};
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, environment, NULL);
	json_t *json = begin(ctl, &child, ALICE, "");

	cr_assert_str_eq(text_at(json, "data.session"), "agent-7");
	cr_assert_str_eq(text_at(json, "data.identified_by"), "environment:AGENT_SESSION_ID");
	cr_assert(json_is_false(at(json, "data.ephemeral")));
	json_decref(json);
	child_end(&child);
}

Test(runs, a_variable_that_holds_no_id_is_refused)
{
	char *const environment[] = {"TOOL_SESSION_ID=../x", "AGENT_SESSION_ID=ok", NULL};
	char *const behind[] = {"TOOL_SESSION_ID=ok", "AGENT_SESSION_ID=../x", NULL};
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, environment, NULL);
	struct child other = child_start(CHILD_MOUNT_NAMESPACE, behind, NULL);
	json_t *json = begin(ctl, &child, ALICE, "");

	expect_code(json, "VALIDATION_ERROR");
	cr_assert(strstr(text_at(json, "error.message"), "TOOL_SESSION_ID"));
	json_decref(json);
	cr_assert_eq(registry_count(instance.registry), 0);
	json = begin(ctl, &other, ALICE, "");
	cr_assert_str_eq(text_at(json, "data.session"), "ok");
	json_decref(json);
	child_end(&child);
	child_end(&other);
}

Test(runs, with_nothing_said_the_session_is_fresh_and_ephemeral)
{
	char *const environment[] = {"AGENT_SESSION_ID=agent-7", NULL};
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	struct child other = child_start(CHILD_MOUNT_NAMESPACE, environment, NULL);
	struct ctl *second = ctl_new(&instance);
	json_t *json = begin(ctl, &child, ALICE, "");

	cr_assert_str_eq(text_at(json, "data.identified_by"), "fresh");
	cr_assert(json_is_true(at(json, "data.ephemeral")));
	json_decref(json);
	json = begin(second, &other, ALICE, ", \"fresh\": true");
	cr_assert_str_eq(text_at(json, "data.identified_by"), "fresh");
	json_decref(json);
	child_end(&child);
	child_end(&other);
	ctl_free(second);
}

Test(runs, root_may_run_in_a_user_s_session_and_a_user_only_in_his_own)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	json_t *json = begin(ctl, &child, ALICE, ", \"session\": \"1001/a\"");

	expect_code(json, "PERMISSION_DENIED");
	json_decref(json);
	json = begin(ctl, &child, 0, ", \"session\": \"1001/a\"");
	expect_code(json, "");
	cr_assert_eq(json_integer_value(at(json, "data.uid")), BOB);
	cr_assert_str_eq(text_at(json, "data.shares.0.view"), "sessions/1001/a/tmp");
	json_decref(json);
	child_end(&child);
}

Test(runs, a_descriptor_begins_one_run)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	struct child other = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);

	json_decref(begin(ctl, &child, ALICE, ""));
	json_t *json = begin(ctl, &other, ALICE, "");

	expect_code(json, "PRECONDITION_FAILED");
	json_decref(json);
	cr_assert_eq(runs_count(instance.runs), 1);
	child_end(&child);
	child_end(&other);
}

Test(runs, a_run_that_cannot_begin_leaves_no_session_behind)
{
	struct child child = child_start(0, NULL, NULL);
	json_t *json = begin(ctl, &child, ALICE, "");

	/* It is in the daemon's own mount namespace. */
	expect_code(json, "PRECONDITION_FAILED");
	cr_assert_eq(registry_count(instance.registry), 0);
	json_decref(json);
	child_end(&child);
}

Test(runs, bad_members_are_refused)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	json_t *json = begin(ctl, &child, ALICE, ", \"on_exit\": \"explode\"");

	expect_code(json, "VALIDATION_ERROR");
	json_decref(json);
	json = ask_on(ctl, child.pid, ALICE, "{\"op\": \"run.begin\", \"command\": []}");
	expect_code(json, "VALIDATION_ERROR");
	json_decref(json);
	cr_assert_eq(registry_count(instance.registry), 0);
	child_end(&child);
}

static void begins_with(const char *more, uint64_t lock_timeout_ms)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	struct ctl *own = ctl_new(&instance);
	json_t *json = begin(own, &child, ALICE, more);

	cr_expect_eq(runs_at(instance.runs, ctl_run(own))->lock_timeout_ms, lock_timeout_ms);
	json_decref(json);
	child_end(&child);
	ctl_free(own);
}

Test(runs, have_a_lock_timeout_or_leave_it_to_the_rule)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	json_t *json = begin(ctl, &child, ALICE, ", \"lock_timeout_ms\": 86400001");

	expect_code(json, "VALIDATION_ERROR");
	json_decref(json);
	child_end(&child);
	begins_with("", RUN_LOCK_TIMEOUT_RULE);
	begins_with(", \"lock_timeout_ms\": 0", 0);
	begins_with(", \"lock_timeout_ms\": 86400000", 86400000);
}

Test(runs, reset_on_exit_is_refused_beside_another_run)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	struct child other = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	struct ctl *second = ctl_new(&instance);
	json_t *first = begin(ctl, &child, ALICE, ", \"session\": \"a\"");
	json_t *json = begin(second, &other, ALICE, ", \"session\": \"a\", \"on_exit\": \"reset\"");

	expect_code(json, "PRECONDITION_FAILED");
	cr_assert_str_eq(text_at(json, "error.runs.0.run"), text_at(first, "data.run"));
	json_decref(json);
	json = begin(second, &other, ALICE, ", \"session\": \"b\", \"on_exit\": \"reset\"");
	expect_code(json, "");
	json_decref(json);
	json_decref(first);
	child_end(&child);
	child_end(&other);
	ctl_free(second);
}

Test(runs, a_run_ends_with_its_descriptor)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	struct ctl *own = ctl_new(&instance);

	json_decref(begin(own, &child, ALICE, ""));
	child_end(&child);
	cr_assert_eq(runs_count(instance.runs), 1);
	ctl_free(own);
	cr_assert_eq(runs_count(instance.runs), 0);
}

Test(runs, finish_tells_what_is_left_and_kept)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	struct child left = child_start(0, NULL, &child);
	json_t *begun = begin(ctl, &child, ALICE, "");
	json_t *json = finish(begun, ALICE, "");

	expect_code(json, "");
	cr_assert(json_is_null(at(json, "data.conflict")));
	cr_assert_eq(json_array_size(at(json, "data.leftover")), 1);
	cr_assert_eq(json_integer_value(at(json, "data.leftover.0.pid")), left.pid);
	cr_assert_str_eq(text_at(json, "data.leftover.0.name"), "cat");
	cr_assert(json_is_false(at(json, "data.kept.changes")));
	cr_assert(json_is_true(at(json, "data.kept.ephemeral")));
	cr_assert_str_eq(text_at(json, "meta.session"), text_at(begun, "data.session"));
	json_decref(json);
	json = finish(begun, BOB, "");
	expect_code(json, "NOT_FOUND");
	json_decref(json);
	json_decref(begun);
	child_end(&left);
	child_end(&child);
}

Test(runs, finish_with_reset_drops_the_changes)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	json_t *begun = begin(ctl, &child, ALICE, ", \"session\": \"a\", \"on_exit\": \"reset\"");
	uint32_t session = registry_find(instance.registry, ALICE, "a");
	int upper, work;
	json_t *json;

	cr_assert_eq(registry_open_upper(instance.registry, session, 0, &upper, &work), 0);
	close(openat(upper, "x", O_WRONLY | O_CREAT, 0600));
	close(upper);
	close(work);
	json = finish(begun, ALICE, "");
	cr_assert(json_is_true(at(json, "data.kept.changes")));
	json_decref(json);
	json = finish(begun, ALICE, ", \"reset\": true");
	expect_code(json, "");
	cr_assert(json_is_false(at(json, "data.kept.changes")));
	cr_assert_eq(registry_has_changes(instance.registry, session), 0);
	json_decref(json);
	json_decref(begun);
	child_end(&child);
}

Test(runs, finish_names_the_conflict_of_a_command_that_failed)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	json_t *begun = begin(ctl, &child, ALICE, ", \"session\": \"a\"");
	const struct lock_key key = {.share = 0, .path = "tool.lock"};
	struct actor actor;
	json_t *json;

	instance_lock(0, 0, "tool.lock", instance_session(BOB, "holder"), 0);
	cr_assert_eq(identity_of(instance.identity, child.pid, ALICE, ALICE, &actor), 0);
	cr_assert_eq(actor.run, ctl_run(ctl));
	lock_denied(instance.locks, &key, LOCK_IDIOM_CREATE, &actor);
	json = finish(begun, ALICE, ", \"command_failed\": true");
	cr_assert_str_eq(text_at(json, "data.conflict.code"), "LOCK_HELD");
	cr_assert_str_eq(text_at(json, "data.conflict.reason"), "held");
	cr_assert_eq(json_integer_value(at(json, "data.conflict.exit_code")), 4);
	json_decref(json);
	json = finish(begun, ALICE, ", \"command_failed\": false");
	cr_assert(json_is_null(at(json, "data.conflict")));
	json_decref(json);
	json_decref(begun);
	child_end(&child);
}

Test(runs, none_begins_while_the_session_is_being_changed)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	uint32_t session = instance_session(ALICE, "a");
	struct gate_change change, second;
	json_t *json;

	cr_assert(gate_close(instance.runs, session, 0, &change));
	cr_assert_not(gate_close(instance.runs, session, 0, &second));
	json = begin(ctl, &child, ALICE, ", \"session\": \"a\"");
	expect_code(json, "PRECONDITION_FAILED");
	json_decref(json);
	gate_open(&change);
	json = begin(ctl, &child, ALICE, ", \"session\": \"a\"");
	expect_code(json, "");
	json_decref(json);
	cr_assert_not(gate_close(instance.runs, session, 0, &change));
	cr_assert(gate_close(instance.runs, session, 1, &change));
	gate_open(&change);
	child_end(&child);
}

Test(runs, end_by_the_leader_ends_the_run_before_it_answers)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	json_t *json = begin(ctl, &child, ALICE, ", \"session\": \"build-1\"");

	json_decref(json);
	cr_assert_eq(runs_count(instance.runs), 1);
	/* Anybody else who has got hold of the descriptor. */
	json = ask_on(ctl, getpid(), ALICE, "{\"op\": \"run.end\"}");
	expect_code(json, "PRECONDITION_FAILED");
	json_decref(json);
	json = ask_on(ctl, child.pid, ALICE, "{\"op\": \"run.end\"}");
	expect_code(json, "");
	json_decref(json);
	cr_assert_eq(runs_count(instance.runs), 0);
	cr_assert_eq(ctl_run(ctl), 0);
	json = ask_on(ctl, child.pid, ALICE, "{\"op\": \"run.end\"}");
	expect_code(json, "PRECONDITION_FAILED");
	json_decref(json);
	child_end(&child);
}
