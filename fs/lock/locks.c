/* SPDX-License-Identifier: MIT */
/*
 * The table's life, and what it tells of itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "lock/lockfile.h"
#include "lock/settle.h"
#include "lock/table.h"

/*
 * The last worker was killed while it freed the lock. Where it had not come to rename the file,
 * the record is judged again by the next sweep.
 */
static void recover_freeing(struct locks *locks, uint32_t lock)
{
	struct lock_record *record = table_at(locks, lock);

	if (lockfile_free_resume(locks, record) == LOCKFILE_FREED)
		lock_report_free(table_drop_locked(locks, lock, LOCK_END_FREED, NULL));
	else
		record->flags &= ~(uint32_t)LOCK_FREEING;
}

/* The last worker was killed between making the file and committing the claim, or before. */
static void recover_pending(struct locks *locks, uint32_t lock)
{
	struct lock_record *record = table_at(locks, lock);
	struct lock_key key = table_key_of(record);
	struct lock_report *reports = NULL;
	struct lockfile file;
	uint32_t held = table_held_locked(locks, &key);

	if (lockfile_stat(locks, &key, &file) < 0 || file.st.st_uid != record->uid ||
	    (held && lockfile_is_of(&file, table_at(locks, held)))) {
		lock_report_free(table_drop_locked(locks, lock, LOCK_END_REPLACED, NULL));
		return;
	}
	record->file_dev = file.st.st_dev;
	record->file_ino = file.st.st_ino;
	record->file_birth = file.birth;
	settle_claim(locks, lock, &reports);
	lock_reports_emit_consume(locks, reports);
}

/* Single-threaded: nobody else has the table yet. */
static int rebuild(struct locks *locks)
{
	struct arena_table *table = locks->setup.table;

	for (uint32_t lock = arena_next(table, 0); lock; lock = arena_next(table, lock)) {
		struct lock_record *record = table_at(locks, lock);
		uint32_t state = atomic_load(&record->head.state);

		if (table_publish_locked(locks, lock, (enum lock_record_state)state) < 0)
			return -ENOMEM;
	}
	for (uint32_t lock = arena_next(table, 0); lock; lock = arena_next(table, lock))
		if (table_at(locks, lock)->flags & LOCK_FREEING)
			recover_freeing(locks, lock);
	for (uint32_t lock = arena_next(table, 0); lock; lock = arena_next(table, lock))
		if (atomic_load(&table_at(locks, lock)->head.state) == LOCK_STATE_PENDING)
			recover_pending(locks, lock);
	return 0;
}

static void load_history(struct locks *locks)
{
	_cleanup_free_ void *data = NULL;
	size_t len;
	int r = store_state_read(locks->setup.store, "history", &data, &len);

	if (r == 0)
		history_load(&locks->history, data, len);
	else if (r != -ENOENT)
		log_warning("how long locks were held is forgotten: %s", strerror(-r));
}

int locks_new(const struct locks_setup *setup, struct locks **ret_locks)
{
	struct locks *locks = calloc(1, sizeof(*locks));
	int r;

	if (!locks)
		return -ENOMEM;
	locks->setup = *setup;
	pthread_mutex_init(&locks->mutex, NULL);
	pthread_cond_init(&locks->tokens_reserved, NULL);
	if (gethostname(locks->host, sizeof(locks->host) - 1) < 0)
		locks->host[0] = '\0';
	locks->extra = calloc((size_t)arena_capacity(setup->table) + 1, sizeof(*locks->extra));
	r = locks->extra ? tokens_load(locks) : -ENOMEM;
	if (r == 0) {
		load_history(locks);
		r = rebuild(locks);
	}
	if (r < 0) {
		locks_free(locks);
		return r;
	}
	*ret_locks = locks;
	return 0;
}

static void free_extra(struct locks *locks)
{
	if (!locks->extra)
		return;
	for (uint32_t lock = 1; lock <= arena_capacity(locks->setup.table); lock++) {
		struct lock_sharer *sharer = locks->extra[lock].sharers;

		while (sharer) {
			struct lock_sharer *next = sharer->next;

			free(sharer);
			sharer = next;
		}
	}
	free(locks->extra);
}

void locks_free(struct locks *locks)
{
	if (!locks)
		return;
	locks_save_history(locks);
	while (locks->departed) {
		struct lock_report *next = locks->departed->next;

		free(locks->departed);
		locks->departed = next;
	}
	for (size_t i = 0; i < LOCK_RECENT_MAX; i++)
		free(locks->recent[i]);
	free_extra(locks);
	waiters_release(&locks->waiters);
	conflicts_release(&locks->conflicts);
	losses_release(&locks->losses);
	index_release(&locks->by_key);
	index_release(&locks->by_run);
	pthread_cond_destroy(&locks->tokens_reserved);
	pthread_mutex_destroy(&locks->mutex);
	free(locks);
}

uint32_t locks_next(struct locks *locks, uint32_t lock)
{
	do {
		lock = arena_next(locks->setup.table, lock);
	} while (lock && atomic_load(&table_at(locks, lock)->head.state) != LOCK_STATE_HELD);
	return lock;
}

uint32_t locks_count(struct locks *locks)
{
	uint32_t count;

	pthread_mutex_lock(&locks->mutex);
	count = locks->held;
	pthread_mutex_unlock(&locks->mutex);
	return count;
}

uint32_t locks_find(struct locks *locks, const struct lock_key *key)
{
	uint32_t lock;

	pthread_mutex_lock(&locks->mutex);
	lock = table_held_locked(locks, key);
	pthread_mutex_unlock(&locks->mutex);
	return lock;
}

bool locks_read(struct locks *locks, uint32_t lock, struct lock_record *ret_record)
{
	const struct lock_record *record;
	bool held;

	if (lock == 0 || lock > arena_capacity(locks->setup.table))
		return false;
	record = table_at(locks, lock);
	pthread_mutex_lock(&locks->mutex);
	held = atomic_load(&record->head.state) == LOCK_STATE_HELD;
	if (held)
		memcpy(ret_record, record, sizeof(*ret_record));
	pthread_mutex_unlock(&locks->mutex);
	return held;
}

uint32_t locks_waiters(struct locks *locks, const struct lock_key *key)
{
	uint32_t count;

	pthread_mutex_lock(&locks->mutex);
	count = waiters_count(&locks->waiters, table_key_hash(key));
	pthread_mutex_unlock(&locks->mutex);
	return count;
}

void locks_waiter_add(struct locks *locks, const struct lock_key *key, int delta)
{
	pthread_mutex_lock(&locks->mutex);
	waiters_add(&locks->waiters, table_key_hash(key), delta);
	pthread_mutex_unlock(&locks->mutex);
}
