/* SPDX-License-Identifier: MIT */
#include "session/identity.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session/posix_sessions.h"
#include "support/world.h"

#define UID 1000

static struct registry *registry;
static struct runs *runs;
static struct identity identity;
static struct actor actor;
static struct err err;

static void ended(uint32_t run, void *context)
{
	(void)run;
	(void)context;
}

static void set_up(void)
{
	world_make();
	cr_assert_eq(registry_new(world.sessions, world.store, &world.config, true, &registry), 0);
	cr_assert_eq(runs_new(world.runs, world.globals, ended, NULL, &runs), 0);
	identity = (struct identity){registry, runs, &world.config};
}

static void tear_down(void)
{
	runs_free(runs);
	registry_free(registry);
	world_free();
}

TestSuite(identity, .init = set_up, .fini = tear_down, .timeout = 60);

static uint32_t make_session(uid_t uid, const char *id)
{
	uint32_t session = 0;

	cr_assert_eq(registry_open(registry, uid, id, 0, &session, NULL, &err), 0);
	return session;
}

static void identify(const struct child *child)
{
	cr_assert_eq(identity_of(&identity, child->pid, UID, UID, &actor), 0);
}

static void expect(const char *id, const char *by)
{
	cr_expect_str_eq(actor.session_id, id);
	cr_expect_str_eq(actor.identified_by, by);
}

/* What one process with that environment is taken for. */
static void expect_of(char *const environment[], const char *id, const char *by)
{
	struct child child = child_start(0, environment, NULL);

	identify(&child);
	expect(id, by);
	child_end(&child);
}

static uint32_t begin(const struct child *child, uint32_t session)
{
	uint32_t run = 0;

	cr_assert_eq(runs_begin(runs, session, UID, child->pid, "x", 2, "/", &run, &err), 0, "%s",
		     err.message);
	return run;
}

Test(identity, by_the_runs_mount_namespace_before_any_variable)
{
	char *const environment[] = {"AGENT_SESSION_ID=other", NULL};
	uint32_t session = make_session(UID, "build-1");
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, environment, NULL);
	struct child beside = child_start(0, environment, &child);
	uint32_t run = begin(&child, session);

	identify(&beside);
	expect("build-1", "run");
	cr_expect_eq(actor.session, session);
	cr_expect_eq(actor.run, run);
	cr_expect_eq(actor.pid, beside.pid);
	cr_expect_eq(actor.uid, UID);
	cr_expect_eq(identity_run(&identity, beside.pid, UID, session), run);
	child_end(&beside);
	child_end(&child);
}

Test(identity, by_the_runs_variable_in_a_namespace_within)
{
	char *const environment[] = {"SESSIONFS_RUN=r-0001", "SESSIONFS_SESSION=build-1", NULL};
	uint32_t session = make_session(UID, "build-1");
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	struct child sandboxed = child_start(CHILD_MOUNT_NAMESPACE, environment, &child);
	uint32_t run = begin(&child, session);

	identify(&sandboxed);
	expect("build-1", "run");
	cr_expect_eq(actor.run, run);
	cr_expect_eq(identity_run(&identity, sandboxed.pid, UID, session), run);
	cr_expect_eq(identity_run(&identity, sandboxed.pid, UID, session + 1), 0);
	cr_expect_eq(identity_run(&identity, sandboxed.pid, UID + 1, session), 0);
	child_end(&sandboxed);
	child_end(&child);
}

Test(identity, runs_variable_is_a_claim_that_must_fit)
{
	char *const other_session[] = {"SESSIONFS_RUN=r-0001", "SESSIONFS_SESSION=mine", NULL};
	char *const no_session[] = {"SESSIONFS_RUN=r-0001", "TOOL_SESSION_ID=mine", NULL};
	char *const no_run[] = {"SESSIONFS_RUN=r-0002", "SESSIONFS_SESSION=build-1", NULL};
	char *const right[] = {"SESSIONFS_RUN=r-0001", "SESSIONFS_SESSION=build-1", NULL};
	struct child child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	struct child other_uid = child_start(0, right, NULL);

	begin(&child, make_session(UID, "build-1"));
	expect_of(other_session, "mine", "environment:SESSIONFS_SESSION");
	cr_expect_eq(actor.run, 0);
	expect_of(no_session, "mine", "environment:TOOL_SESSION_ID");
	expect_of(no_run, "build-1", "environment:SESSIONFS_SESSION");
	cr_expect_eq(actor.run, 0);
	cr_assert_eq(identity_of(&identity, other_uid.pid, UID + 1, UID, &actor), 0);
	expect("build-1", "environment:SESSIONFS_SESSION");
	cr_expect_eq(actor.run, 0);
	cr_expect_eq(actor.session, 0, "the session of that name is another user's");
	child_end(&other_uid);
	child_end(&child);
}

Test(identity, by_variables_in_their_order)
{
	char *const all[] = {"AGENT_SESSION_ID=c", "TOOL_SESSION_ID=b", "SESSIONFS_SESSION=a",
			     NULL};
	char *const two[] = {"AGENT_SESSION_ID=c", "TOOL_SESSION_ID=b", NULL};
	char *const one[] = {"XAGENT_SESSION_ID=d", "AGENT_SESSION_ID=c", NULL};

	expect_of(all, "a", "environment:SESSIONFS_SESSION");
	expect_of(two, "b", "environment:TOOL_SESSION_ID");
	expect_of(one, "c", "environment:AGENT_SESSION_ID");
}

Test(identity, variable_whose_value_is_no_id_counts_as_unset)
{
	char *const bad[] = {"SESSIONFS_SESSION=../x", "TOOL_SESSION_ID=", "AGENT_SESSION_ID=c",
			     NULL};

	expect_of(bad, "c", "environment:AGENT_SESSION_ID");
}

Test(identity, by_configured_variables_and_templates_last)
{
	char *items[] = {"CODEX_THREAD_ID", "${GITHUB_RUN_ID}.${GITHUB_JOB}"};
	char *const job[] = {"GITHUB_RUN_ID=77", "GITHUB_JOB=lint", NULL};
	char *const thread[] = {"GITHUB_RUN_ID=77", "GITHUB_JOB=lint", "CODEX_THREAD_ID=t1", NULL};
	char *const known[] = {"CODEX_THREAD_ID=t1", "AGENT_SESSION_ID=c", NULL};

	world.config.identify_environment = (struct string_list){items, 2};
	expect_of(job, "77.lint", "environment:${GITHUB_RUN_ID}.${GITHUB_JOB}");
	expect_of(thread, "t1", "environment:CODEX_THREAD_ID");
	expect_of(known, "c", "environment:AGENT_SESSION_ID");
}

Test(identity, by_the_posix_session_else)
{
	struct child child = child_start(CHILD_POSIX_SESSION, NULL, NULL);
	char id[SESSION_ID_SIZE];
	struct proc_id leader;

	cr_assert_eq(proc_identify(child.pid, &leader), 0);
	snprintf(id, sizeof(id), "sid-%d-%llu", (int)child.pid,
		 (unsigned long long)leader.start_ticks);
	identify(&child);
	expect(id, "posix-session");
	cr_expect_eq(actor.session, 0);
	child_end(&child);
}

Test(identity, naming_makes_no_session_and_creating_makes_one)
{
	char *const environment[] = {"AGENT_SESSION_ID=c", NULL};
	struct child child = child_start(0, environment, NULL);

	identify(&child);
	cr_expect_eq(actor.session, 0);
	cr_expect_eq(registry_count(registry), 0);
	cr_assert_eq(identity_of_create(&identity, child.pid, UID, UID, &actor, &err), 0);
	cr_expect_eq(registry_find(registry, UID, "c"), actor.session);
	cr_expect_eq(registry_at(registry, actor.session)->flags, 0);
	identify(&child);
	cr_expect_neq(actor.session, 0);
	child_end(&child);
}

Test(identity, created_for_a_posix_session_is_marked_so)
{
	struct child child = child_start(CHILD_POSIX_SESSION, NULL, NULL);

	cr_assert_eq(identity_of_create(&identity, child.pid, UID, UID, &actor, &err), 0);
	cr_expect_eq(registry_at(registry, actor.session)->flags, SESSION_POSIX);
	cr_expect_eq(registry_at(registry, actor.session)->posix_sid, child.pid);
	child_end(&child);
}

Test(identity, limit_of_sessions_is_told)
{
	char *const environment[] = {"AGENT_SESSION_ID=c", NULL};
	struct child child = child_start(0, environment, NULL);
	char id[16];

	for (int i = 0; i < WORLD_MAX_SESSIONS; i++) {
		snprintf(id, sizeof(id), "s%d", i);
		make_session(UID, id);
	}
	cr_expect_eq(identity_of_create(&identity, child.pid, UID, UID, &actor, &err), -EDQUOT);
	cr_expect_eq(err.code, ERR_LIMIT_REACHED);
	child_end(&child);
}

Test(identity, of_who_cannot_be_seen_or_is_gone_is_unknown)
{
	struct child child = child_start(0, NULL, NULL);

	cr_expect_eq(identity_of(&identity, 0, UID, UID, &actor), -ESRCH);
	expect("", "");
	cr_expect_eq(actor.uid, UID);
	child_end(&child);
	cr_expect_eq(identity_of(&identity, child.pid, UID, UID, &actor), -ESRCH);
	expect("", "");
	cr_expect_eq(identity_of_create(&identity, 0, UID, UID, &actor, &err), -ESRCH);
	cr_expect_eq(err.code, ERR_PRECONDITION_FAILED);
	cr_expect_eq(identity_run(&identity, 0, UID, 1), 0);
}

static void expect_expansion(const char *spec, const char *wanted)
{
	static const char block[] =
		"A=1\0B=two\0EMPTY=\0BAD=a b\0LONG="
		"1234567890123456789012345678901234567890123456789012345678901234";
	char id[SESSION_ID_SIZE];
	bool ok = identity_expand(spec, block, sizeof(block), id);

	cr_expect_eq(ok, wanted != NULL, "%s gave %s", spec, id);
	if (ok && wanted)
		cr_expect_str_eq(id, wanted);
}

Test(expand, names_and_templates)
{
	expect_expansion("A", "1");
	expect_expansion("B", "two");
	expect_expansion("${A}.${B}", "1.two");
	expect_expansion("ci-${A}", "ci-1");
	expect_expansion("LONG", "12345678901234567890123456789012345678901234567890123456789012"
				 "34");
}

Test(expand, what_is_unset_or_no_id_is_refused)
{
	static const char *const specs[] = {
		"C",   "EMPTY", "BAD", "${A}.${C}", "a${EMPTY}", "${LONG}x", "${LONG}${LONG}",
		"${A", "${}",   "$A",  "",          "${A}/${B}", "-${A}",    "A=1"};

	for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++)
		expect_expansion(specs[i], NULL);
}
