/* SPDX-License-Identifier: MIT */
#include "node/handle.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/internal.h"

struct handles {
	struct arena_table *table;
	_Atomic(struct handle_private *) *private; /* by record index */
};

int handles_new(struct arena_table *table, struct handles **ret_handles)
{
	struct handles *handles = calloc(1, sizeof(*handles));

	if (!handles)
		return -ENOMEM;
	handles->table = table;
	handles->private = calloc((size_t)arena_capacity(table) + 1, sizeof(*handles->private));
	if (!handles->private) {
		free(handles);
		return -ENOMEM;
	}
	*ret_handles = handles;
	return 0;
}

static void release_private(struct handle_private *private)
{
	if (!private)
		return;
	if (private->fd >= 0)
		close(private->fd);
	view_listing_release(&private->listing);
	buf_release(&private->text);
	pthread_mutex_destroy(&private->mutex);
	free(private);
}

void handles_free(struct handles *handles)
{
	if (!handles)
		return;
	for (uint32_t i = 0; (i = arena_next(handles->table, i));)
		release_private(handles->private[i]);
	free(handles->private);
	free(handles);
}

static uint32_t index_of(struct handles *handles, uint64_t fh)
{
	uint32_t index = (uint32_t)fh;
	struct handle_record *record;

	if (index == 0 || index > arena_capacity(handles->table))
		return 0;
	record = arena_at(handles->table, index);
	return record->head.state && record->head.generation == fh >> 32 ? index : 0;
}

int handle_open(struct handles *handles, const struct handle_record *like, uint32_t state,
		uint64_t *ret_fh)
{
	uint32_t index = arena_alloc(handles->table);
	struct handle_record *record;

	if (!index)
		return -ENFILE;
	record = arena_at(handles->table, index);
	record_fill(record, like, sizeof(*record));
	*ret_fh = (uint64_t)record->head.generation << 32 | index;
	arena_publish(handles->table, index, state);
	return 0;
}

struct handle_record *handle_at(struct handles *handles, uint64_t fh)
{
	uint32_t index = index_of(handles, fh);

	return index ? arena_at(handles->table, index) : NULL;
}

struct handle_private *handle_private(struct handles *handles, uint64_t fh)
{
	uint32_t index = index_of(handles, fh);
	struct handle_private *none = NULL, *made;

	if (!index)
		return NULL;
	made = handles->private[index];
	if (made)
		return made;
	made = calloc(1, sizeof(*made));
	if (!made)
		return NULL;
	pthread_mutex_init(&made->mutex, NULL);
	made->fd = -1;
	if (atomic_compare_exchange_strong(&handles->private[index], &none, made))
		return made;
	release_private(made);
	return none;
}

void handle_close(struct handles *handles, uint64_t fh)
{
	uint32_t index = index_of(handles, fh);

	if (!index)
		return;
	release_private(atomic_exchange(&handles->private[index], NULL));
	arena_free(handles->table, index);
}

uint64_t handle_next(struct handles *handles, uint64_t fh)
{
	uint32_t index = arena_next(handles->table, (uint32_t)fh);
	struct handle_record *record;

	if (!index)
		return 0;
	record = arena_at(handles->table, index);
	return (uint64_t)record->head.generation << 32 | index;
}

uint32_t handles_count(const struct handles *handles)
{
	return arena_count(handles->table);
}
