/* SPDX-License-Identifier: MIT */
/*
 * A hash index over arena records: maps a 64-bit hash to record numbers.
 *
 * It stores 32-bit numbers and 32 bits of the hash, nothing else: 11 to 22 bytes a record, by how
 * full it is. (uthash would take 56 bytes a record, a quarter of what a cached node may cost.)
 * Equality is the caller's: lookups give candidates. Linear probing, grows by doubling, shrinks
 * when nearly empty, leaves no marks of what was removed. Not thread-safe: guarded by whoever owns it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index {
	struct index_slot *slots; /* NULL while empty */
	size_t capacity;          /* a power of two, or 0 */
	size_t live;
};

/* Zero-initialised is empty and valid. */
void index_release(struct index *index);
/* Adds number (not 0) under hash; does not look for an equal one. Returns 0 or -ENOMEM. */
int index_add(struct index *index, uint64_t hash, uint32_t number);
/* Removes that number from under that hash; nothing happens where it is not there. */
void index_remove(struct index *index, uint64_t hash, uint32_t number);

/* Whether the record `number` is the one looked for; `key` is passed through. */
typedef bool (*index_equal_fn)(uint32_t number, const void *key, void *context);
/* The first number under hash for which equal() holds; 0 where there is none. */
uint32_t index_find(const struct index *index, uint64_t hash, index_equal_fn equal, const void *key,
		    void *context);
