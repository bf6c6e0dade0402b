/* SPDX-License-Identifier: MIT */
#include "session/retired.h"

#include <stdbool.h>
#include <stdlib.h>

struct retired_entry {
	uint64_t since_boot_ns;
	uint32_t number;
};

void retired_release(struct retired *retired)
{
	free(retired->entries);
	*retired = (struct retired){0};
}

static bool grow(struct retired *retired)
{
	size_t capacity = retired->capacity ? retired->capacity * 2 : 16;
	struct retired_entry *entries = calloc(capacity, sizeof(*entries));

	if (!entries)
		return false;
	for (size_t i = 0; i < retired->count; i++)
		entries[i] = retired->entries[(retired->first + i) % retired->capacity];
	free(retired->entries);
	retired->entries = entries;
	retired->first = 0;
	retired->capacity = capacity;
	return true;
}

void retired_add(struct retired *retired, struct arena_table *table, uint32_t number)
{
	if (retired->count == retired->capacity && !grow(retired)) {
		arena_free(table, number);
		return;
	}
	retired->entries[(retired->first + retired->count++) % retired->capacity] =
		(struct retired_entry){.since_boot_ns = clock_boot_ns(), .number = number};
}

static void free_oldest(struct retired *retired, struct arena_table *table)
{
	arena_free(table, retired->entries[retired->first].number);
	retired->first = (retired->first + 1) % retired->capacity;
	retired->count--;
}

uint32_t retired_alloc(struct retired *retired, struct arena_table *table)
{
	uint64_t now = retired->count ? clock_boot_ns() : 0;
	uint32_t number;

	while (retired->count && now - retired->entries[retired->first].since_boot_ns >= RETIRED_NS)
		free_oldest(retired, table);
	number = arena_alloc(table);
	if (!number && retired->count) {
		free_oldest(retired, table);
		number = arena_alloc(table);
	}
	return number;
}
