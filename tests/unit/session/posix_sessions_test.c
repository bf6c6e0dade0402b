/* SPDX-License-Identifier: MIT */
#include "session/posix_sessions.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/world.h"

#define UID 1000

static struct registry *registry;
static struct runs *runs;
static struct err err;
static uint32_t dropped_sum;

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
}

static void tear_down(void)
{
	runs_free(runs);
	registry_free(registry);
	world_free();
}

TestSuite(posix_sessions, .init = set_up, .fini = tear_down, .timeout = 60);

static const char *name_of(pid_t pid)
{
	static char id[SESSION_ID_SIZE];

	cr_assert_eq(posix_session_name(registry, pid, UID, id), 0);
	return id;
}

static uint32_t make_for(pid_t pid)
{
	uint32_t session = 0;

	cr_assert_eq(registry_open(registry, UID, name_of(pid), SESSION_POSIX, &session, NULL,
				   &err),
		     0, "%s", err.message);
	return session;
}

static void dropped(uint32_t session, void *context)
{
	cr_expect_str_eq(context, "context");
	dropped_sum += session;
}

static size_t sweep(void)
{
	dropped_sum = 0;
	return posix_sessions_sweep(registry, runs, dropped, (void *)"context");
}

/*
 * A process that leads a POSIX session with one more process in it. Its own end does not end that
 * one, which comes to us.
 */
struct family {
	pid_t leader;
	pid_t member;
	int leader_fd;
	int member_fd;
};

static struct family family_start(void)
{
	struct family family;
	int leader[2], member[2], said[2];
	char byte;

	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	cr_assert_eq(pipe(leader) + pipe(member) + pipe(said), 0);
	family.leader = fork();
	if (family.leader == 0) {
		pid_t pid;

		close(leader[1]);
		close(member[1]);
		setsid();
		pid = fork();
		if (pid == 0)
			_exit(read(member[0], &byte, 1) != 0);
		cr_assert_eq(write(said[1], &pid, sizeof(pid)), sizeof(pid));
		_exit(read(leader[0], &byte, 1) != 0);
	}
	cr_assert_eq(read(said[0], &family.member, sizeof(pid_t)), sizeof(pid_t));
	close(leader[0]);
	close(member[0]);
	family.leader_fd = leader[1];
	family.member_fd = member[1];
	return family;
}

static void end(int fd, pid_t pid)
{
	/* Families that were begun later hold the pipe as well. */
	close(fd);
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(posix_sessions, all_processes_of_one_get_the_same_name)
{
	struct family family = family_start();
	char name[SESSION_ID_SIZE];

	strcpy(name, name_of(family.leader));
	cr_expect_str_eq(name_of(family.member), name);
	cr_expect_str_neq(name_of(getpid()), name);
	end(family.leader_fd, family.leader);
	end(family.member_fd, family.member);
}

Test(posix_sessions, name_stays_when_the_leader_is_gone)
{
	struct family family = family_start();
	char name[SESSION_ID_SIZE];

	strcpy(name, name_of(family.leader));
	make_for(family.leader);
	end(family.leader_fd, family.leader);
	cr_expect_str_eq(name_of(family.member), name);
	end(family.member_fd, family.member);
}

Test(posix_sessions, first_named_after_the_leader_is_gone_have_a_steady_name)
{
	struct family family = family_start();
	char name[SESSION_ID_SIZE];

	end(family.leader_fd, family.leader);
	snprintf(name, sizeof(name), "sid-%d-0", (int)family.leader);
	cr_expect_str_eq(name_of(family.member), name);
	make_for(family.member);
	cr_expect_str_eq(name_of(family.member), name);
	cr_expect_eq(sweep(), 0);
	end(family.member_fd, family.member);
	cr_expect_eq(sweep(), 1);
}

Test(posix_sessions, of_who_is_gone_have_no_name)
{
	struct family family = family_start();
	char id[SESSION_ID_SIZE];

	end(family.leader_fd, family.leader);
	cr_expect_eq(posix_session_name(registry, family.leader, UID, id), -ESRCH);
	end(family.member_fd, family.member);
}

Test(posix_sessions, are_dropped_with_their_last_process)
{
	struct family family = family_start();
	struct family other = family_start();
	uint32_t session = make_for(family.leader);
	uint32_t stays = make_for(other.leader);

	cr_expect_eq(sweep(), 0);
	end(family.leader_fd, family.leader);
	cr_expect_eq(sweep(), 0, "a member is left");
	end(family.member_fd, family.member);
	cr_expect_eq(sweep(), 1);
	cr_expect_eq(dropped_sum, session);
	cr_expect_eq(registry_count(registry), 1);
	cr_expect_eq(registry_next(registry, 0), stays);
	end(other.leader_fd, other.leader);
	end(other.member_fd, other.member);
}

Test(posix_sessions, zombies_do_not_keep_them)
{
	struct child child = child_start(CHILD_POSIX_SESSION, NULL, NULL);

	make_for(child.pid);
	cr_expect_eq(sweep(), 0);
	child_end_unreaped(&child);
	cr_expect_eq(sweep(), 1);
	waitpid(child.pid, NULL, 0);
}

Test(posix_sessions, named_sessions_stay)
{
	uint32_t session;

	cr_assert_eq(registry_open(registry, UID, "sid-999999-1", 0, &session, NULL, &err), 0);
	cr_assert_eq(registry_open(registry, UID, "build", SESSION_EPHEMERAL, &session, NULL, &err),
		     0);
	cr_expect_eq(sweep(), 0);
	cr_expect_eq(registry_count(registry), 2);
}

Test(posix_sessions, in_which_a_run_lives_stay)
{
	struct child child = child_start(CHILD_POSIX_SESSION, NULL, NULL);
	struct child runner = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	uint32_t session = make_for(child.pid);
	uint32_t run;

	cr_assert_eq(runs_begin(runs, session, UID, runner.pid, "x", 2, "/", &run, &err), 0);
	child_end(&child);
	cr_expect_eq(sweep(), 0);
	child_end(&runner);
	runs_close(runs, run);
	cr_expect_eq(sweep(), 1);
}

Test(posix_sessions, number_given_to_another_process_does_not_keep_them)
{
	struct child child = child_start(CHILD_POSIX_SESSION, NULL, NULL);
	char id[SESSION_ID_SIZE];
	uint32_t session;

	/* As if the number had been an older process's. */
	snprintf(id, sizeof(id), "sid-%d-1", (int)child.pid);
	cr_assert_eq(registry_open(registry, UID, id, SESSION_POSIX, &session, NULL, &err), 0);
	cr_expect_str_neq(name_of(child.pid), id);
	cr_expect_eq(sweep(), 1);
	child_end(&child);
}
