/* SPDX-License-Identifier: MIT */
/*
 * A table of locks over world.h's first share, with real sessions, runs, files and processes.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "lock/lock.h"
#include "support/world.h"

#define LOCK_WORLD_LOCKS 128 /* capacity of the table */

struct lock_world {
	struct arena *arena;
	struct arena_globals *globals;
	struct arena_table *table;
	struct registry *registry;
	struct runs *runs;
	struct events *events;
	struct identity identity;
	struct locks *locks;
	int lower_fd;
	int released; /* calls of the callbacks */
	int freed;
	char freed_path[256];
};

extern struct lock_world lw;

void lock_world_make(void);
void lock_world_free(void);
/* As after a kill of the worker. */
void lock_world_restart(void);

/* This process, acting in that session of uid 0, outside every run. */
struct actor lock_world_actor(const char *session);
/* A process of its own, acting in a run of its own. */
struct actor lock_world_run(const char *session, struct child *ret_child);
/* The run and its process end, as seen by the runs' keeper. */
void lock_world_end_run(const struct actor *actor, struct child *child);

struct lock_key lock_world_key(const char *path);
/* What ops/ does for open(O_CREAT | O_EXCL): true where the lock was acquired. */
bool lock_world_create(const char *path, const struct actor *actor, const char *text);
/* What ops/ does for unlink. */
void lock_world_unlink(const char *path, const struct actor *actor);
/* Creates a file as an outsider does; its identity. */
struct stat lock_world_outsider_creates(const char *path, const char *text);
bool lock_world_exists(const char *path);

/* A copy of the held lock of a path; false where it is free. */
bool lock_world_held(const char *path, struct lock_record *ret_record);
/* How many events of that type were emitted; the last one's text in ret (may be NULL). */
int lock_world_events(const char *type, struct buf *ret);
