/* SPDX-License-Identifier: MIT */
/*
 * Locks that go with their owner or handle, and files that change their key.
 */
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lock/advisory_table.h"

void advisory_tell(struct advisory *advisory, bool due)
{
	if (due && advisory->woken)
		advisory->woken(advisory->context);
}

size_t advisory_drop_locked(struct advisory *advisory, const struct advisory_request *request)
{
	size_t others;

	/* Out of memory: what was found goes, and the handle's release finds the rest. */
	advisory_list_locked(advisory, request, &others);
	for (size_t i = 0; i < advisory->list.n; i++)
		advisory_remove_locked(advisory, advisory->list.items[i].number);
	return advisory->list.n;
}

int advisory_close(struct advisory *advisory, struct advisory_request *request, bool *ret_had)
{
	bool due = false;
	uint32_t pending;
	size_t others;
	int r = ADVISORY_DONE;

	request->range = (struct range){0, RANGE_END, RANGE_NONE};
	pthread_mutex_lock(&advisory->mutex);
	pending = advisory_pending_locked(advisory, request);
	*ret_had = pending || advisory_list_locked(advisory, request, &others) < 0 ||
		   advisory->list.n > 0;
	if (pending) {
		advisory_at(advisory, pending)->doomed = 1;
		r = ADVISORY_BUSY;
	} else if (*ret_had) {
		r = advisory_try_locked(advisory, request);
		if (r < 0) {
			advisory_drop_locked(advisory, request);
			r = ADVISORY_DONE;
		}
		if (r == ADVISORY_DONE)
			due = advisory_grant_locked(advisory, &request->key, request->kind);
	}
	pthread_mutex_unlock(&advisory->mutex);
	advisory_tell(advisory, due);
	return r;
}

/* A request that stands for the owner of a record, and his file. */
static struct advisory_request request_of(const struct advisory_record *record)
{
	return (struct advisory_request){.key = advisory_key_of(record),
					 .kind = (enum advisory_kind)record->kind,
					 .owner = record->owner,
					 .handle = record->handle,
					 .uid = record->uid};
}

static bool visit_handle(uint32_t number, const void *key, void *context)
{
	struct advisory *advisory = context;
	const struct advisory_record *record = advisory_at(advisory, number);
	struct advisory_request request = request_of(record);
	uint32_t pending;

	if (record->handle != *(const uint64_t *)key)
		return false;
	/* What a call under way will see to is not reported. */
	pending = advisory_pending_locked(advisory, &request);
	return !pending || !advisory_at(advisory, pending)->doomed;
}

bool advisory_of_handle(struct advisory *advisory, uint64_t handle,
			struct advisory_request *ret_request)
{
	uint32_t number;

	pthread_mutex_lock(&advisory->mutex);
	number = index_find(&advisory->by_handle, advisory_handle_hash(handle), visit_handle,
			    &handle, advisory);
	if (number)
		*ret_request = request_of(advisory_at(advisory, number));
	pthread_mutex_unlock(&advisory->mutex);
	return number != 0;
}

struct move {
	struct advisory *advisory;
	const struct advisory_key *from;
	bool (*is)(uint64_t handle, void *context);
	void *context;
};

static bool visit_move(uint32_t number, const void *key, void *context)
{
	const struct move *move = context;
	const struct advisory_record *record = advisory_at(move->advisory, number);
	struct advisory_key own = advisory_key_of(record);

	(void)key;
	return advisory_same_file(&own, move->from) && move->is(record->handle, move->context);
}

static bool move_one_locked(const struct move *move, const struct advisory_key *to,
			    enum advisory_kind family)
{
	struct advisory *advisory = move->advisory;
	uint32_t number = index_find(&advisory->by_file, advisory_hash(move->from, family),
				     visit_move, NULL, (void *)(uintptr_t)move);
	struct advisory_record *record;

	if (!number)
		return false;
	record = advisory_at(advisory, number);
	advisory_unindex_locked(advisory, number);
	record->session = to->session;
	record->share = to->share;
	record->dev = to->dev;
	record->ino = to->ino;
	if (advisory_index_locked(advisory, number) < 0)
		arena_free(advisory->table, number);
	return true;
}

static void move_waiters_locked(const struct move *move, const struct advisory_key *to,
				enum advisory_kind family)
{
	struct advisory_waiter *next;

	for (struct advisory_waiter *at = *advisory_waiters(move->advisory, move->from, family); at;
	     at = next) {
		next = at->next;
		if (!advisory_waits_for(at, move->from, family) ||
		    !move->is(at->request.handle, move->context))
			continue;
		advisory_dequeue_locked(move->advisory, at);
		at->request.key = *to;
		advisory_queue_locked(move->advisory, at);
	}
}

void advisory_move(struct advisory *advisory, const struct advisory_key *from,
		   const struct advisory_key *to, bool (*is)(uint64_t handle, void *context),
		   void *context)
{
	const struct move move = {.advisory = advisory, .from = from, .is = is, .context = context};

	pthread_mutex_lock(&advisory->mutex);
	while (move_one_locked(&move, to, ADVISORY_POSIX))
		;
	while (move_one_locked(&move, to, ADVISORY_FLOCK))
		;
	move_waiters_locked(&move, to, ADVISORY_POSIX);
	move_waiters_locked(&move, to, ADVISORY_FLOCK);
	pthread_mutex_unlock(&advisory->mutex);
}
