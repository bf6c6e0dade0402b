/* SPDX-License-Identifier: MIT */
/*
 * Inside of the table of locks: shared by the files of this folder, nobody else's business.
 *
 * The records are in the arena. Everything here is private memory of this worker: indexes that are
 * rebuilt by a scan, and what may be lost with the worker (waiters, last conflicts, who shares a
 * flock).
 *
 * How a name's truth is told from what was reported. Our own calls on one name race: a file is
 * unlinked, made again and committed by another session before the unlink was reported. So
 *	- a commit that finds another HELD record, or whose name was removed meanwhile, looks which
 *	  record's identity the file has; the other's record goes;
 *	- a record that goes so is kept as `departed` until the report of its removal comes, which
 *	  then says whether it was released or lost; a sweep later it was an outsider;
 *	- a removal never drops a record whose file is still there.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/index.h"
#include "lock/conflict.h"
#include "lock/history.h"
#include "lock/lock.h"
#include "lock/loss.h"
#include "lock/party.h"
#include "lock/waiters.h"

/* Why a lock's record goes, and what the event is called: report.c. */
enum lock_end {
	LOCK_END_RELEASED, /* by its holder */
	LOCK_END_LOST,     /* by somebody else */
	LOCK_END_FREED,    /* by us: its holder is gone */
	LOCK_END_STALE,    /* it stays, reported stale */
	LOCK_END_REPLACED, /* by another record of the same path: no event */
};

/* A record that went, for its event and for those who ask a moment too late. */
struct lock_report {
	struct lock_report *next;
	enum lock_end end;
	bool has_by;
	struct lock_party by; /* LOCK_END_LOST: who; without has_by an outsider */
	uint64_t hash;
	uint64_t at_boot_ns;
	bool swept;                /* departed: a sweep has seen it */
	struct lock_record record; /* allocated up to the end of its path only */
};

#define LOCK_RECENT_MAX 64 /* ended locks that are remembered */
#define LOCK_SWEEPS_MAX 32 /* directories that do not answer, looked at by a sweep each */

/* A further holder of a shared flock. */
struct lock_sharer {
	struct lock_sharer *next;
	struct lock_record holder; /* its path is not set */
};

/* What belongs to a record in private memory. */
struct lock_extra {
	struct lock_sharer *sharers;
	bool removed; /* its name was removed, but whether it was this one's file is not known */
	struct lock_party remover;
};

struct locks {
	struct locks_setup setup;
	char host[256];

	pthread_mutex_t mutex;
	/* guarded by: mutex */
	struct index by_key; /* PENDING and HELD */
	struct index by_run; /* those of a run */
	struct lock_extra *extra;
	uint32_t held;
	struct lock_report *departed;
	struct lock_report *recent[LOCK_RECENT_MAX];
	size_t recent_next;
	struct waiters waiters;
	struct conflicts conflicts;
	struct losses losses;
	struct history history;
	bool history_dirty;
	uint64_t history_written_boot_ns;
	uint64_t sweeping[LOCK_SWEEPS_MAX]; /* what a sweep looks at now: hash of a directory; 0: free */
	bool tokens_reserving;
	pthread_cond_t tokens_reserved;
};

static inline struct lock_record *table_at(const struct locks *locks, uint32_t lock)
{
	return arena_at(locks->setup.table, lock);
}

uint64_t table_key_hash(const struct lock_key *key);
struct lock_key table_key_of(const struct lock_record *record);
/* Stable over restarts, for the history. */
uint64_t table_path_hash(const struct locks *locks, const struct lock_record *record);

/* The HELD record of a key; 0: none. */
uint32_t table_held_locked(struct locks *locks, const struct lock_key *key);
/* The oldest PENDING record of a key whose holder is not `actor` (NULL: anybody's); 0: none. */
uint32_t table_pending_locked(struct locks *locks, const struct lock_key *key,
			      const struct actor *actor);
/* Notes at every PENDING record of the key that its name was removed by `by`. */
void table_mark_pending_locked(struct locks *locks, const struct lock_key *key,
			       const struct lock_party *by);

/*
 * A filled but unpublished record of our own, with the actor as its holder; 0: the table is full,
 * or fencing tokens cannot be reserved. Reads /proc.
 */
uint32_t table_prepare(struct locks *locks, const struct lock_key *key, enum lock_idiom idiom,
		       const struct actor *actor);
/* Publishes a prepared record and adds it to the indexes. Returns 0 or -ENOMEM. */
int table_publish_locked(struct locks *locks, uint32_t lock, enum lock_record_state state);
/* PENDING becomes HELD, with a token; whoever waited to hear of it is told. */
void table_hold_locked(struct locks *locks, uint32_t lock);
/* A prepared record goes HELD at once. Frees it and returns -ENOMEM where that fails. */
int table_publish_held_locked(struct locks *locks, uint32_t lock, const struct stat *st);
/* Where the lock is HELD and still that acquisition. */
bool table_is_held_locked(struct locks *locks, uint32_t lock, uint64_t token);

/*
 * Takes a record out. Returns its report, NULL when out of memory (then there is no event):
 * lock_reports_emit_consume() after the mutex is released, or departed_add_locked().
 */
struct lock_report *table_drop_locked(struct locks *locks, uint32_t lock, enum lock_end end,
				      const struct lock_party *by);

/* The records of a run, in a new array (NULL: none). Returns their number. */
size_t table_of_run_locked(struct locks *locks, uint32_t run, uint32_t **ret_locks);
/* The record is no run's any more. */
void table_leave_run_locked(struct locks *locks, uint32_t lock);

/* The session as one that meets conflicts; session 0: a caller who cannot be told. */
struct conflict_actor conflict_actor_of_session(const struct locks *locks, uint32_t session);

/* Facts of a record, its waiters and retry estimate filled into moment; NULL: out of memory. */
struct lock_facts *table_facts_locked(struct locks *locks, const struct lock_record *record,
				      struct facts_moment *moment);

/* report.c: puts a report (NULL: nothing) at the head of a list. */
void lock_report_add(struct lock_report **list, struct lock_report *report);
/* Copies a record without its unused bytes; NULL when out of memory. */
struct lock_report *lock_report_new(const struct lock_record *record, enum lock_end end,
				    const struct lock_party *by);
void lock_report_free(struct lock_report *report);
bool lock_party_is_holder(const struct lock_party *by, const struct lock_record *record);
/* Emits the events, calls released(), and keeps the reports as recent. */
void lock_reports_emit_consume(struct locks *locks, struct lock_report *list);
/* Who did it, as JSON (json_t *); NULL: an outsider. */
void *lock_party_json(const struct lock_party *by);
/* An event about a lock that says nothing of its end. */
void lock_event_denied(struct locks *locks, const struct lock_record *record,
		       const struct lock_party *by, enum lock_idiom idiom);

/* lost.c: a lock was taken away from its holder. */
void lost_note_locked(struct locks *locks, const struct lock_report *report);

/* departed.c */
void departed_add_locked(struct locks *locks, struct lock_report *report);
/*
 * Takes the departed record of that key which the actor's removal was about; NULL: none. own_only:
 * none but his own.
 */
struct lock_report *departed_take_locked(struct locks *locks, const struct lock_key *key,
					 const struct actor *actor, bool own_only);
/* Those of a run, which has no more to tell: lost to an outsider. */
struct lock_report *departed_of_run_locked(struct locks *locks, uint32_t run);
/* Those that two sweeps have seen: lost to an outsider. */
struct lock_report *departed_sweep_locked(struct locks *locks);
/* The last lock of that key that went within a second, and was not the actor's; NULL: none. */
const struct lock_report *recent_find_locked(const struct locks *locks, const struct lock_key *key,
					     const struct actor *actor);

/* token.c */
/* Loads the counter at the start of the first worker. Returns 0 or negative errno. */
int tokens_load(struct locks *locks);
/* Makes sure that some tokens are reserved on disk: `low` or more where it can. */
int tokens_prepare(struct locks *locks, uint64_t low);
uint64_t token_take_locked(struct locks *locks);
#define TOKENS_LOW 200   /* a claim reserves more below this */
#define TOKENS_AHEAD 700 /* a sweep does below this, so that claims hardly ever need to */
