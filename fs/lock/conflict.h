/* SPDX-License-Identifier: MIT */
/*
 * The last denial or probe of each run, and of each session (its runs' and what it met outside of
 * any): one each, CONFLICTS_MAX in all, the least recently noted goes first. Private memory: after a
 * crash of the worker nobody has met anything yet.
 *
 * Locks are known by the hash of their key (64 bit). Not thread-safe: guarded by the mutex of the
 * table of locks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/index.h"
#include "lock/facts.h"

#define CONFLICTS_MAX 16384

enum conflict_kind { CONFLICT_DENIAL, CONFLICT_PROBE };

/* Whose conflict it is: the run's, where there is one, else the session's. */
struct conflict_actor {
	uint32_t run;
	uint32_t session;
	uint32_t session_generation; /* a session's number is used again */
};

struct conflict {
	struct conflict_actor actor;
	enum conflict_kind kind;
	bool provisional; /* the lock met was still PENDING: another may turn out to have it */
	bool resolved;    /* the actor has acquired that lock since */
	uint64_t hash;
	uint64_t token;
	uint64_t at_boot_ns;
	uint64_t at_real_ns;
	uint64_t released_boot_ns; /* 0: still held */
	uint64_t noted;            /* order of notes; 0: the entry is free */
	struct lock_facts *facts;
};

struct conflicts {
	struct index by_actor;
	struct index by_key;
	struct conflict *entries; /* number - 1 is the index */
	uint32_t capacity;
	uint32_t used;
	uint64_t noted_next;
};

bool conflict_same_actor(const struct conflict_actor *a, const struct conflict_actor *b);
void conflicts_release(struct conflicts *conflicts);

/*
 * Notes a conflict in place of the actor's last one; takes facts, always. A probe of the very
 * acquisition that the actor was just denied leaves the denial: programs read the lock they failed
 * to get, to say who has it.
 */
void conflicts_note_consume(struct conflicts *conflicts, const struct conflict *conflict);

/* The actor's last conflict; NULL: none. */
const struct conflict *conflicts_find(const struct conflicts *conflicts,
				      const struct conflict_actor *actor);

/* The lock of that token was released. */
void conflicts_lock_released(struct conflicts *conflicts, uint64_t hash, uint64_t token,
			     uint64_t now_boot_ns);
/*
 * `actor` has acquired the lock: his conflict over it is resolved, and those who met it while it
 * was being made learn who has it (`facts`, borrowed; NULL leaves them as they are).
 */
void conflicts_lock_acquired(struct conflicts *conflicts, uint64_t hash, uint64_t token,
			     const struct conflict_actor *actor, const struct lock_facts *facts);
/* Whether anybody's conflict is provisional over that lock. */
bool conflicts_awaits(const struct conflicts *conflicts, uint64_t hash);
void conflicts_run_ended(struct conflicts *conflicts, uint32_t run);
