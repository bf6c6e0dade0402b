/* SPDX-License-Identifier: MIT */
#include "node/handle.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/user_counts.h"
#include "node/internal.h"

struct handles {
	struct arena_table *table;
	_Atomic(struct handle_private *) *private; /* by record index */
	uint32_t max_fds;
	_Atomic uint32_t fds; /* kept in private parts */
	pthread_mutex_t mutex;
	struct user_counts users; /* guarded by: mutex */
};

/* 0, -ENFILE or -ENOMEM. */
static int count_user(struct handles *handles, uint32_t uid)
{
	int r = -ENFILE;

	pthread_mutex_lock(&handles->mutex);
	if (!user_counts_reached(&handles->users, uid, HANDLES_PER_USER_MAX))
		r = user_counts_add(&handles->users, uid);
	pthread_mutex_unlock(&handles->mutex);
	return r;
}

static void uncount_user(struct handles *handles, uint32_t uid)
{
	pthread_mutex_lock(&handles->mutex);
	user_counts_remove(&handles->users, uid);
	pthread_mutex_unlock(&handles->mutex);
}

int handles_new(struct arena_table *table, struct handles **ret_handles)
{
	struct handles *handles = calloc(1, sizeof(*handles));

	if (!handles)
		return -ENOMEM;
	handles->table = table;
	handles->max_fds = descriptors_share(DESCRIPTORS_FILES);
	pthread_mutex_init(&handles->mutex, NULL);
	handles->private = calloc((size_t)arena_capacity(table) + 1, sizeof(*handles->private));
	if (!handles->private) {
		handles_free(handles);
		return -ENOMEM;
	}
	/* Those of an earlier worker. */
	for (uint32_t i = 0; (i = arena_next(table, i));)
		(void)count_user(handles, ((struct handle_record *)arena_at(table, i))->uid);
	*ret_handles = handles;
	return 0;
}

bool handle_keep_fd(struct handles *handles, struct handle_private *private, int fd)
{
	if (atomic_fetch_add(&handles->fds, 1) >= handles->max_fds) {
		atomic_fetch_sub(&handles->fds, 1);
		return false;
	}
	private->fd = fd;
	return true;
}

static void release_private(struct handles *handles, struct handle_private *private)
{
	if (!private)
		return;
	if (private->fd >= 0) {
		close(private->fd);
		atomic_fetch_sub(&handles->fds, 1);
	}
	view_listing_release(&private->listing);
	buf_release(&private->text);
	pthread_mutex_destroy(&private->mutex);
	free(private);
}

void handles_free(struct handles *handles)
{
	if (!handles)
		return;
	for (uint32_t i = 0; handles->private && (i = arena_next(handles->table, i));)
		release_private(handles, handles->private[i]);
	free(handles->private);
	user_counts_release(&handles->users);
	pthread_mutex_destroy(&handles->mutex);
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
	struct handle_record *record;
	uint32_t index;
	int r = count_user(handles, like->uid);

	if (r < 0)
		return r;
	index = arena_alloc(handles->table);
	if (!index) {
		uncount_user(handles, like->uid);
		return -ENFILE;
	}
	record = arena_at(handles->table, index);
	record_fill(record, like, sizeof(*record));
	*ret_fh = (uint64_t)record->head.generation << 32 | index;
	arena_publish(handles->table, index, state);
	return 0;
}

int handle_room(struct handles *handles, uint32_t uid)
{
	bool at_limit;

	if (!arena_has_room(handles->table))
		return -ENFILE;
	/* Nobody is at his own limit where not even all together have so many. */
	if (arena_count(handles->table) < HANDLES_PER_USER_MAX)
		return 0;
	pthread_mutex_lock(&handles->mutex);
	at_limit = user_counts_reached(&handles->users, uid, HANDLES_PER_USER_MAX);
	pthread_mutex_unlock(&handles->mutex);
	return at_limit ? -ENFILE : 0;
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
	release_private(handles, made);
	return none;
}

void handle_close(struct handles *handles, uint64_t fh)
{
	uint32_t index = index_of(handles, fh);

	if (!index)
		return;
	uncount_user(handles, ((struct handle_record *)arena_at(handles->table, index))->uid);
	release_private(handles, atomic_exchange(&handles->private[index], NULL));
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
