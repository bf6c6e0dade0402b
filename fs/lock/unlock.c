/* SPDX-License-Identifier: MIT */
/*
 * `unlock`: a lock is freed because somebody asks for it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "lock/free.h"
#include "lock/holder.h"
#include "lock/lockfile.h"
#include "lock/stale.h"
#include "lock/table.h"

/* The file of a live lock is deleted: its holder has lost it. */
static void evict(struct locks *locks, uint32_t lock, const struct lock_record *copy,
		  const struct actor *actor)
{
	struct lock_report *report = NULL;
	struct lock_party by;

	party_capture(locks, actor, &by);
	pthread_mutex_lock(&locks->mutex);
	if (table_is_held_locked(locks, lock, copy->token))
		report = table_drop_locked(locks, lock, LOCK_END_LOST, &by);
	pthread_mutex_unlock(&locks->mutex);
	lock_reports_emit_consume(locks, report);
	if (locks->setup.freed)
		locks->setup.freed(copy->share, copy->path, locks->setup.context);
}

static void unmark(struct locks *locks, uint32_t lock, uint64_t token)
{
	pthread_mutex_lock(&locks->mutex);
	if (table_is_held_locked(locks, lock, token))
		table_at(locks, lock)->flags &= ~(uint32_t)LOCK_FREEING;
	pthread_mutex_unlock(&locks->mutex);
}

int lock_unlock(struct locks *locks, uint32_t lock, uint64_t force_token, const struct actor *actor)
{
	_cleanup_free_ struct lock_report *copy = free_copy_held(locks, lock);
	const struct lock_record *record;
	bool stale;
	int freed;

	if (!copy)
		return LOCK_UNLOCK_FREE;
	record = &copy->record;
	if (actor->uid != 0 && actor->uid != record->uid)
		return LOCK_UNLOCK_OTHERS;
	stale = stale_is(locks, record);
	if (force_token && record->token != force_token)
		return LOCK_UNLOCK_NEWER;
	if (!stale && !force_token)
		return LOCK_UNLOCK_LIVE;
	freed = free_delete_file(locks, lock, record);
	if (freed == LOCKFILE_FREED && !stale)
		evict(locks, lock, record, actor);
	else if (freed == LOCKFILE_FREED || freed == LOCKFILE_GONE)
		free_conclude(locks, lock, record, false, freed);
	else
		unmark(locks, lock, record->token);
	if (freed == LOCKFILE_KEPT)
		return LOCK_UNLOCK_KEPT;
	return freed < 0 ? freed : LOCK_UNLOCK_FREE;
}
