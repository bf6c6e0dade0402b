/* SPDX-License-Identifier: MIT */
/*
 * Locks that were taken away from whoever held them: what his run is told at its end, and that his own
 * removal of the name, which is still to come, is not to hit the next holder's lock.
 *
 * The last LOSSES_MAX, in private memory: after a crash of the worker nobody has lost anything. Not
 * thread-safe: guarded by the mutex of the table of locks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lock/conflict.h"
#include "lock/facts.h"
#include "lock/party.h"

#define LOSSES_MAX 1024

struct loss {
	struct conflict_actor holder; /* who it was taken from */
	uint64_t hash;                /* of the lock's key */
	bool removal_due;             /* he has not removed the name since */
	bool has_by;
	struct lock_party by;     /* who took it; without has_by an outsider */
	struct lock_facts *facts; /* the lock as it was then; owned */
};

struct losses {
	struct loss *entries[LOSSES_MAX];
	size_t next;
};

/* Notes one; takes its facts, always. The oldest is forgotten for it. */
void losses_note_consume(struct losses *losses, const struct loss *loss);
/* The last that a run lost; NULL: none. */
const struct loss *losses_of_run(const struct losses *losses, uint32_t run);
/* Whether the actor has lost that lock, and has not asked since. */
bool losses_take_removal(struct losses *losses, const struct conflict_actor *actor, uint64_t hash);
void losses_run_ended(struct losses *losses, uint32_t run);
void losses_release(struct losses *losses);
