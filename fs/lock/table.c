/* SPDX-License-Identifier: MIT */
#include "lock/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "lock/holder.h"

_Static_assert(sizeof(struct lock_record) % 8 == 0, "arena records are multiples of 8");

uint64_t table_key_hash(const struct lock_key *key)
{
	uint64_t scope = ((uint64_t)key->session << 32) | key->share;

	return XXH3_64bits_withSeed(key->path, strlen(key->path), scope);
}

struct lock_key table_key_of(const struct lock_record *record)
{
	return (struct lock_key){
		.share = record->share, .session = record->session_scope, .path = record->path};
}

uint64_t table_path_hash(const struct locks *locks, const struct lock_record *record)
{
	const char *share = locks->setup.config->shares[record->share].path;
	uint64_t seed = XXH3_64bits(share, strlen(share)) ^ record->session_scope;

	return XXH3_64bits_withSeed(record->path, strlen(record->path), seed);
}

static uint64_t run_hash(uint32_t run)
{
	return run * 0x9e3779b97f4a7c15ULL;
}

static bool has_key(const struct lock_record *record, const struct lock_key *key)
{
	return record->share == key->share && record->session_scope == key->session &&
	       strcmp(record->path, key->path) == 0;
}

static bool is_held_of_key(uint32_t number, const void *key, void *context)
{
	const struct lock_record *record = table_at(context, number);

	return atomic_load(&record->head.state) == LOCK_STATE_HELD && has_key(record, key);
}

uint32_t table_held_locked(struct locks *locks, const struct lock_key *key)
{
	return index_find(&locks->by_key, table_key_hash(key), is_held_of_key, key, locks);
}

struct pending_search {
	struct locks *locks;
	const struct actor *actor;
	const struct lock_party *mark;
	uint32_t oldest;
};

static bool visit_pending(uint32_t number, const void *key, void *context)
{
	struct pending_search *search = context;
	struct locks *locks = search->locks;
	const struct lock_record *record = table_at(locks, number);

	if (atomic_load(&record->head.state) != LOCK_STATE_PENDING || !has_key(record, key))
		return false;
	if (search->mark) {
		locks->extra[number].removed = true;
		locks->extra[number].remover = *search->mark;
	}
	if (search->actor && holder_is(record, search->actor))
		return false;
	if (search->oldest == 0 ||
	    record->acquired_boot_ns < table_at(locks, search->oldest)->acquired_boot_ns)
		search->oldest = number;
	return false;
}

uint32_t table_pending_locked(struct locks *locks, const struct lock_key *key,
			      const struct actor *actor)
{
	struct pending_search search = {.locks = locks, .actor = actor};

	index_find(&locks->by_key, table_key_hash(key), visit_pending, key, &search);
	return search.oldest;
}

void table_mark_pending_locked(struct locks *locks, const struct lock_key *key,
			       const struct lock_party *by)
{
	struct pending_search search = {.locks = locks, .mark = by};

	index_find(&locks->by_key, table_key_hash(key), visit_pending, key, &search);
}

uint32_t table_prepare(struct locks *locks, const struct lock_key *key, enum lock_idiom idiom,
		       const struct actor *actor)
{
	struct lock_record *record;
	size_t len = strlen(key->path);
	uint32_t lock;

	if (len >= sizeof(record->path) || tokens_prepare(locks, TOKENS_LOW) < 0)
		return 0;
	lock = arena_alloc(locks->setup.table);
	if (lock == 0)
		return 0;
	record = table_at(locks, lock);
	record->share = key->share;
	record->session_scope = key->session;
	record->idiom = idiom;
	memcpy(record->path, key->path, len + 1);
	record->acquired_boot_ns = clock_boot_ns();
	record->acquired_real_ns = clock_real_ns();
	holder_capture(locks, actor, record);
	return lock;
}

int table_publish_locked(struct locks *locks, uint32_t lock, enum lock_record_state state)
{
	struct lock_record *record = table_at(locks, lock);
	struct lock_key key = table_key_of(record);

	if (index_add(&locks->by_key, table_key_hash(&key), lock) < 0)
		return -ENOMEM;
	if (record->run && index_add(&locks->by_run, run_hash(record->run), lock) < 0) {
		index_remove(&locks->by_key, table_key_hash(&key), lock);
		return -ENOMEM;
	}
	locks->extra[lock] = (struct lock_extra){0};
	if (state == LOCK_STATE_HELD)
		locks->held++;
	arena_publish(locks->setup.table, lock, state);
	return 0;
}

struct conflict_actor conflict_actor_of_session(const struct locks *locks, uint32_t session)
{
	struct conflict_actor actor = {.session = session};

	if (session)
		actor.session_generation =
			registry_at(locks->setup.identity->registry, session)->head.generation;
	return actor;
}

static struct conflict_actor conflict_actor_of(const struct locks *locks,
					       const struct lock_record *record)
{
	if (record->run)
		return (struct conflict_actor){.run = record->run};
	return conflict_actor_of_session(locks, record->session);
}

/* Tells those who met the lock while it was being made, and the holder's own last conflict. */
static void tell_acquired_locked(struct locks *locks, const struct lock_record *record)
{
	struct lock_key key = table_key_of(record);
	struct conflict_actor actor = conflict_actor_of(locks, record);
	uint64_t hash = table_key_hash(&key);
	struct lock_facts *facts = NULL;

	if (conflicts_awaits(&locks->conflicts, hash)) {
		struct facts_moment moment = {.now_boot_ns = clock_boot_ns(), .alive = true};

		facts = table_facts_locked(locks, record, &moment);
	}
	conflicts_lock_acquired(&locks->conflicts, hash, record->token, &actor, facts);
	free(facts);
}

void table_hold_locked(struct locks *locks, uint32_t lock)
{
	struct lock_record *record = table_at(locks, lock);

	record->token = token_take_locked(locks);
	locks->extra[lock] = (struct lock_extra){0};
	locks->held++;
	arena_publish(locks->setup.table, lock, LOCK_STATE_HELD);
	tell_acquired_locked(locks, record);
}

int table_publish_held_locked(struct locks *locks, uint32_t lock, const struct stat *st)
{
	struct lock_record *record = table_at(locks, lock);
	int r;

	record->file_dev = st->st_dev;
	record->file_ino = st->st_ino;
	record->token = token_take_locked(locks);
	r = table_publish_locked(locks, lock, LOCK_STATE_HELD);
	if (r < 0)
		arena_free(locks->setup.table, lock);
	else
		tell_acquired_locked(locks, record);
	return r;
}

bool table_is_held_locked(struct locks *locks, uint32_t lock, uint64_t token)
{
	const struct lock_record *record = table_at(locks, lock);

	return atomic_load(&record->head.state) == LOCK_STATE_HELD && record->token == token;
}

struct run_search {
	struct locks *locks;
	uint32_t *found;
	size_t count;
};

static bool visit_of_run(uint32_t number, const void *key, void *context)
{
	struct run_search *search = context;
	uint32_t *grown;

	if (table_at(search->locks, number)->run != *(const uint32_t *)key)
		return false;
	/* Grows by doubling: a new size at each power of two. */
	if ((search->count & (search->count - 1)) == 0) {
		size_t capacity = search->count ? search->count * 2 : 1;

		grown = realloc(search->found, capacity * sizeof(*grown));
		if (!grown)
			return true; /* a sweep finds the rest */
		search->found = grown;
	}
	search->found[search->count++] = number;
	return false;
}

size_t table_of_run_locked(struct locks *locks, uint32_t run, uint32_t **ret_locks)
{
	struct run_search search = {.locks = locks};

	index_find(&locks->by_run, run_hash(run), visit_of_run, &run, &search);
	*ret_locks = search.found;
	return search.count;
}

void table_leave_run_locked(struct locks *locks, uint32_t lock)
{
	struct lock_record *record = table_at(locks, lock);

	if (record->run)
		index_remove(&locks->by_run, run_hash(record->run), lock);
	record->run = 0;
}

static void free_sharers(struct lock_sharer *sharer)
{
	while (sharer) {
		struct lock_sharer *next = sharer->next;

		free(sharer);
		sharer = next;
	}
}

/* What a held lock's end means to the history and to those who were denied. */
static void note_end_locked(struct locks *locks, const struct lock_record *record,
			    enum lock_end end, uint64_t now_boot_ns)
{
	struct lock_key key = table_key_of(record);

	conflicts_lock_released(&locks->conflicts, table_key_hash(&key), record->token,
				now_boot_ns);
	if (end != LOCK_END_RELEASED || record->idiom == LOCK_IDIOM_PRESENCE ||
	    record->flags & LOCK_STALE)
		return;
	history_add(&locks->history, table_path_hash(locks, record),
		    (now_boot_ns - record->acquired_boot_ns) / NSEC_PER_MSEC);
	locks->history_dirty = true;
}

struct lock_report *table_drop_locked(struct locks *locks, uint32_t lock, enum lock_end end,
				      const struct lock_party *by)
{
	struct lock_record *record = table_at(locks, lock);
	struct lock_report *report = lock_report_new(record, end, by);
	struct lock_key key = table_key_of(record);

	if (atomic_load(&record->head.state) == LOCK_STATE_HELD) {
		locks->held--;
		note_end_locked(locks, record, end, clock_boot_ns());
	}
	index_remove(&locks->by_key, table_key_hash(&key), lock);
	if (record->run)
		index_remove(&locks->by_run, run_hash(record->run), lock);
	free_sharers(locks->extra[lock].sharers);
	locks->extra[lock] = (struct lock_extra){0};
	arena_free(locks->setup.table, lock);
	return report;
}

struct lock_facts *table_facts_locked(struct locks *locks, const struct lock_record *record,
				      struct facts_moment *moment)
{
	struct lock_key key = table_key_of(record);
	uint64_t held_ns = moment->now_boot_ns > record->acquired_boot_ns
				   ? moment->now_boot_ns - record->acquired_boot_ns
				   : 0;

	moment->waiters = waiters_count(&locks->waiters, table_key_hash(&key));
	moment->retry_after_ms = history_estimate_ms(
		&locks->history, table_path_hash(locks, record), held_ns / NSEC_PER_MSEC);
	return facts_new(record, locks->setup.config->shares[record->share].path, moment);
}
