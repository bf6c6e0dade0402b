/* SPDX-License-Identifier: MIT */
#include "support/lock_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"

struct lock_world lw;

static void count_released(void *context)
{
	(void)context;
	lw.released++;
}

static void count_freed(uint32_t share, const char *path, void *context)
{
	(void)share;
	(void)context;
	lw.freed++;
	snprintf(lw.freed_path, sizeof(lw.freed_path), "%s", path);
}

static void ended(uint32_t run, void *context)
{
	(void)context;
	locks_run_ended(lw.locks, run);
}

static void woken(void *context)
{
	(void)context;
}

static void start(void)
{
	struct locks_setup setup = {
		.table = lw.table,
		.globals = lw.globals,
		.store = world.store,
		.events = lw.events,
		.identity = &lw.identity,
		.config = &world.config,
		.released = count_released,
		.freed = count_freed,
	};

	cr_assert_eq(arena_attach(lw.arena), 0);
	cr_assert_eq(locks_new(&setup, &lw.locks), 0);
}

void lock_world_make(void)
{
	static const struct arena_table_spec spec = {"locks", sizeof(struct lock_record),
						     LOCK_WORLD_LOCKS};

	world_make();
	lw.lower_fd = world.shares[0].lower_fd;
	cr_assert_eq(arena_new(&spec, 1, &lw.arena), 0);
	lw.globals = arena_globals(lw.arena);
	lw.table = arena_table(lw.arena, 0);
	cr_assert_eq(registry_new(world.sessions, world.store, &world.config, true, &lw.registry),
		     0);
	cr_assert_eq(events_new(world.events, world.globals, woken, NULL, &lw.events), 0);
	cr_assert_eq(runs_new(world.runs, world.globals, ended, NULL, &lw.runs), 0);
	lw.identity = (struct identity){
		.registry = lw.registry, .runs = lw.runs, .config = &world.config};
	start();
}

void lock_world_restart(void)
{
	locks_free(lw.locks);
	start();
}

void lock_world_free(void)
{
	locks_free(lw.locks);
	runs_free(lw.runs);
	events_free(lw.events);
	registry_free(lw.registry);
	arena_free_all(lw.arena);
	world_free();
}

struct actor lock_world_actor(const char *session)
{
	struct actor actor = {.tid = getpid(), .pid = getpid()};
	struct err err;

	cr_assert_eq(registry_open(lw.registry, 0, session, 0, &actor.session, NULL, &err), 0, "%s",
		     err.message);
	return actor;
}

struct actor lock_world_run(const char *session, struct child *ret_child)
{
	struct actor actor = lock_world_actor(session);
	struct err err;

	*ret_child = child_start(CHILD_MOUNT_NAMESPACE, NULL, NULL);
	actor.tid = actor.pid = ret_child->pid;
	cr_assert_eq(runs_begin(lw.runs, actor.session, 0, ret_child->pid, "tool\0build", 11,
				"/work", &actor.run, &err),
		     0, "%s", err.message);
	return actor;
}

void lock_world_end_run(const struct actor *actor, struct child *child)
{
	child_end(child);
	runs_close(lw.runs, actor->run);
	runs_sweep(lw.runs);
	cr_assert_null(runs_at(lw.runs, actor->run));
}

struct lock_key lock_world_key(const char *path)
{
	return (struct lock_key){.path = path};
}

static bool create(const char *path, const char *text, struct stat *ret_st)
{
	int fd = openat(lw.lower_fd, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	if (text)
		cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(fstat(fd, ret_st), 0);
	close(fd);
	return true;
}

bool lock_world_create(const char *path, const struct actor *actor, const char *text)
{
	struct lock_key key = lock_world_key(path);
	uint32_t claim = lock_claim(lw.locks, &key, LOCK_IDIOM_CREATE, actor);
	struct stat st;

	cr_assert_neq(claim, 0);
	if (create(path, text, &st)) {
		lock_claim_commit(lw.locks, claim, &st);
		return true;
	}
	lock_claim_abort(lw.locks, claim);
	lock_denied(lw.locks, &key, LOCK_IDIOM_CREATE, actor);
	return false;
}

void lock_world_unlink(const char *path, const struct actor *actor)
{
	struct lock_key key = lock_world_key(path);

	cr_assert_eq(unlinkat(lw.lower_fd, path, 0), 0);
	lock_removed(lw.locks, &key, actor);
}

struct stat lock_world_outsider_creates(const char *path, const char *text)
{
	struct stat st;

	cr_assert(create(path, text, &st));
	return st;
}

bool lock_world_exists(const char *path)
{
	struct stat st;

	return fstatat(lw.lower_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool lock_world_held(const char *path, struct lock_record *ret_record)
{
	struct lock_key key = lock_world_key(path);
	uint32_t lock = locks_find(lw.locks, &key);

	return lock && locks_read(lw.locks, lock, ret_record);
}

int lock_world_events(const char *type, struct buf *ret)
{
	_cleanup_buf_ struct buf all = {0};
	uint64_t sequence = 0;
	char *line, *rest;
	char wanted[64];
	int count = 0;

	events_read(lw.events, 0, &sequence, &all);
	rest = all.data;
	snprintf(wanted, sizeof(wanted), "\"%s\"", type);
	while (rest && (line = strsep(&rest, "\n"))) {
		if (!strstr(line, wanted))
			continue;
		count++;
		if (ret) {
			buf_release(ret);
			*ret = (struct buf){0};
			buf_add_str(ret, line);
		}
	}
	return count;
}
