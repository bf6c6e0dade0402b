/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "lock/answer.h"
#include "lock/facts.h"
#include "support/lock_world.h"

static struct lock_record record;
static struct facts_moment moment;

static void set_up(void)
{
	record = (struct lock_record){
		.idiom = LOCK_IDIOM_CREATE,
		.uid = 1000,
		.creator = {.pid = 1234},
		.token = 42,
		.acquired_boot_ns = 1000000000,
		.acquired_real_ns = 1795456800123000000,
		.session_id = "build-1",
		.run_id = "r-7f3a",
		.comm = "tool",
		.command = "tool\0--password\0hunter2\0",
		.cwd = "/work",
		.path = "tool.lock",
	};
	moment = (struct facts_moment){
		.now_boot_ns = 31012000000, .waiters = 1, .retry_after_ms = 5000, .alive = true};
}

TestSuite(answer, .init = set_up);

/* The answer on one line. */
static void render(uid_t viewer, bool for_error, struct buf *ret)
{
	struct lock_facts *facts = facts_new(&record, "/tmp", &moment);
	json_t *json = facts_render(facts, "ci-3", viewer, for_error);

	json_render_line(json, ret);
	json_decref(json);
	free(facts);
}

static const char *text_of(uid_t viewer, const char *key, struct buf *ret)
{
	struct lock_facts *facts = facts_new(&record, "/tmp", &moment);
	json_t *json = facts_render(facts, "ci-3", viewer, false);

	buf_add_str(ret, json_string_value(json_object_get(json, key)));
	json_decref(json);
	free(facts);
	return ret->data;
}

Test(answer, is_what_the_contract_shows)
{
	_cleanup_buf_ struct buf buf = {0};

	render(0, false, &buf);
	cr_expect_str_eq(
		buf.data,
		"{\"code\":\"LOCK_HELD\","
		"\"message\":\"/tmp/tool.lock is held by tool (pid 1234, session build-1, started "
		"30s ago)\","
		"\"suggestion\":\"Wait and retry: sessionfs wait /tmp/tool.lock --timeout 30s\","
		"\"retryable\":true,\"retry_after_ms\":5000,"
		"\"lock\":{\"path\":\"/tmp/tool.lock\",\"idiom\":\"create\",\"state\":\"held\","
		"\"fencing_token\":42,\"acquired_at\":\"2026-11-23T18:00:00.123Z\","
		"\"held_ms\":30012,\"waiters\":1,\"external\":false},"
		"\"holder\":{\"session\":\"build-1\",\"run\":\"r-7f3a\",\"pid\":1234,\"uid\":1000,"
		"\"alive\":true,\"host\":\"ci-3\","
		"\"command\":[\"tool\",\"--password\",\"[redacted]\"],\"cwd\":\"/work\","
		"\"trusted\":false}}\n",
		"%s", buf.data);
}

static void render_wait(enum lock_denial denial, const char *expected)
{
	struct lock_facts *facts = facts_new(&record, "/tmp", &moment);
	_cleanup_buf_ struct buf buf = {0};
	json_t *json;

	facts->wait = (struct lock_wait){.denial = denial, .waited_ms = 1500};
	json = facts_render(facts, "ci-3", 0, true);
	json_render_line(json, &buf);
	cr_expect(strstr(buf.data, expected), "%s", buf.data);
	json_decref(json);
	free(facts);
}

Test(answer, an_error_says_how_long_was_waited_where_somebody_did)
{
	render_wait(LOCK_DENIAL_HELD, "\"reason\":\"held\",\"exit_code\"");
	render_wait(LOCK_DENIAL_TIMEOUT, "\"reason\":\"timeout\",\"waited_ms\":1500,");
	render_wait(LOCK_DENIAL_DEADLOCK, "\"reason\":\"deadlock\",\"waited_ms\":1500,");
}

Test(answer, an_error_has_its_reason_and_exit_code_after_the_code)
{
	_cleanup_buf_ struct buf buf = {0};

	render(0, true, &buf);
	cr_expect(strstr(buf.data, "{\"code\":\"LOCK_HELD\",\"reason\":\"held\",\"exit_code\":4,"
				   "\"message\""),
		  "%s", buf.data);
}

Test(answer, command_and_directory_are_for_the_holders_uid_and_root)
{
	_cleanup_buf_ struct buf stranger = {0};
	_cleanup_buf_ struct buf owner = {0};

	render(1001, false, &stranger);
	cr_expect_null(strstr(stranger.data, "command"), "%s", stranger.data);
	cr_expect_null(strstr(stranger.data, "cwd"), "%s", stranger.data);
	cr_expect(strstr(stranger.data, "\"trusted\":false"), "%s", stranger.data);
	render(1000, false, &owner);
	cr_expect(strstr(owner.data, "\"cwd\":\"/work\""), "%s", owner.data);
}

Test(answer, a_stale_lock_may_be_freed_at_once)
{
	_cleanup_buf_ struct buf buf = {0};
	_cleanup_buf_ struct buf suggestion = {0};

	record.flags = LOCK_STALE;
	render(0, false, &buf);
	cr_expect(strstr(buf.data, "\"retry_after_ms\":0"), "%s", buf.data);
	cr_expect(strstr(buf.data, "\"state\":\"stale\""), "%s", buf.data);
	cr_expect(strstr(text_of(0, "suggestion", &suggestion), "sessionfs unlock /tmp/tool.lock"));
}

Test(answer, a_live_lock_is_never_suggested_to_be_freed)
{
	_cleanup_buf_ struct buf suggestion = {0};

	cr_expect_null(strstr(text_of(0, "suggestion", &suggestion), "unlock"));
}

Test(answer, the_path_is_quoted_in_a_command_and_harmless_in_a_message)
{
	_cleanup_buf_ struct buf suggestion = {0};
	_cleanup_buf_ struct buf message = {0};

	strcpy(record.path, "a b$(x).lock");
	cr_expect(strstr(text_of(0, "suggestion", &suggestion),
			 "sessionfs wait '/tmp/a b$(x).lock' --timeout"),
		  "%s", suggestion.data);
	strcpy(record.path, "a\033[2Jb.lock");
	cr_expect(strstr(text_of(0, "message", &message), "/tmp/a?[2Jb.lock is held"), "%s",
		  message.data);
}

Test(answer, a_process_name_cannot_act_on_a_terminal)
{
	_cleanup_buf_ struct buf message = {0};

	strcpy(record.comm, "x\033]0;y\a");
	cr_expect(strstr(text_of(0, "message", &message), "held by x?]0;y? (pid"), "%s",
		  message.data);
}

Test(answer, bytes_that_are_no_text_come_in_base64)
{
	_cleanup_buf_ struct buf buf = {0};

	strcpy(record.path, "\xff.lock");
	render(0, false, &buf);
	cr_expect(strstr(buf.data, "\"path_b64\":\"L3RtcC//LmxvY2s=\""), "%s", buf.data);
}

Test(answer, an_outsiders_lock_names_nobody_it_does_not_know)
{
	_cleanup_buf_ struct buf buf = {0};

	record = (struct lock_record){.idiom = LOCK_IDIOM_CREATE,
				      .flags = LOCK_EXTERNAL,
				      .acquired_boot_ns = 1000000000,
				      .path = "tool.lock"};
	render(0, false, &buf);
	cr_expect(strstr(buf.data, "held by a process (outside sessionfs, started 30s ago)"), "%s",
		  buf.data);
	cr_expect(strstr(buf.data, "\"fencing_token\":null"), "%s", buf.data);
	cr_expect(strstr(buf.data, "{\"session\":null,\"run\":null,\"pid\":null"), "%s", buf.data);
	cr_expect(strstr(buf.data, "\"external\":true"), "%s", buf.data);
}

TestSuite(answer_of_table, .init = lock_world_make, .fini = lock_world_free, .timeout = 30);

Test(answer_of_table, only_of_what_is_held)
{
	struct actor a = lock_world_actor("a");
	struct lock_key key = lock_world_key("d.lock");
	_cleanup_json_ json_t *answer = NULL;
	char path[64], tiny[4];
	uint32_t lock;

	cr_assert(lock_world_create("d.lock", &a, NULL));
	lock = locks_find(lw.locks, &key);
	answer = lock_answer(lw.locks, lock, 0);
	cr_assert_not_null(answer);
	cr_expect(json_is_true(json_object_get(json_object_get(answer, "holder"), "alive")));
	cr_expect_eq(lock_host_path(lw.locks, lock, path, sizeof(path)), 0);
	cr_expect_str_eq(path, "/lower/d.lock");
	cr_expect_eq(lock_host_path(lw.locks, lock, tiny, sizeof(tiny)), -ENAMETOOLONG);
	lock_world_unlink("d.lock", &a);
	cr_expect_null(lock_answer(lw.locks, lock, 0));
	cr_expect_null(lock_answer(lw.locks, 0, 0));
	cr_expect_null(lock_answer(lw.locks, LOCK_WORLD_LOCKS + 1, 0));
}

Test(answer_of_table, the_estimate_comes_from_earlier_holds_of_that_lock)
{
	struct actor a = lock_world_actor("a");
	struct lock_key key = lock_world_key("d.lock");
	_cleanup_json_ json_t *answer = NULL;

	cr_assert(lock_world_create("d.lock", &a, NULL));
	usleep(200000);
	lock_world_unlink("d.lock", &a);
	cr_assert(lock_world_create("d.lock", &a, NULL));
	answer = lock_answer(lw.locks, locks_find(lw.locks, &key), 0);
	cr_expect_lt(json_integer_value(json_object_get(answer, "retry_after_ms")), 5000);
	/* Kept over a remount. */
	lock_world_restart();
	json_decref(answer);
	answer = lock_answer(lw.locks, locks_find(lw.locks, &key), 0);
	cr_expect_lt(json_integer_value(json_object_get(answer, "retry_after_ms")), 5000);
}
