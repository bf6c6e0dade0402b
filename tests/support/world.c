/* SPDX-License-Identifier: MIT */
#include "support/world.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"

struct world world;

static void make_lower(const char *name, mode_t mode, struct share_config *share)
{
	char path[sizeof(world.scratch) + 16];

	snprintf(path, sizeof(path), "%s/%s", world.scratch, name);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(chmod(path, mode), 0);
	share->lower_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(share->lower_fd, 0);
	share->path = strdup(path + strlen(world.scratch));
}

void world_make(void)
{
	static const struct arena_table_spec specs[] = {
		[WORLD_SESSIONS] = {"sessions", sizeof(struct session_record), WORLD_TABLE},
		[WORLD_RUNS] = {"runs", sizeof(struct run_record), WORLD_MAX_RUNS},
		[WORLD_EVENTS] = {"events", sizeof(struct event_record), EVENTS_MAX},
	};
	struct err err;

	scratch_make(world.scratch);
	make_lower("lower", 01777, &world.shares[0]);
	make_lower("other", 0755, &world.shares[1]);
	snprintf(world.store_path, sizeof(world.store_path), "%s/store", world.scratch);
	cr_assert_eq(store_open(world.store_path, &world.store, &err), 0, "%s", err.message);
	world.config = (struct config){
		.store = world.store_path,
		.shares = world.shares,
		.n_shares = 2,
		.max_sessions = WORLD_MAX_SESSIONS,
	};
	cr_assert_eq(arena_new(specs, 3, &world.arena), 0);
	world.sessions = arena_table(world.arena, WORLD_SESSIONS);
	world.runs = arena_table(world.arena, WORLD_RUNS);
	world.events = arena_table(world.arena, WORLD_EVENTS);
	world.globals = arena_globals(world.arena);
	world_restart();
}

void world_restart(void)
{
	cr_assert_eq(arena_attach(world.arena), 0);
}

void world_free(void)
{
	arena_free_all(world.arena);
	store_free(world.store);
	for (size_t i = 0; i < 2; i++) {
		close(world.shares[i].lower_fd);
		free(world.shares[i].path);
	}
}

static void enter(const struct child *beside)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)beside->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (setns(fd, CLONE_NEWNS))
		_exit(122);
}

/* The process: waits for the end of its standard input. */
static void become(int flags, char *const environment[], const struct child *beside, int hold_fd)
{
	static char *const none[] = {NULL};
	char *const arguments[] = {"cat", NULL};
	int null = open("/dev/null", O_WRONLY);

	if (beside)
		enter(beside);
	if (flags & CHILD_MOUNT_NAMESPACE && unshare(CLONE_NEWNS))
		_exit(121);
	if (flags & CHILD_POSIX_SESSION && setsid() < 0)
		_exit(120);
	dup2(hold_fd, 0);
	dup2(null, 1);
	execve("/bin/cat", arguments, environment ? environment : none);
	_exit(127);
}

struct child child_start(int flags, char *const environment[], const struct child *beside)
{
	struct child child;
	int hold[2];
	int executed[2]; /* closed by execve */
	char byte;

	cr_assert_eq(pipe2(hold, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(executed, O_CLOEXEC), 0);
	child.pid = fork();
	cr_assert_geq(child.pid, 0);
	if (child.pid == 0)
		become(flags, environment, beside, hold[0]);
	close(hold[0]);
	close(executed[1]);
	cr_assert_eq(read(executed[0], &byte, 1), 0);
	close(executed[0]);
	child.hold_fd = hold[1];
	return child;
}

void child_end_unreaped(struct child *child)
{
	siginfo_t info;

	/* cat ends by itself, unless a child that was forked later holds the pipe too. */
	close(child->hold_fd);
	kill(child->pid, SIGKILL);
	cr_assert_eq(waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT), 0);
}

void child_end(struct child *child)
{
	child_end_unreaped(child);
	cr_assert_eq(waitpid(child->pid, NULL, 0), child->pid);
}
