/* SPDX-License-Identifier: MIT */
/*
 * The registry's inside: the table of sessions, its indexes, and the states a session goes through.
 * Private to session/.
 *
 *	(free) --add--> MAKING --settle--> LIVE --set_state--> REMOVING --drop--> GONE --> (free)
 *	                   '------drop----> GONE               '--settle--> LIVE
 *
 * Functions ending in _locked want registry->mutex, the others none.
 */
#pragma once

#include <pthread.h>

#include "base/index.h"
#include "session/registry.h"
#include "session/retired.h"

struct registry {
	struct arena_table *table;
	struct store *store;
	const struct config *config;
	_Atomic uint32_t live;
	pthread_mutex_t mutex;
	pthread_cond_t settled; /* a session has left MAKING or REMOVING */
	uint32_t used;          /* guarded by: mutex; records in any state but GONE */
	struct retired retired; /* guarded by: mutex */
	struct index by_id;     /* guarded by: mutex; sessions of any state */
	struct index by_sid;    /* guarded by: mutex; those with SESSION_POSIX */
};

struct session_record *session_table_at(const struct registry *registry, uint32_t session);
uint32_t session_table_state(const struct session_record *record);
void session_table_set_state(struct session_record *record, enum session_state state);

/* The session of that key in any state; 0 where there is none. */
uint32_t session_table_find_locked(struct registry *registry, uid_t uid, const char *id);
/*
 * Adds a session in that state (MAKING or LIVE). Returns its number, 0 where the table is full or
 * memory is out.
 */
uint32_t session_table_add_locked(struct registry *registry, const struct session_meta *meta,
				  enum session_state state);
/* Puts a record that is there already (of an earlier worker) into the indexes. 0 or -ENOMEM. */
int session_table_index_locked(struct registry *registry, uint32_t session);
/* Makes it LIVE, and wakes who waits for that. */
void session_table_settle_locked(struct registry *registry, uint32_t session);
/* Takes it out, and wakes who waits for that. */
void session_table_drop_locked(struct registry *registry, uint32_t session);
/* Takes its flags away: its directory was there although its record was not. */
void session_table_adopt_locked(struct registry *registry, uint32_t session);
/* The next epoch within the range of the record's generation. */
void session_table_raise_epoch(struct session_record *record);

/* Loads what is on disk, but for what would be gone had no stop come between. */
int session_table_load(struct registry *registry);
/* Indexes the records of an earlier worker, and finishes or undoes what it had begun. */
int session_table_rebuild(struct registry *registry);
