/* SPDX-License-Identifier: MIT */
#include "lock/conflict.h"

#include <stdlib.h>

static uint64_t actor_hash(const struct conflict_actor *actor)
{
	uint64_t id = actor->run ? actor->run : (1ULL << 32) | actor->session;

	return id * 0x9e3779b97f4a7c15ULL;
}

bool conflict_same_actor(const struct conflict_actor *a, const struct conflict_actor *b)
{
	if (a->run || b->run)
		return a->run == b->run;
	return a->session == b->session && a->session_generation == b->session_generation;
}

static bool equal_actor(uint32_t number, const void *key, void *context)
{
	const struct conflict *entries = context;

	return conflict_same_actor(&entries[number - 1].actor, key);
}

static uint32_t find(const struct conflicts *conflicts, const struct conflict_actor *actor)
{
	return index_find(&conflicts->by_actor, actor_hash(actor), equal_actor, actor,
			  conflicts->entries);
}

const struct conflict *conflicts_find(const struct conflicts *conflicts,
				      const struct conflict_actor *actor)
{
	uint32_t number = find(conflicts, actor);

	return number ? &conflicts->entries[number - 1] : NULL;
}

static void drop(struct conflicts *conflicts, uint32_t number)
{
	struct conflict *conflict = &conflicts->entries[number - 1];

	index_remove(&conflicts->by_actor, actor_hash(&conflict->actor), number);
	index_remove(&conflicts->by_key, conflict->hash, number);
	free(conflict->facts);
	*conflict = (struct conflict){0};
}

/* A free entry; the least recently noted one where the table is full. */
static uint32_t take_entry(struct conflicts *conflicts)
{
	uint32_t oldest = 1;

	if (conflicts->used < conflicts->capacity)
		return ++conflicts->used;
	for (uint32_t number = 1; number <= conflicts->used; number++) {
		if (conflicts->entries[number - 1].noted == 0)
			return number;
		if (conflicts->entries[number - 1].noted < conflicts->entries[oldest - 1].noted)
			oldest = number;
	}
	if (conflicts->capacity < CONFLICTS_MAX) {
		uint32_t capacity = conflicts->capacity ? conflicts->capacity * 2 : 16;
		struct conflict *grown = realloc(conflicts->entries, capacity * sizeof(*grown));

		if (!grown)
			return 0;
		conflicts->entries = grown;
		conflicts->capacity = capacity;
		return ++conflicts->used;
	}
	drop(conflicts, oldest);
	return oldest;
}

void conflicts_note_consume(struct conflicts *conflicts, const struct conflict *conflict)
{
	uint32_t number = find(conflicts, &conflict->actor);
	struct conflict *entry;

	if (number) {
		entry = &conflicts->entries[number - 1];
		if (conflict->kind == CONFLICT_PROBE && entry->kind == CONFLICT_DENIAL &&
		    entry->hash == conflict->hash && entry->token == conflict->token) {
			free(conflict->facts);
			return;
		}
		drop(conflicts, number);
	} else {
		number = take_entry(conflicts);
		if (number == 0) {
			free(conflict->facts);
			return;
		}
	}
	entry = &conflicts->entries[number - 1];
	*entry = *conflict;
	entry->noted = ++conflicts->noted_next;
	if (index_add(&conflicts->by_actor, actor_hash(&entry->actor), number) < 0 ||
	    index_add(&conflicts->by_key, entry->hash, number) < 0)
		drop(conflicts, number);
}

struct each_of_lock {
	struct conflicts *conflicts;
	uint64_t hash;
	uint64_t token;
	uint64_t now_boot_ns;
	const struct conflict_actor *actor;
	const struct lock_facts *facts;
	bool found;
};

static bool mark_released(uint32_t number, const void *key, void *context)
{
	const struct each_of_lock *each = key;
	struct conflict *conflict = &((struct conflict *)context)[number - 1];

	if (conflict->hash == each->hash && conflict->token == each->token &&
	    conflict->released_boot_ns == 0 && !conflict->provisional)
		conflict->released_boot_ns = each->now_boot_ns;
	return false;
}

void conflicts_lock_released(struct conflicts *conflicts, uint64_t hash, uint64_t token,
			     uint64_t now_boot_ns)
{
	struct each_of_lock each = {.hash = hash, .token = token, .now_boot_ns = now_boot_ns};

	index_find(&conflicts->by_key, hash, mark_released, &each, conflicts->entries);
}

static bool mark_acquired(uint32_t number, const void *key, void *context)
{
	const struct each_of_lock *each = key;
	struct conflict *conflict = &((struct conflict *)context)[number - 1];

	if (conflict->hash != each->hash)
		return false;
	if (conflict_same_actor(&conflict->actor, each->actor)) {
		conflict->resolved = true;
	} else if (conflict->provisional) {
		struct lock_facts *facts = each->facts ? facts_copy(each->facts) : NULL;

		conflict->provisional = false;
		conflict->token = each->token;
		if (facts) {
			free(conflict->facts);
			conflict->facts = facts;
		}
	}
	return false;
}

void conflicts_lock_acquired(struct conflicts *conflicts, uint64_t hash, uint64_t token,
			     const struct conflict_actor *actor, const struct lock_facts *facts)
{
	struct each_of_lock each = {.hash = hash, .token = token, .actor = actor, .facts = facts};

	index_find(&conflicts->by_key, hash, mark_acquired, &each, conflicts->entries);
}

static bool is_awaiting(uint32_t number, const void *key, void *context)
{
	const struct conflict *conflict = &((const struct conflict *)context)[number - 1];

	return conflict->provisional && conflict->hash == *(const uint64_t *)key;
}

bool conflicts_awaits(const struct conflicts *conflicts, uint64_t hash)
{
	return index_find(&conflicts->by_key, hash, is_awaiting, &hash, conflicts->entries) != 0;
}

void conflicts_run_ended(struct conflicts *conflicts, uint32_t run)
{
	uint32_t number = find(conflicts, &(struct conflict_actor){.run = run});

	if (number)
		drop(conflicts, number);
}

void conflicts_release(struct conflicts *conflicts)
{
	for (uint32_t number = 1; number <= conflicts->used; number++)
		free(conflicts->entries[number - 1].facts);
	free(conflicts->entries);
	index_release(&conflicts->by_actor);
	index_release(&conflicts->by_key);
	*conflicts = (struct conflicts){0};
}
