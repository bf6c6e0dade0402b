/* SPDX-License-Identifier: MIT */
/*
 * The arena: shared memory that outlives the worker.
 *
 * It holds tables of flat records of one size each. No pointers, mutexes or chains are in it: a
 * worker may be killed between any two instructions, and the next one must be able to go on from
 * what stands there. Each record begins with struct arena_record; its state word is stored last
 * when a record comes into being, and is set to 0 first when it goes. Indexes over the records
 * live in the worker's own memory and are rebuilt by a scan (arena_next).
 *
 * The supervisor creates the arena before the first fork and never touches a record. Which tables
 * there are is given by the caller (worker/heritage.c); their record types are unknown here.
 *
 * Memory is committed by the kernel page by page when first touched, so that a large capacity
 * costs nothing.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct arena_table;

/* The head of every record. */
struct arena_record {
	_Atomic uint32_t state; /* 0: free. Other values belong to the record's type. */
	uint32_t generation;    /* raised by each arena_free; never 0 in a live record */
};

#define ARENA_INIT_MAX 512

/* What is there once. Fields are written by the worker unless they say otherwise. */
struct arena_globals {
	_Atomic uint32_t init_size;         /* bytes of the saved FUSE INIT request; 0: none yet */
	unsigned char init[ARENA_INIT_MAX]; /* the request as read from /dev/fuse */
	_Atomic uint64_t started_boot_ns;   /* supervisor: when the mount began */
	_Atomic uint64_t started_real_ns;   /* supervisor: the same, as a date */
	_Atomic uint32_t worker_restarts;   /* supervisor */
	_Atomic uint32_t worker_answered;   /* the current worker has answered a request */
	_Atomic uint64_t fencing_next;      /* next fencing token to give out */
	_Atomic uint64_t fencing_reserved;  /* tokens below this are reserved on disk */
	_Atomic uint64_t event_next;        /* sequence number of the next event, from 1 */
	_Atomic uint64_t run_next;          /* serial of the next run, from 1 */
	_Atomic uint64_t event_bytes;       /* of all events so far, with their newlines */
	_Atomic uint64_t spare[14];
};

struct arena_table_spec {
	const char *name;
	size_t record_size; /* a multiple of 8, at least sizeof(struct arena_record) */
	uint32_t capacity;  /* records, at least 1 */
};

/* Creates an arena in a memfd. Returns 0 or negative errno. */
int arena_new(const struct arena_table_spec *specs, size_t n_specs, struct arena **ret_arena);
void arena_free_all(struct arena *arena);

struct arena_globals *arena_globals(struct arena *arena);

/* The table of specs[index]; borrowed. */
struct arena_table *arena_table(struct arena *arena, size_t index);

/*
 * After a fork, in each worker and before any other use of the tables: rebuilds the free lists
 * (which live in private memory) from the states. Returns 0 or -ENOMEM.
 */
int arena_attach(struct arena *arena);

/*
 * Takes a free record: zeroed but for its generation, state still 0. Returns its index, from 1;
 * 0 when the table is full. The caller fills it, then calls arena_publish(). Thread-safe.
 */
uint32_t arena_alloc(struct arena_table *table);
/* Makes a record live: stores the state (not 0) with release order. */
void arena_publish(struct arena_table *table, uint32_t index, uint32_t state);
/* Frees a record, published or not. Thread-safe. */
void arena_free(struct arena_table *table, uint32_t index);

/* The record at an index (1 to capacity), live or not. Never NULL. */
void *arena_at(const struct arena_table *table, uint32_t index);
/* The next live record after `index` (0 to begin); 0 at the end. */
uint32_t arena_next(const struct arena_table *table, uint32_t index);
/* Live records now. */
uint32_t arena_count(const struct arena_table *table);
uint32_t arena_capacity(const struct arena_table *table);
/*
 * Whether the table has free records beyond some that are kept for who asks at the same time: to be
 * asked before something is done that would want a record in the end. A glance.
 */
bool arena_has_room(const struct arena_table *table);
/* Bytes of memory that the tables' used parts occupy, as far as they were not given back. */
size_t arena_used_bytes(const struct arena *arena);
/*
 * Gives memory of freed records back to the system, where enough were freed since the last time for
 * that to be worth it. Returns the bytes. Their generations go on from above all that were there.
 */
size_t arena_trim(struct arena *arena);
