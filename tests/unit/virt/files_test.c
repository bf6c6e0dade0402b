/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/instance.h"

#define ALICE 1000
#define BOB 1001

static char *const in_agent[] = {"AGENT_SESSION_ID=agent-7", NULL};

static void setup(void)
{
	instance_make("/tmp", "/var/tmp");
}

TestSuite(files, .init = setup, .fini = instance_free);

static const char *text(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static void expect_link(const char *path, pid_t tid, uid_t uid, const char *wanted)
{
	_cleanup_buf_ struct buf target = {0};

	cr_assert_eq(virt_readlink(&instance, path, tid, uid, uid, &target), 0);
	cr_assert(strcmp(target.data, wanted) == 0, "%s", target.data);
}

Test(files, a_magic_link_leads_into_the_session_of_who_reads_and_makes_it)
{
	struct child child = child_start(0, in_agent, NULL);

	expect_link("tmp", child.pid, ALICE, "sessions/1000/agent-7/tmp");
	expect_link("var/tmp", child.pid, BOB, "../sessions/1001/agent-7/var/tmp");
	expect_link("self", child.pid, ALICE, "sessions/1000/agent-7");
	cr_assert_eq(registry_count(instance.registry), 2);
	child_end(&child);
}

Test(files, a_magic_link_says_that_it_made_a_session_once)
{
	struct child child = child_start(0, in_agent, NULL);
	_cleanup_buf_ struct buf lines = {0};
	uint64_t sequence = 0;

	expect_link("self", child.pid, ALICE, "sessions/1000/agent-7");
	expect_link("self", child.pid, ALICE, "sessions/1000/agent-7");
	events_read(instance.events, ALICE, &sequence, &lines);
	cr_assert(strstr(lines.data, "\"session_created\""));
	cr_assert_eq(sequence, 1);
	child_end(&child);
}

Test(files, a_magic_link_in_a_run_leads_into_the_run_s_session)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, in_agent, NULL);
	uint32_t session = instance_session(ALICE, "build-1"), run;
	struct err err;

	cr_assert_eq(runs_begin(instance.runs, session, ALICE, child.pid, "tool", 5, "/", &run,
				&err),
		     0, "%s", err.message);
	expect_link("tmp", child.pid, ALICE, "sessions/1000/build-1/tmp");
	child_end(&child);
	runs_close(instance.runs, run);
}

Test(files, a_magic_link_fails_plainly_where_it_cannot_lead)
{
	struct child child = child_start(0, in_agent, NULL);
	_cleanup_buf_ struct buf target = {0};
	char id[] = "s0";

	cr_assert_eq(virt_readlink(&instance, "tmp", 0, ALICE, ALICE, &target), -ESRCH);
	for (; id[1] < '0' + WORLD_MAX_SESSIONS; id[1]++)
		instance_session(ALICE, id);
	cr_assert_eq(virt_readlink(&instance, "tmp", child.pid, ALICE, ALICE, &target), -ENOSPC);
	cr_assert_eq(virt_readlink(&instance, "ctl", child.pid, ALICE, ALICE, &target), -ENOENT);
	child_end(&child);
}

Test(files, whoami_names_session_rule_and_run)
{
	struct child child = child_start(0, in_agent, NULL);
	json_t *json = instance_json("whoami.json", child.pid, ALICE);

	cr_assert_str_eq(text(json, "session"), "agent-7");
	cr_assert_str_eq(text(json, "identified_by"), "environment:AGENT_SESSION_ID");
	cr_assert(json_is_null(json_object_get(json, "run")));
	cr_assert(json_is_null(json_object_get(json, "view")));
	cr_assert_eq(json_integer_value(json_object_get(json, "uid")), ALICE);
	cr_assert_eq(json_integer_value(json_object_get(json, "pid")), child.pid);
	json_decref(json);
	cr_assert_eq(registry_count(instance.registry), 0);

	instance_session(ALICE, "agent-7");
	json = instance_json("whoami.json", child.pid, ALICE);
	cr_assert_str_eq(text(json, "view"), INSTANCE_MOUNTPOINT "/sessions/1000/agent-7");
	json_decref(json);
	child_end(&child);
}

Test(files, whoami_of_somebody_unknown_is_null)
{
	json_t *json = instance_json("whoami.json", 0, ALICE);

	cr_assert(json_is_null(json_object_get(json, "session")));
	cr_assert(json_is_null(json_object_get(json, "identified_by")));
	json_decref(json);
}

Test(files, keys_come_in_a_fixed_order)
{
	static const char *const wanted[] = {
		"\"version\"",      "\"mountpoint\"",      "\"store\"",     "\"supervisor_pid\"",
		"\"worker_pid\"",   "\"worker_restarts\"", "\"uptime_ms\"", "\"passthrough\"",
		"\"degraded\"",     "\"shares\"",          "\"sessions\"",  "\"runs\"",
		"\"locks\"",        "\"waiters\"",         "\"nodes\"",     "\"open_handles\"",
		"\"memory_bytes\"", "\"store_bytes\""};
	_cleanup_buf_ struct buf status = {0};
	const char *at;

	cr_assert_eq(virt_render(&instance, "status.json", getpid(), ALICE, ALICE, &status), 0);
	at = status.data;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		/* Of the whole object, not of a share in it. */
		_cleanup_buf_ struct buf key = {0};

		buf_add_format(&key, "\n  %s:", wanted[i]);
		at = strstr(at, key.data);
		cr_assert(at, "%s is not in its place", wanted[i]);
	}
}

Test(files, status_counts_and_tells_what_is_missing)
{
	json_t *json, *degraded;

	instance_session(ALICE, "a");
	instance.kernel_minor = 39;
	instance.passthrough_why = "--no-passthrough";
	json = instance_json("status.json", getpid(), BOB);
	degraded = json_object_get(json, "degraded");
	cr_assert_eq(json_integer_value(json_object_get(json, "sessions")), 1);
	cr_assert_eq(json_integer_value(json_object_get(json, "nodes")), 7);
	cr_assert_eq(json_integer_value(json_object_get(json, "open_handles")), 3);
	cr_assert_gt(json_integer_value(json_object_get(json, "memory_bytes")), 0);
	cr_assert_geq(json_array_size(degraded), 3);
	cr_assert_str_eq(text(json_array_get(degraded, 0), "feature"), "passthrough");
	cr_assert_str_eq(text(json_array_get(degraded, 0), "reason"), "--no-passthrough");
	cr_assert_str_eq(text(json_array_get(degraded, 1), "feature"), "worker-recovery");
	cr_assert_str_eq(text(json_array_get(degraded, 2), "feature"), "commit-invalidation");
	json_decref(json);

	instance.kernel_minor = 44;
	instance.passthrough = true;
	json = instance_json("status.json", getpid(), BOB);
	for (size_t i = 0; (degraded = json_array_get(json_object_get(json, "degraded"), i)); i++)
		cr_assert_str_eq(text(degraded, "feature"), "overlay-attributes");
	json_decref(json);
}

Test(files, the_store_s_size_follows_what_sessions_write)
{
	uint32_t session = instance_session(ALICE, "a");
	char block[65536] = {1};
	int upper, work, fd;
	json_t *json;

	cr_assert_eq(registry_open_upper(instance.registry, session, 0, &upper, &work), 0);
	fd = openat(upper, "file", O_WRONLY | O_CREAT, 0600);
	cr_assert_eq(write(fd, block, sizeof(block)), sizeof(block));
	cr_assert_eq(fsync(fd), 0);
	close(fd);
	close(upper);
	close(work);
	json = instance_json("status.json", getpid(), ALICE);
	cr_assert_geq(json_integer_value(json_object_get(json, "store_bytes")), sizeof(block));
	cr_assert(json_is_true(json_object_get(json, "store_bytes_exact")));
	json_decref(json);
}

Test(files, metrics_are_complete_openmetrics)
{
	_cleanup_buf_ struct buf metrics = {0};
	const char *end = "# EOF\n";

	instance_session(ALICE, "a");
	cr_assert_eq(virt_render(&instance, "metrics", getpid(), ALICE, ALICE, &metrics), 0);
	cr_assert(strstr(metrics.data, "\nsessionfs_sessions 1\n"));
	cr_assert(strstr(metrics.data, "\n# TYPE sessionfs_events counter\n"));
	cr_assert(strstr(metrics.data, "\nsessionfs_events_total 0\n"));
	cr_assert(strstr(metrics.data, "\n# UNIT sessionfs_uptime_seconds seconds\n"));
	cr_assert_str_eq(metrics.data + metrics.len - strlen(end), end);
	for (char *line = strtok(metrics.data, "\n"); line; line = strtok(NULL, "\n"))
		cr_assert(strncmp(line, "# ", 2) == 0 || strncmp(line, "sessionfs_", 10) == 0);
}

Test(files, sessions_are_listed_with_their_runs_and_without_secrets)
{
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	static const char command[] = "tool\0--password=hunter2\0";
	uint32_t session = instance_session(ALICE, "b"), run;
	json_t *json, *list, *item;
	struct err err;

	instance_session(ALICE, "a");
	instance_session(BOB, "a");
	cr_assert_eq(runs_begin(instance.runs, session, ALICE, child.pid, command,
				sizeof(command) - 1, "/work", &run, &err),
		     0, "%s", err.message);
	json = instance_json("sessions.json", getpid(), ALICE);
	list = json_object_get(json, "sessions");
	cr_assert_eq(json_array_size(list), 2);
	cr_assert_str_eq(text(json_array_get(list, 0), "session"), "a");
	cr_assert_str_eq(text(json_array_get(list, 1), "session"), "b");
	cr_assert_eq(json_array_size(json_object_get(json_array_get(list, 0), "runs")), 0);
	item = json_array_get(json_object_get(json_array_get(list, 1), "runs"), 0);
	cr_assert_str_eq(text(item, "run"), runs_at(instance.runs, run)->id);
	cr_assert_str_eq(text(item, "cwd"), "/work");
	item = json_object_get(item, "command");
	cr_assert_str_eq(json_string_value(json_array_get(item, 0)), "tool");
	cr_assert_null(strstr(json_string_value(json_array_get(item, 1)), "hunter2"));
	json_decref(json);
	json = instance_json("sessions.json", getpid(), 0);
	cr_assert_eq(json_array_size(json_object_get(json, "sessions")), 3);
	json_decref(json);
	child_end(&child);
	runs_close(instance.runs, run);
}

Test(files, the_last_conflict_is_the_caller_s)
{
	struct child child = child_start(0, in_agent, NULL);
	uint32_t session = instance_session(ALICE, "agent-7");
	const struct lock_key key = {.share = 0, .path = "tool.lock"};
	struct actor actor;
	json_t *json = instance_json("last-conflict.json", child.pid, ALICE);

	cr_assert_eq(json_object_size(json), 0);
	json_decref(json);

	instance_lock(0, 0, "tool.lock", instance_session(BOB, "holder"), 0);
	cr_assert_eq(identity_of(instance.identity, child.pid, ALICE, ALICE, &actor), 0);
	cr_assert_eq(actor.session, session);
	lock_denied(instance.locks, &key, LOCK_IDIOM_CREATE, &actor);
	json = instance_json("last-conflict.json", child.pid, ALICE);
	cr_assert_str_eq(text(json, "code"), "LOCK_HELD");
	cr_assert_str_eq(text(json_object_get(json, "lock"), "path"), "/tmp/tool.lock");
	json_decref(json);
	child_end(&child);
}

Test(files, nothing_else_can_be_rendered)
{
	_cleanup_buf_ struct buf text_of = {0};

	cr_assert_eq(virt_render(&instance, "ctl", 1, 0, 0, &text_of), -ENOENT);
	cr_assert_eq(virt_render(&instance, "events", 1, 0, 0, &text_of), -ENOENT);
	cr_assert_eq(virt_render(&instance, "", 1, 0, 0, &text_of), -ENOENT);
	cr_assert_eq(virt_render(&instance, "status.json/x", 1, 0, 0, &text_of), -ENOENT);
}
