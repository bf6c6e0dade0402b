/* SPDX-License-Identifier: MIT */
/*
 * What sessions need around them: a store, an arena, a configuration, and processes to be told
 * apart. One per test process.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/config.h"
#include "session/events.h"
#include "session/registry.h"
#include "session/runs.h"
#include "support/scratch.h"

enum { WORLD_SESSIONS, WORLD_RUNS, WORLD_EVENTS };

#define WORLD_MAX_SESSIONS 8 /* sessions.max_sessions; the table has room for more */
#define WORLD_TABLE 64       /* its capacity */
#define WORLD_MAX_RUNS 4     /* capacity of the table */

struct world {
	char scratch[SCRATCH_SIZE];
	char store_path[SCRATCH_SIZE + 8];
	struct store *store;
	struct arena *arena;
	struct arena_table *sessions;
	struct arena_table *runs;
	struct arena_table *events;
	struct arena_globals *globals;
	struct share_config shares[2]; /* /lower (01777) and /other (0755) */
	struct config config;
};

extern struct world world;

void world_make(void);
void world_free(void);
/* As after a kill of the worker: private memory is gone, records stay. */
void world_restart(void);

/* A process of the test's own, waiting to be ended. */
struct child {
	pid_t pid;
	int hold_fd; /* closing it ends the process */
};

enum child_flags {
	CHILD_MOUNT_NAMESPACE = 1, /* in a mount namespace of its own */
	CHILD_POSIX_SESSION = 2,   /* leads a POSIX session of its own */
};

/*
 * Starts a process that was executed with that environment (NULL: none), and returns when it
 * was. In the namespace of `beside`, if that is not NULL.
 */
struct child child_start(int flags, char *const environment[], const struct child *beside);
/* Ends it and waits for it. */
void child_end(struct child *child);
/* Ends it and waits until it is a zombie. */
void child_end_unreaped(struct child *child);
