/* SPDX-License-Identifier: MIT */
/*
 * Advisory locks on files of class lock: who has one, as it was granted. The first holder is the
 * record; further ones, of a shared flock or of other ranges, are counted in it, and known to this
 * worker.
 */
#include <stdlib.h>
#include <string.h>

#include "lock/holder.h"
#include "lock/lockfile.h"
#include "lock/table.h"

static bool is_owners(const struct lock_record *record, enum lock_idiom idiom, uint64_t owner)
{
	return record->idiom == idiom && record->owner == owner;
}

static bool has_owner(const struct locks *locks, uint32_t lock, enum lock_idiom idiom,
		      uint64_t owner)
{
	if (is_owners(table_at(locks, lock), idiom, owner))
		return true;
	for (struct lock_sharer *at = locks->extra[lock].sharers; at; at = at->next)
		if (is_owners(&at->holder, idiom, owner))
			return true;
	return false;
}

static bool is_advisory(const struct lock_record *record)
{
	return record->idiom == LOCK_IDIOM_FLOCK || record->idiom == LOCK_IDIOM_FCNTL;
}

/* Moves a prepared record's holder into the held one's list of sharers. */
static void share_locked(struct locks *locks, uint32_t held, uint32_t prepared)
{
	struct lock_record *record = table_at(locks, held);
	struct lock_sharer *sharer = calloc(1, sizeof(*sharer));

	if (sharer) {
		memcpy((char *)&sharer->holder + sizeof(record->head),
		       (const char *)table_at(locks, prepared) + sizeof(record->head),
		       offsetof(struct lock_record, path) - sizeof(record->head));
		sharer->holder.token = token_take_locked(locks);
		sharer->next = locks->extra[held].sharers;
		locks->extra[held].sharers = sharer;
		record->shared_count++;
	}
	arena_free(locks->setup.table, prepared);
}

static bool is_of_file(const struct lock_record *record, const struct stat *st)
{
	const struct lockfile file = {.st = *st};

	return is_advisory(record) && lockfile_is_of(&file, record);
}

/*
 * Puts the prepared record where it belongs: beside the other holders, in the place of a presence
 * (or of holders whose release is still to be told), or nowhere, where the file's existence is
 * the lock already.
 */
static struct lock_report *grant_locked(struct locks *locks, uint32_t prepared,
					const struct stat *st, bool alone)
{
	const struct lock_record *granted = table_at(locks, prepared);
	struct lock_key key = table_key_of(granted);
	uint32_t held = table_held_locked(locks, &key);
	struct lock_report *report = NULL;

	if (held) {
		const struct lock_record *record = table_at(locks, held);
		bool same_file = is_of_file(record, st);

		if (same_file &&
		    has_owner(locks, held, (enum lock_idiom)granted->idiom, granted->owner)) {
			arena_free(locks->setup.table, prepared);
			return NULL;
		}
		if (same_file && !(alone && record->idiom == granted->idiom)) {
			share_locked(locks, held, prepared);
			return NULL;
		}
		if (!is_advisory(record) && record->idiom != LOCK_IDIOM_PRESENCE) {
			arena_free(locks->setup.table, prepared);
			return NULL;
		}
		report = table_drop_locked(
			locks, held, is_advisory(record) ? LOCK_END_RELEASED : LOCK_END_REPLACED,
			NULL);
	}
	table_publish_held_locked(locks, prepared, st);
	return report;
}

/* Whether he is known to have it: then nothing needs to be read of him. */
static bool is_known(struct locks *locks, const struct lock_key *key, enum lock_idiom idiom,
		     uint64_t owner, const struct stat *st)
{
	uint32_t held;
	bool known;

	pthread_mutex_lock(&locks->mutex);
	held = table_held_locked(locks, key);
	known = held && is_of_file(table_at(locks, held), st) &&
		has_owner(locks, held, idiom, owner);
	pthread_mutex_unlock(&locks->mutex);
	return known;
}

void lock_advisory_granted(struct locks *locks, const struct lock_key *key,
			   const struct actor *actor, const struct stat *st, enum lock_idiom idiom,
			   uint64_t owner, bool alone)
{
	struct lock_report *report;
	uint32_t prepared;

	if (is_known(locks, key, idiom, owner, st))
		return;
	prepared = table_prepare(locks, key, idiom, actor);
	if (prepared == 0)
		return;
	table_at(locks, prepared)->owner = owner;
	pthread_mutex_lock(&locks->mutex);
	report = grant_locked(locks, prepared, st, alone);
	pthread_mutex_unlock(&locks->mutex);
	lock_reports_emit_consume(locks, report);
}

/* The recorded holder has released: the oldest sharer takes his place. */
static struct lock_report *promote_locked(struct locks *locks, uint32_t held)
{
	struct lock_record *record = table_at(locks, held);
	struct lock_sharer **last = &locks->extra[held].sharers;
	struct lock_sharer *rest = NULL;
	struct lock_sharer *heir;
	struct lock_report *report;
	uint32_t heirs_lock;

	while ((*last)->next)
		last = &(*last)->next;
	heir = *last;
	*last = NULL;
	rest = locks->extra[held].sharers;
	locks->extra[held].sharers = NULL;

	memcpy(heir->holder.path, record->path, strlen(record->path) + 1);
	heir->holder.shared_count = record->shared_count - 1;
	heir->holder.file_dev = record->file_dev;
	heir->holder.file_ino = record->file_ino;
	report = table_drop_locked(locks, held, LOCK_END_RELEASED, NULL);
	heirs_lock = arena_alloc(locks->setup.table);
	if (heirs_lock) {
		record = table_at(locks, heirs_lock);
		memcpy((char *)record + sizeof(record->head),
		       (char *)&heir->holder + sizeof(record->head),
		       sizeof(*record) - sizeof(record->head));
		if (table_publish_locked(locks, heirs_lock, LOCK_STATE_HELD) == 0) {
			locks->extra[heirs_lock].sharers = rest;
			rest = NULL;
		} else {
			arena_free(locks->setup.table, heirs_lock);
		}
	}
	free(heir);
	while (rest) {
		struct lock_sharer *next = rest->next;

		free(rest);
		rest = next;
	}
	return report;
}

static struct lock_report *release_locked(struct locks *locks, uint32_t held, enum lock_idiom idiom,
					  uint64_t owner)
{
	struct lock_record *record = table_at(locks, held);

	if (is_owners(record, idiom, owner)) {
		if (locks->extra[held].sharers)
			return promote_locked(locks, held);
		return table_drop_locked(locks, held, LOCK_END_RELEASED, NULL);
	}
	for (struct lock_sharer **at = &locks->extra[held].sharers; *at; at = &(*at)->next) {
		struct lock_sharer *sharer = *at;

		if (!is_owners(&sharer->holder, idiom, owner))
			continue;
		*at = sharer->next;
		free(sharer);
		record->shared_count--;
		break;
	}
	return NULL;
}

void lock_advisory_released(struct locks *locks, const struct lock_key *key, enum lock_idiom idiom,
			    uint64_t owner)
{
	struct lock_report *report = NULL;
	uint32_t held;

	pthread_mutex_lock(&locks->mutex);
	held = table_held_locked(locks, key);
	if (held && is_advisory(table_at(locks, held)))
		report = release_locked(locks, held, idiom, owner);
	pthread_mutex_unlock(&locks->mutex);
	if (report)
		lock_reports_emit_consume(locks, report);
	else if (locks->setup.released) /* a sharer less: an exclusive wait may be over */
		locks->setup.released(locks->setup.context);
}
