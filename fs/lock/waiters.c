/* SPDX-License-Identifier: MIT */
#include "lock/waiters.h"

#include <stdlib.h>

struct waiters_entry {
	uint64_t hash;
	uint32_t count;
	uint32_t next_free;
};

static bool has_hash(uint32_t number, const void *key, void *context)
{
	const struct waiters *waiters = context;

	return waiters->entries[number - 1].hash == *(const uint64_t *)key;
}

static uint32_t find(const struct waiters *waiters, uint64_t hash)
{
	/* The index's context is not const, though nothing is changed through it. */
	return index_find(&waiters->by_hash, hash, has_hash, &hash,
			  (void *)(uintptr_t)(const void *)waiters);
}

static uint32_t take_entry(struct waiters *waiters)
{
	uint32_t number = waiters->free;

	if (number) {
		waiters->free = waiters->entries[number - 1].next_free;
		return number;
	}
	if (waiters->used == waiters->capacity) {
		uint32_t capacity = waiters->capacity ? waiters->capacity * 2 : 16;
		struct waiters_entry *grown = realloc(waiters->entries, capacity * sizeof(*grown));

		if (!grown)
			return 0;
		waiters->entries = grown;
		waiters->capacity = capacity;
	}
	return ++waiters->used;
}

static void give_entry(struct waiters *waiters, uint32_t number)
{
	waiters->entries[number - 1].next_free = waiters->free;
	waiters->free = number;
}

void waiters_add(struct waiters *waiters, uint64_t hash, int delta)
{
	uint32_t number = find(waiters, hash);
	struct waiters_entry *entry;
	int64_t count;

	if (number == 0) {
		if (delta <= 0)
			return;
		number = take_entry(waiters);
		if (number == 0)
			return;
		waiters->entries[number - 1] = (struct waiters_entry){.hash = hash};
		if (index_add(&waiters->by_hash, hash, number) < 0) {
			give_entry(waiters, number);
			return;
		}
	}
	entry = &waiters->entries[number - 1];
	count = (int64_t)entry->count + delta;
	entry->count = count < 0 ? 0 : (uint32_t)count;
	if (entry->count == 0) {
		index_remove(&waiters->by_hash, hash, number);
		give_entry(waiters, number);
	}
}

uint32_t waiters_count(const struct waiters *waiters, uint64_t hash)
{
	uint32_t number = find(waiters, hash);

	return number ? waiters->entries[number - 1].count : 0;
}

void waiters_release(struct waiters *waiters)
{
	index_release(&waiters->by_hash);
	free(waiters->entries);
	*waiters = (struct waiters){0};
}
