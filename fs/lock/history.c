/* SPDX-License-Identifier: MIT */
#include "lock/history.h"

#include <stdbool.h>
#include <string.h>

static struct history_entry *entry_for(struct history *history, uint64_t path_hash)
{
	struct history_entry *oldest = &history->entries[0];

	for (size_t i = 0; i < HISTORY_PATHS; i++) {
		struct history_entry *entry = &history->entries[i];

		if (entry->used && entry->path_hash == path_hash)
			return entry;
		if (entry->used < oldest->used)
			oldest = entry;
	}
	*oldest = (struct history_entry){.path_hash = path_hash};
	return oldest;
}

void history_add(struct history *history, uint64_t path_hash, uint64_t held_ms)
{
	struct history_entry *entry = entry_for(history, path_hash);

	entry->used = ++history->used_next;
	entry->times_ms[entry->next] = held_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)held_ms;
	entry->next = (entry->next + 1) % HISTORY_TIMES;
	if (entry->count < HISTORY_TIMES)
		entry->count++;
}

uint32_t history_estimate_ms(const struct history *history, uint64_t path_hash, uint64_t held_ms)
{
	for (size_t i = 0; i < HISTORY_PATHS; i++) {
		const struct history_entry *entry = &history->entries[i];

		if (entry->used && entry->path_hash == path_hash)
			return retry_estimate_ms(entry->times_ms, entry->count, held_ms);
	}
	return retry_estimate_ms(NULL, 0, held_ms);
}

static bool is_plausible(const struct history *history)
{
	for (size_t i = 0; i < HISTORY_PATHS; i++) {
		const struct history_entry *entry = &history->entries[i];

		if (entry->count > HISTORY_TIMES || entry->next >= HISTORY_TIMES ||
		    entry->used > history->used_next)
			return false;
	}
	return true;
}

void history_load(struct history *history, const void *data, size_t len)
{
	if (len != sizeof(*history))
		return;
	memcpy(history, data, len);
	if (!is_plausible(history))
		memset(history, 0, sizeof(*history));
}
