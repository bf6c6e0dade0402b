/* SPDX-License-Identifier: MIT */
#include "base/index.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAPACITY 16
#define SHRUNK_MIN 1024 /* what is not larger than this does not shrink */

struct index_slot {
	uint32_t number; /* 0: empty */
	uint32_t hash;   /* folded; its low bits are the slot's home */
};

void index_release(struct index *index)
{
	free(index->slots);
	*index = (struct index){0};
}

/* Mixes as well: callers may use small numbers as their hash (Knuth's multiplicative hashing). */
static uint32_t fold(uint64_t hash)
{
	return (uint32_t)((hash * 0x9e3779b97f4a7c15ULL) >> 32);
}

static void place(struct index_slot *slots, size_t mask, struct index_slot slot)
{
	size_t i = slot.hash & mask;

	while (slots[i].number)
		i = (i + 1) & mask;
	slots[i] = slot;
}

static int resize(struct index *index, size_t capacity)
{
	struct index_slot *slots = calloc(capacity, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < index->capacity; i++)
		if (index->slots[i].number)
			place(slots, capacity - 1, index->slots[i]);
	free(index->slots);
	index->slots = slots;
	index->capacity = capacity;
	return 0;
}

int index_add(struct index *index, uint64_t hash, uint32_t number)
{
	/* At most three quarters full: probes stay short, and one slot is always empty. */
	if ((index->live + 1) * 4 > index->capacity * 3) {
		int r = resize(index, index->capacity ? index->capacity * 2 : FIRST_CAPACITY);

		if (r)
			return r;
	}
	place(index->slots, index->capacity - 1, (struct index_slot){number, fold(hash)});
	index->live++;
	return 0;
}

/*
 * Closes the gap at `hole` by moving back what was pushed over it, so that no marks of deleted
 * slots pile up where names come and go.
 */
static void close_gap(struct index *index, size_t hole)
{
	struct index_slot *slots = index->slots;
	size_t mask = index->capacity - 1;

	for (size_t i = (hole + 1) & mask; slots[i].number; i = (i + 1) & mask) {
		size_t home = slots[i].hash & mask;

		/* Movable if its home is not in (hole, i], cyclically. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			slots[hole] = slots[i];
			hole = i;
		}
	}
	slots[hole].number = 0;
}

void index_remove(struct index *index, uint64_t hash, uint32_t number)
{
	uint32_t folded = fold(hash);
	size_t mask = index->capacity - 1;

	if (!index->capacity)
		return;
	for (size_t i = folded & mask; index->slots[i].number; i = (i + 1) & mask) {
		if (index->slots[i].number == number && index->slots[i].hash == folded) {
			close_gap(index, i);
			index->live--;
			/* Then it is a quarter full. Without memory for that it stays large. */
			if (index->capacity > SHRUNK_MIN && index->live * 16 < index->capacity)
				(void)resize(index, index->capacity / 4);
			return;
		}
	}
}

uint32_t index_find(const struct index *index, uint64_t hash, index_equal_fn equal, const void *key,
		    void *context)
{
	uint32_t folded = fold(hash);
	size_t mask = index->capacity - 1;

	if (!index->capacity)
		return 0;
	for (size_t i = folded & mask; index->slots[i].number; i = (i + 1) & mask) {
		const struct index_slot *slot = &index->slots[i];

		if (slot->hash == folded && equal(slot->number, key, context))
			return slot->number;
	}
	return 0;
}
