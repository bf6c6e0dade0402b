/* SPDX-License-Identifier: MIT */
/*
 * The runs: one `sessionfs run` and all its descendants, the unit that holds locks.
 *
 * A run begins when a control-file descriptor says so, and ends when that descriptor is closed and
 * no process is left in the run's mount namespace, nor one that bears its id in another (a killed
 * keeper closes the descriptor early: then runs_sweep() watches the processes). The namespace's fd is held while the run lives, for its
 * inode number would be reused at once (measured).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/proc.h"

#define RUNS_MAX 16384 /* simultaneous runs of an instance: LIMIT_REACHED beyond */
#define RUN_ID_SIZE 24
#define RUN_COMMAND_MAX 1024
#define RUN_CWD_MAX 512
#define RUN_LOCK_TIMEOUT_RULE UINT64_MAX /* the share's rule says how long */

enum run_state {
	RUN_STATE_LIVE = 1,
	RUN_STATE_ORPHANED, /* descriptor closed, processes left */
	RUN_STATE_GONE,     /* ended; its number rests a while before it is given out again */
};

struct run_record {
	struct arena_record head;
	uint32_t session;
	uint32_t uid;
	uint64_t serial;
	uint64_t namespace_ino;
	struct proc_id leader; /* the process that began it (`run` or its keeper) */
	uint64_t started_boot_ns;
	uint64_t started_real_ns;
	_Atomic uint64_t lock_timeout_ms; /* or RUN_LOCK_TIMEOUT_RULE */
	char id[RUN_ID_SIZE];             /* "r-7f3a" */
	char command[RUN_COMMAND_MAX];    /* argv, NUL-separated, ends in two NULs, cut to fit */
	char cwd[RUN_CWD_MAX];
};

struct runs;
typedef void (*run_ended_fn)(uint32_t run, void *context);

/*
 * ended() is called, outside any mutex, for every run just before its record is freed: locks are
 * released and ephemeral sessions dropped there. The run is found, counted (runs_in_session) and
 * listed no more then; only runs_at() still shows it. After a worker was killed in ended(), the next
 * one calls it again.
 *
 * On a later worker the runs are found in the table, and their namespaces are opened anew.
 */
int runs_new(struct arena_table *table, struct arena_globals *globals, run_ended_fn ended,
	     void *context, struct runs **ret_runs);
void runs_free(struct runs *runs);

/*
 * Begins a run of the thread `tid`, in whose mount namespace all its processes will be.
 * command: NUL-separated argv of command_len bytes. Errors: LIMIT_REACHED, PRECONDITION_FAILED
 * (the caller is gone; its namespace is the daemon's own or another run's already).
 */
int runs_begin(struct runs *runs, uint32_t session, uid_t uid, pid_t tid, const char *command,
	       size_t command_len, const char *cwd, uint32_t *ret_run, struct err *err);
/*
 * How long calls of the run that do not block wait for a lock all the same, or RUN_LOCK_TIMEOUT_RULE,
 * as which a run begins.
 */
void runs_set_lock_timeout(struct runs *runs, uint32_t run, uint64_t timeout_ms);
/*
 * The leader says that none of its descendants is left, and that it goes: ends the run before it
 * returns, unless somebody else is in the namespace. What is closed later is no run any more.
 */
void runs_leave(struct runs *runs, uint32_t run);
/* The descriptor was closed: ends the run, or leaves it to runs_sweep() while processes remain. */
void runs_close(struct runs *runs, uint32_t run);
/* Ends orphaned runs whose last process is gone. Called a few times a second. */
void runs_sweep(struct runs *runs);

/* The live run of a mount namespace; 0 where it is none's. */
uint32_t runs_find_namespace(struct runs *runs, uint64_t namespace_ino);
uint32_t runs_find_id(struct runs *runs, uid_t uid, const char *id);
/* Borrowed; valid while the run lives and some seconds more (retired.h). NULL where it has ended. */
const struct run_record *runs_at(const struct runs *runs, uint32_t run);
/* Whether the run of that number and id has ended, or has been at ended() for a second. */
bool runs_is_over(struct runs *runs, uint32_t run, const char *id);
uint32_t runs_next(const struct runs *runs, uint32_t run);
uint32_t runs_count(const struct runs *runs);
/* Runs that live in a session, not counting one that is being ended. */
uint32_t runs_in_session(struct runs *runs, uint32_t session);
/* Processes now in the run's namespace, not counting its leader, at most max. Returns the count. */
size_t runs_processes(struct runs *runs, uint32_t run, pid_t *ret_pids, size_t max);
