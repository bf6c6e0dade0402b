/* SPDX-License-Identifier: MIT */
#include "session/session_table.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

/* How many resets of one session have epochs of their own; the bits above are its generation. */
#define EPOCH_RESETS 4096u

struct session_key {
	uid_t uid;
	const char *id;
};

struct session_record *session_table_at(const struct registry *registry, uint32_t session)
{
	return arena_at(registry->table, session);
}

uint32_t session_table_state(const struct session_record *record)
{
	return atomic_load_explicit(&record->head.state, memory_order_acquire);
}

void session_table_set_state(struct session_record *record, enum session_state state)
{
	atomic_store_explicit(&record->head.state, state, memory_order_release);
}

static uint64_t hash_id(uid_t uid, const char *id)
{
	return XXH3_64bits_withSeed(id, strlen(id), uid);
}

static uint64_t hash_sid(uid_t uid, uint32_t sid)
{
	return XXH3_64bits_withSeed(&sid, sizeof(sid), uid);
}

static bool key_equal(uint32_t number, const void *key, void *context)
{
	const struct session_record *record = session_table_at(context, number);
	const struct session_key *wanted = key;

	return record->uid == wanted->uid && !strcmp(record->id, wanted->id);
}

uint32_t session_table_find_locked(struct registry *registry, uid_t uid, const char *id)
{
	const struct session_key key = {uid, id};

	return index_find(&registry->by_id, hash_id(uid, id), key_equal, &key, registry);
}

static void unindex_locked(struct registry *registry, uint32_t session)
{
	const struct session_record *record = session_table_at(registry, session);

	index_remove(&registry->by_id, hash_id(record->uid, record->id), session);
	if (record->flags & SESSION_POSIX)
		index_remove(&registry->by_sid, hash_sid(record->uid, record->posix_sid), session);
}

int session_table_index_locked(struct registry *registry, uint32_t session)
{
	const struct session_record *record = session_table_at(registry, session);
	int r = index_add(&registry->by_id, hash_id(record->uid, record->id), session);

	if (!r && record->flags & SESSION_POSIX)
		r = index_add(&registry->by_sid, hash_sid(record->uid, record->posix_sid), session);
	if (r)
		unindex_locked(registry, session);
	return r;
}

uint32_t session_table_add_locked(struct registry *registry, const struct session_meta *meta,
				  enum session_state state)
{
	uint32_t session = retired_alloc(&registry->retired, registry->table);
	struct session_record *record;

	if (!session)
		return 0;
	record = session_table_at(registry, session);
	record->uid = meta->uid;
	record->flags = meta->flags;
	record->epoch = record->head.generation * EPOCH_RESETS;
	record->posix_sid = meta->posix_sid;
	record->posix_start_ticks = meta->posix_start_ticks;
	record->created_real_ns = meta->created_real_ns;
	record->used_real_ns = meta->used_real_ns;
	snprintf(record->id, sizeof(record->id), "%.64s", meta->id);
	if (session_table_index_locked(registry, session)) {
		arena_free(registry->table, session);
		return 0;
	}
	arena_publish(registry->table, session, state);
	registry->used++;
	if (state == SESSION_STATE_LIVE)
		atomic_fetch_add(&registry->live, 1);
	return session;
}

void session_table_drop_locked(struct registry *registry, uint32_t session)
{
	unindex_locked(registry, session);
	registry->used--;
	session_table_set_state(session_table_at(registry, session), SESSION_STATE_GONE);
	retired_add(&registry->retired, registry->table, session);
	pthread_cond_broadcast(&registry->settled);
}

void session_table_settle_locked(struct registry *registry, uint32_t session)
{
	session_table_set_state(session_table_at(registry, session), SESSION_STATE_LIVE);
	atomic_fetch_add(&registry->live, 1);
	pthread_cond_broadcast(&registry->settled);
}

void session_table_adopt_locked(struct registry *registry, uint32_t session)
{
	struct session_record *record = session_table_at(registry, session);

	if (record->flags & SESSION_POSIX)
		index_remove(&registry->by_sid, hash_sid(record->uid, record->posix_sid), session);
	record->flags = 0;
	record->posix_sid = 0;
	record->posix_start_ticks = 0;
}

void session_table_raise_epoch(struct session_record *record)
{
	uint32_t now = atomic_load(&record->epoch);
	uint32_t next;

	do
		next = now - now % EPOCH_RESETS + (now + 1) % EPOCH_RESETS;
	while (!atomic_compare_exchange_weak(&record->epoch, &now, next));
}

struct sid_search {
	struct registry *registry;
	uid_t uid;
	uint32_t sid;
	uint32_t best;
};

/* Sees every candidate, and remembers the one with the youngest leader. */
static bool sid_visit(uint32_t number, const void *key, void *context)
{
	struct sid_search *search = context;
	const struct session_record *record = session_table_at(search->registry, number);

	(void)key;
	if (record->uid == search->uid && record->posix_sid == search->sid &&
	    session_table_state(record) == SESSION_STATE_LIVE &&
	    (!search->best ||
	     record->posix_start_ticks >
		     session_table_at(search->registry, search->best)->posix_start_ticks))
		search->best = number;
	return false;
}

uint32_t registry_find_posix(struct registry *registry, uid_t uid, uint32_t posix_sid)
{
	struct sid_search search = {.registry = registry, .uid = uid, .sid = posix_sid};

	pthread_mutex_lock(&registry->mutex);
	(void)index_find(&registry->by_sid, hash_sid(uid, posix_sid), sid_visit, NULL, &search);
	pthread_mutex_unlock(&registry->mutex);
	return search.best;
}
