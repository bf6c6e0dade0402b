/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "support/ask.h"

#define ALICE 1000
#define BOB 1001

static struct ctl *ctl;
static uint32_t session;

static void setup(void)
{
	instance_make("/tmp", "/var/tmp");
	ctl = ctl_new(&instance);
	session = instance_session(ALICE, "build-1");
}

static void teardown(void)
{
	ctl_free(ctl);
	instance_free();
}

TestSuite(locks, .init = setup, .fini = teardown);

static const struct lock_key key = {.share = 0, .path = "tool.lock"};

static void release(void)
{
	const struct actor actor = {.session = session, .pid = getpid(), .uid = ALICE};

	cr_assert_eq(unlinkat(world.shares[0].lower_fd, "tool.lock", 0), 0);
	lock_removed(instance.locks, &key, &actor);
}

static ssize_t look(uint64_t *ret_deadline)
{
	char some[16];

	return ctl_read(ctl, getpid(), ALICE, ALICE, some, sizeof(some), ret_deadline);
}

static void write_request(const char *request)
{
	cr_assert_eq(ctl_write(ctl, request, strlen(request)), (ssize_t)strlen(request));
}

Test(locks, are_listed_by_path_or_directory)
{
	json_t *json;

	instance_lock(0, 0, "tool.lock", session, 0);
	instance_lock(0, 0, "tool.lock2/x.lock", session, 0);
	instance_lock(1, 0, "a.lock", session, 0);
	json = ask(ALICE, "{\"op\": \"locks\"}");
	cr_assert_eq(json_array_size(at(json, "data.locks")), 3);
	cr_assert_str_eq(text_at(json, "data.locks.0.lock.path"), "/tmp/tool.lock");
	cr_assert_str_eq(text_at(json, "data.locks.2.lock.path"), "/var/tmp/a.lock");
	json_decref(json);
	json = ask(ALICE, "{\"op\": \"locks\", \"path\": \"/tmp/tool.lock\"}");
	cr_assert_eq(json_array_size(at(json, "data.locks")), 1);
	json_decref(json);
	json = ask(ALICE, "{\"op\": \"locks\", \"path\": \"/tmp\"}");
	cr_assert_eq(json_array_size(at(json, "data.locks")), 2);
	json_decref(json);
	/* A directory above shares is one; what is in none is no empty list. */
	json = ask(ALICE, "{\"op\": \"locks\", \"path\": \"/\"}");
	cr_assert_eq(json_array_size(at(json, "data.locks")), 3);
	json_decref(json);
	json = ask(ALICE, "{\"op\": \"locks\", \"path\": \"/var\"}");
	cr_assert_eq(json_array_size(at(json, "data.locks")), 1);
	json_decref(json);
	json = ask(ALICE, "{\"op\": \"locks\", \"path\": \"/nowhere/x.lock\"}");
	cr_assert_str_eq(text_at(json, "error.message"), "/nowhere/x.lock lies in no share");
	json_decref(json);

	json = ask(ALICE, "{\"op\": \"locks\", \"path\": \"tmp\"}");
	cr_assert_str_eq(code_of(json), "VALIDATION_ERROR");
	json_decref(json);
}

Test(locks, waiting_for_a_free_one_answers_at_once)
{
	json_t *json = ask(ALICE, "{\"op\": \"lock.wait\", \"path\": \"/tmp/tool.lock\"}");

	cr_assert(json_is_true(at(json, "data.free")));
	cr_assert_str_eq(text_at(json, "data.path"), "/tmp/tool.lock");
	json_decref(json);
}

Test(locks, a_wait_counts_as_waiter_and_ends_with_the_release)
{
	uint64_t deadline = 0, now = clock_boot_ns();

	instance_lock(0, 0, "tool.lock", session, 0);
	write_request("{\"op\": \"lock.wait\", \"path\": \"/tmp/tool.lock\"}");
	cr_assert_eq(look(&deadline), -EAGAIN);
	cr_assert_gt(deadline, now);
	cr_assert_eq(locks_waiters(instance.locks, &key), 1);
	cr_assert_eq(look(&deadline), -EAGAIN);
	cr_assert_eq(locks_waiters(instance.locks, &key), 1);
	release();
	cr_assert_gt(look(&deadline), 0);
	cr_assert_eq(locks_waiters(instance.locks, &key), 0);
}

Test(locks, a_wait_without_time_says_who_holds)
{
	json_t *json;

	instance_lock(0, 0, "tool.lock", session, 0);
	json = ask(ALICE,
		   "{\"op\": \"lock.wait\", \"path\": \"/tmp/tool.lock\", \"timeout_ms\": 0}");
	cr_assert_str_eq(code_of(json), "TIMEOUT");
	cr_assert_eq(json_integer_value(at(json, "error.exit_code")), 10);
	cr_assert_str_eq(text_at(json, "error.lock.path"), "/tmp/tool.lock");
	cr_assert_str_eq(text_at(json, "error.holder.session"), "build-1");
	cr_assert(json_is_true(at(json, "error.retryable")));
	cr_assert_gt(json_integer_value(at(json, "error.retry_after_ms")), 0);
	cr_assert_eq(locks_waiters(instance.locks, &key), 0);
	json_decref(json);
}

Test(locks, a_wait_ends_with_its_time)
{
	uint64_t deadline = 0, started = clock_boot_ns();
	ssize_t r;

	instance_lock(0, 0, "tool.lock", session, 0);
	write_request("{\"op\": \"lock.wait\", \"path\": \"/tmp/tool.lock\", \"timeout_ms\": 30}");
	while ((r = look(&deadline)) == -EAGAIN) {
		uint64_t now = clock_boot_ns();

		/* As the daemon does: it sleeps until the deadline that it was given. */
		cr_assert_leq(deadline, clock_boot_ns() + 30 * NSEC_PER_MSEC);
		if (deadline > now)
			usleep((useconds_t)((deadline - now) / 1000 + 1));
	}
	cr_assert_gt(r, 0);
	cr_assert_geq(clock_boot_ns() - started, 30 * NSEC_PER_MSEC);
	cr_assert_eq(locks_waiters(instance.locks, &key), 0);
}

Test(locks, a_wait_that_is_given_up_waits_no_more)
{
	uint64_t deadline;
	json_t *json;

	instance_lock(0, 0, "tool.lock", session, 0);
	write_request("{\"op\": \"lock.wait\", \"path\": \"/tmp/tool.lock\"}");
	cr_assert_eq(look(&deadline), -EAGAIN);
	json = ask_on(ctl, getpid(), ALICE, "{\"op\": \"whoami\"}");
	cr_assert(at(json, "data.uid"));
	json_decref(json);
	cr_assert_eq(locks_waiters(instance.locks, &key), 0);
	write_request("{\"op\": \"lock.wait\", \"path\": \"/tmp/tool.lock\"}");
	cr_assert_eq(look(&deadline), -EAGAIN);
	ctl_free(ctl);
	ctl = NULL;
	cr_assert_eq(locks_waiters(instance.locks, &key), 0);
}

Test(locks, a_path_that_the_caller_cannot_reach_is_not_waited_for)
{
	json_t *json;

	instance_lock(0, 0, "private/tool.lock", session, 0);
	cr_assert_eq(fchmodat(world.shares[0].lower_fd, "private", 0700, 0), 0);
	json = ask(BOB, "{\"op\": \"lock.wait\", \"path\": \"/tmp/private/tool.lock\"}");
	cr_assert_str_eq(code_of(json), "PERMISSION_DENIED");
	json_decref(json);
	json = ask(BOB, "{\"op\": \"lock.wait\", \"path\": \"/etc/tool.lock\"}");
	cr_assert_str_eq(code_of(json), "VALIDATION_ERROR");
	json_decref(json);
}

Test(locks, one_private_to_the_caller_s_session_is_waited_for)
{
	char *const environment[] = {"AGENT_SESSION_ID=build-1", NULL};
	struct child child = child_start(0, environment, NULL);
	const struct lock_key own = {.share = 0, .session = session, .path = "mine/tool.lock"};
	const char *request = "{\"op\": \"lock.wait\", \"path\": \"/tmp/mine/tool.lock\"}";
	uint64_t deadline;
	char some[16];

	instance_lock(0, session, "mine/tool.lock", session, 0);
	write_request(request);
	cr_assert_eq(ctl_read(ctl, child.pid, ALICE, ALICE, some, sizeof(some), &deadline),
		     -EAGAIN);
	cr_assert_eq(locks_waiters(instance.locks, &own), 1);
	child_end(&child);
}

Test(locks, a_path_that_is_not_utf8_is_given_in_base64)
{
	json_t *json;

	instance_lock(0, 0, "\xff.lock", session, 0);
	/* "/tmp/\xff.lock" */
	json = ask(ALICE, "{\"op\": \"lock.wait\", \"path\": \"/tmp/x\", \"path_b64\": "
			  "\"L3RtcC//LmxvY2s=\", \"timeout_ms\": 0}");
	cr_assert_str_eq(code_of(json), "TIMEOUT");
	json_decref(json);
	json = ask(ALICE, "{\"op\": \"locks\", \"path_b64\": \"L3RtcC//LmxvY2s=\"}");
	cr_assert_eq(json_array_size(at(json, "data.locks")), 1);
	cr_assert_str_eq(text_at(json, "data.locks.0.lock.path_b64"), "L3RtcC//LmxvY2s=");
	json_decref(json);
}

Test(locks, what_is_no_base64_is_refused)
{
	static const char *const bad[] = {"7", "\"L3Rt*\"", "\"L3RtcAA=\"", "\"\"",
					  "[\"L3RtcA==\"]"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char request[128];
		json_t *json;

		snprintf(request, sizeof(request), "{\"op\": \"locks\", \"path_b64\": %s}", bad[i]);
		json = ask(ALICE, request);
		cr_assert_str_eq(code_of(json), "VALIDATION_ERROR", "%s", bad[i]);
		cr_assert(strstr(text_at(json, "error.message"), "path_b64"));
		json_decref(json);
	}
}
