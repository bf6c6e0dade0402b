/* SPDX-License-Identifier: MIT */
/* The arena's layout: which tables there are, and how large. */
#include "worker/tables.h"

#include "lock/advisory.h"
#include "lock/lock.h"
#include "node/handle.h"
#include "node/node.h"
#include "session/events.h"
#include "session/registry.h"
#include "session/runs.h"
#include "worker/worker.h"

/* Sessions are limited by the configuration; this is how many an instance can ever hold. */
#define SESSIONS_CAPACITY (1u << 20)

static const struct arena_table_spec specs[TABLES_COUNT] = {
	[TABLE_SESSIONS] = {"sessions", sizeof(struct session_record), SESSIONS_CAPACITY},
	[TABLE_RUNS] = {"runs", sizeof(struct run_record), RUNS_MAX},
	[TABLE_NODES] = {"nodes", sizeof(struct node_record), NODES_MAX},
	[TABLE_NAMES] = {"names", sizeof(struct node_name_record), NODES_MAX / 4},
	[TABLE_HANDLES] = {"handles", sizeof(struct handle_record), HANDLES_MAX},
	[TABLE_LOCKS] = {"locks", sizeof(struct lock_record), LOCKS_MAX},
	[TABLE_ADVISORY] = {"advisory locks", sizeof(struct advisory_record), ADVISORY_MAX},
	[TABLE_EVENTS] = {"events", sizeof(struct event_record), EVENTS_MAX},
};

int worker_arena_new(struct arena **ret_arena)
{
	return arena_new(specs, TABLES_COUNT, ret_arena);
}
