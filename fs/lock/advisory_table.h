/* SPDX-License-Identifier: MIT */
/*
 * Inside of the table of advisory locks: shared by the advisory_*.c of this folder.
 *
 * The records are in the arena; the indexes over them, the waiters and the counts are this worker's
 * own. flock does not conflict with the other kinds, so that it has lists of its own: every look at a
 * file is at one of its two families.
 */
#pragma once

#include <pthread.h>

#include "base/index.h"
#include "base/user_counts.h"
#include "lock/advisory.h"

#define WAITER_BUCKETS 256

/* What one owner holds on one file, sorted by start. */
struct advisory_item {
	struct range range;
	uint32_t number;
};

struct advisory_list {
	struct advisory_item *items;
	size_t n, capacity;
};

/* 0 or -ENOMEM. */
int advisory_list_add(struct advisory_list *list, const struct range *range, uint32_t number);

struct advisory {
	struct arena_table *table;
	void (*woken)(void *context);
	void *context;

	_Atomic uint32_t posix_count; /* records of other kinds than flock */

	pthread_mutex_t mutex;
	/* guarded by: mutex */
	struct index by_file; /* per file and family */
	struct index by_handle;
	struct advisory_waiter *waiters[WAITER_BUCKETS]; /* per file and family, each list by order */
	struct user_counts users;
	/* Scratch of one call. */
	struct advisory_list list;
	struct range *ranges;
	size_t ranges_capacity;
};

static inline struct advisory_record *advisory_at(const struct advisory *advisory, uint32_t number)
{
	return arena_at(advisory->table, number);
}

static inline bool advisory_same_file(const struct advisory_key *a, const struct advisory_key *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->session == b->session &&
	       a->share == b->share;
}

static inline struct range advisory_range(const struct advisory_record *record)
{
	return (struct range){record->start, record->end, (enum range_type)record->type};
}

struct advisory_key advisory_key_of(const struct advisory_record *record);
bool advisory_is_owners(const struct advisory_record *record,
			const struct advisory_request *request);
uint64_t advisory_hash(const struct advisory_key *key, enum advisory_kind kind);
uint64_t advisory_handle_hash(uint64_t handle);

/* Adds a record for the range, with the rest from the request. 0, -ENOLCK, -ENOMEM. */
int advisory_add_locked(struct advisory *advisory, const struct advisory_request *request,
			const struct range *range, enum advisory_state state, uint32_t *ret_number);
void advisory_remove_locked(struct advisory *advisory, uint32_t number);
/* Puts a record into the indexes, or takes it out. 0 or -ENOMEM, then it is in none. */
int advisory_index_locked(struct advisory *advisory, uint32_t number);
void advisory_unindex_locked(struct advisory *advisory, uint32_t number);

/* Whether it is a record, held or pending, of another that stands in the request's way. */
bool advisory_is_in_the_way(const struct advisory *advisory, uint32_t number,
			    const struct advisory_request *request);
/* Any record that is in the way; 0: none. */
uint32_t advisory_conflict_locked(struct advisory *advisory,
				  const struct advisory_request *request);
/* The owner's call that is between CARRY and settle; 0: none. */
uint32_t advisory_pending_locked(struct advisory *advisory, const struct advisory_request *request);
/*
 * What the owner holds on the file, into advisory->list; 0 or -ENOMEM. ret_others: records of all
 * others on it.
 */
int advisory_list_locked(struct advisory *advisory, const struct advisory_request *request,
			 size_t *ret_others);

/* One attempt, without any waiting: an outcome, or -ENOLCK, -ENOMEM. */
int advisory_try_locked(struct advisory *advisory, const struct advisory_request *request);
/* Makes the request's range the owner's. 0, -ENOLCK, -ENOMEM. */
int advisory_apply_locked(struct advisory *advisory, const struct advisory_request *request);
/* Tells, outside the mutex, that waiters are due, where it is so. */
void advisory_tell(struct advisory *advisory, bool due);
/* Removes all that the owner holds on the file. Returns how many records that were. */
size_t advisory_drop_locked(struct advisory *advisory, const struct advisory_request *request);

/* The list in which the waiters for a file stand, among those for others. */
struct advisory_waiter **advisory_waiters(struct advisory *advisory, const struct advisory_key *key,
					  enum advisory_kind kind);
bool advisory_waits_for(const struct advisory_waiter *waiter, const struct advisory_key *key,
			enum advisory_kind kind);
/* Queues a waiter in its order, or takes it out. */
void advisory_queue_locked(struct advisory *advisory, struct advisory_waiter *waiter);
void advisory_dequeue_locked(struct advisory *advisory, struct advisory_waiter *waiter);
/* Whether a wait of this request would wait for itself. */
bool advisory_is_cycle_locked(struct advisory *advisory, const struct advisory_request *request);
/* Something on the file was released: grants what can be. Returns whether a waiter is due. */
bool advisory_grant_locked(struct advisory *advisory, const struct advisory_key *key,
			   enum advisory_kind kind);
