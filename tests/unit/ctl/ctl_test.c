/* SPDX-License-Identifier: MIT */
/* The conversation, and what every request has in common. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

TestSuite(ctl, .init = setup, .fini = teardown);

static ssize_t read_some(uid_t uid, void *data, size_t size)
{
	uint64_t deadline;

	return ctl_read(ctl, getpid(), uid, uid, data, size, &deadline);
}

static void expect_refused(const char *request, const char *message)
{
	json_t *json = ask(0, request);

	cr_assert(strcmp(code_of(json), "VALIDATION_ERROR") == 0, "%s", request);
	cr_assert(strstr(text_at(json, "error.message"), message), "%s: %s", request,
		  text_at(json, "error.message"));
	cr_assert_eq(json_integer_value(at(json, "error.exit_code")), 2);
	cr_assert(json_is_null(at(json, "data")));
	json_decref(json);
}

Test(ctl, reading_before_anything_was_written_is_the_end_of_the_file)
{
	char byte;

	cr_assert_eq(read_some(0, &byte, 1), 0);
}

Test(ctl, an_answer_has_all_keys)
{
	json_t *json = ask_on(ctl, getpid(), 0, "{\"op\": \"sessions\"}");

	cr_assert(json_is_true(at(json, "ok")));
	cr_assert(json_is_null(at(json, "error")));
	cr_assert_eq(json_array_size(at(json, "warnings")), 0);
	cr_assert(json_is_integer(at(json, "meta.duration_ms")));
	cr_assert_str_eq(text_at(json, "meta.schema_version"), "1.0");
	cr_assert_str_eq(text_at(json, "meta.tool_version"), SESSIONFS_VERSION);
	cr_assert_eq(strncmp(text_at(json, "meta.request_id"), "c-", 2), 0);
	cr_assert(json_is_null(at(json, "meta.session")));
	cr_assert_str_eq(text_at(json, "meta.exit_source"), "sessionfs");
	json_decref(json);
}

Test(ctl, a_request_may_come_and_an_answer_go_in_pieces)
{
	const char *request = "{\"op\": \"whoami\"}";
	_cleanup_buf_ struct buf answer = {0};
	char byte;

	for (const char *c = request; *c; c++)
		cr_assert_eq(ctl_write(ctl, c, 1), 1);
	while (read_some(ALICE, &byte, 1) == 1)
		buf_add(&answer, &byte, 1);
	cr_assert(strstr(answer.data, "\"ok\":true"));
	cr_assert_eq(answer.data[answer.len - 1], '\n');
	cr_assert_eq(read_some(ALICE, &byte, 1), 0);
}

Test(ctl, requests_follow_one_another_on_one_descriptor)
{
	json_t *first = ask_on(ctl, getpid(), 0, "{\"op\": \"sessions\"}");
	json_t *second = ask_on(ctl, getpid(), 0, "{\"op\": \"locks\"}");

	cr_assert(at(first, "data.sessions"));
	cr_assert(at(second, "data.locks"));
	cr_assert_str_neq(text_at(first, "meta.request_id"), text_at(second, "meta.request_id"));
	json_decref(first);
	json_decref(second);
}

Test(ctl, a_write_after_half_an_answer_starts_the_next_request)
{
	char some[10];
	json_t *json;

	cr_assert_eq(ctl_write(ctl, "{\"op\":\"status\"}", 15), 15);
	cr_assert_eq(read_some(0, some, sizeof(some)), sizeof(some));
	json = ask_on(ctl, getpid(), 0, "{\"op\": \"locks\"}");
	cr_assert(at(json, "data.locks"));
	json_decref(json);
}

Test(ctl, a_request_over_the_limit_is_refused)
{
	size_t size = CTL_REQUEST_MAX;
	char *spaces = malloc(size);

	memset(spaces, ' ', size);
	cr_assert_eq(ctl_write(ctl, spaces, size - 1), (ssize_t)size - 1);
	cr_assert_eq(ctl_write(ctl, spaces, 2), -EFBIG);
	cr_assert_eq(ctl_write(ctl, spaces, 1), 1);
	free(spaces);
}

Test(ctl, what_is_no_json_is_told_by_line_and_column)
{
	expect_refused("{\"op\":\n \"status\",}", "line 2, column");
	expect_refused("{\"op\": \"status\"} x", "line 1, column");
	expect_refused("{\"op\": \"status\", \"op\": \"locks\"}", "line 1, column");
	expect_refused("[]", "not a JSON object");
	expect_refused(" ", "line");
}

Test(ctl, members_are_checked_by_name)
{
	expect_refused("{}", "\"op\"");
	expect_refused("{\"op\": 1}", "\"op\"");
	expect_refused("{\"op\": \"sessoin.show\"}", "unknown op \"sessoin.show\"");
	expect_refused("{\"op\": \"status\", \"verbose\": true}", "unknown member \"verbose\"");
	expect_refused("{\"op\": \"session.show\"}", "\"session\" (a string) is missing");
	expect_refused("{\"op\": \"session.show\", \"session\": 1}", "must be a string");
	expect_refused("{\"op\": \"session.remove\", \"sessions\": [\"a\", 1]}",
		       "must be an array of strings");
	expect_refused("{\"op\": \"events\", \"after\": -1}", "must be an integer");
	expect_refused("{\"op\": \"events\", \"after\": 1.5}", "must be an integer");
	expect_refused("{\"op\": \"umount.check\", \"force\": \"yes\"}", "must be true or false");
	expect_refused("{\"op\": \"umount.check\", \"force\": null}", "must be true or false");
}

Test(ctl, text_of_the_caller_does_not_reach_a_terminal_raw)
{
	json_t *json = ask(0, "{\"op\": \"\\u001b[2Jx\"}");

	cr_assert_null(strchr(text_at(json, "error.message"), '\033'));
	json_decref(json);
}

Test(ctl, nobody_but_who_opened_it_gets_an_answer)
{
	json_t *json;

	instance_session(ALICE, "a");
	ctl_set_owner(ctl, ALICE);
	/* As a set-uid program would that was given the descriptor as its input. */
	json = ask_on(ctl, getpid(), 0, "{\"op\": \"session.remove\", \"sessions\": [\"1000/a\"]}");
	cr_assert_str_eq(code_of(json), "PERMISSION_DENIED");
	json_decref(json);
	cr_assert_eq(registry_count(instance.registry), 1);
	json = ask_on(ctl, getpid(), ALICE, "{\"op\": \"session.remove\", \"sessions\": [\"a\"]}");
	cr_assert_str_eq(code_of(json), "");
	json_decref(json);
}

Test(ctl, events_go_on_where_the_last_answer_ended)
{
	json_t *json = ask(ALICE, "{\"op\": \"session.create\", \"session\": \"a\"}");
	char request[64];

	json_decref(json);
	json = ask(ALICE, "{\"op\": \"events\"}");
	cr_assert_eq(json_array_size(at(json, "data.events")), 1);
	cr_assert_str_eq(text_at(json, "data.events.0.type"), "session_created");
	snprintf(request, sizeof(request), "{\"op\": \"events\", \"after\": %lld}",
		 (long long)json_integer_value(at(json, "data.next")));
	json_decref(json);
	json = ask(ALICE, request);
	cr_assert_eq(json_array_size(at(json, "data.events")), 0);
	json_decref(json);
	json = ask(BOB, "{\"op\": \"events\"}");
	cr_assert_eq(json_array_size(at(json, "data.events")), 0);
	json_decref(json);
}

Test(ctl, unmounting_is_for_root_and_refused_while_runs_live)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	uint32_t session = instance_session(ALICE, "a"), run;
	struct err err;
	json_t *json = ask(ALICE, "{\"op\": \"umount.check\"}");

	cr_assert_str_eq(code_of(json), "PERMISSION_DENIED");
	json_decref(json);
	json = ask(0, "{\"op\": \"umount.check\"}");
	cr_assert_eq(json_array_size(at(json, "data.runs")), 0);
	json_decref(json);
	cr_assert_eq(runs_begin(instance.runs, session, ALICE, child.pid, "tool", 5, "/", &run,
				&err),
		     0);
	json = ask(0, "{\"op\": \"umount.check\"}");
	cr_assert_str_eq(code_of(json), "PRECONDITION_FAILED");
	cr_assert_eq(json_integer_value(at(json, "error.runs.0.pid")), child.pid);
	json_decref(json);
	json = ask(0, "{\"op\": \"umount.check\", \"force\": true}");
	cr_assert_eq(json_array_size(at(json, "data.runs")), 1);
	json_decref(json);
	child_end(&child);
	runs_close(instance.runs, run);
}
