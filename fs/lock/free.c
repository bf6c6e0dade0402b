/* SPDX-License-Identifier: MIT */
#include "lock/free.h"

#include <string.h>

#include "base/log.h"
#include "lock/idiom.h"
#include "lock/lockfile.h"
#include "lock/settle.h"

struct lock_report *free_copy_held(struct locks *locks, uint32_t lock)
{
	struct lock_report *copy = NULL;

	pthread_mutex_lock(&locks->mutex);
	if (atomic_load(&table_at(locks, lock)->head.state) == LOCK_STATE_HELD)
		copy = lock_report_new(table_at(locks, lock), LOCK_END_FREED, NULL);
	pthread_mutex_unlock(&locks->mutex);
	return copy;
}

/* The lock stays, and is shown stale: it is no run's any more. */
static struct lock_report *report_stale_locked(struct locks *locks, uint32_t lock)
{
	struct lock_record *record = table_at(locks, lock);

	if (record->flags & LOCK_STALE)
		return NULL;
	table_leave_run_locked(locks, lock);
	record->flags = (record->flags | LOCK_STALE) & ~(uint32_t)LOCK_FREEING;
	return lock_report_new(record, LOCK_END_STALE, NULL);
}

bool free_may_delete(const struct locks *locks, const struct lock_record *record)
{
	return idiom_is_existence((enum lock_idiom)record->idiom) &&
	       !locks->setup.config->shares[record->share].stale_report;
}

int free_delete_file(struct locks *locks, uint32_t lock, const struct lock_record *copy)
{
	bool still;

	pthread_mutex_lock(&locks->mutex);
	still = table_is_held_locked(locks, lock, copy->token);
	if (still)
		table_at(locks, lock)->flags |= LOCK_FREEING;
	pthread_mutex_unlock(&locks->mutex);
	return still ? lockfile_free(locks, copy) : LOCKFILE_GONE;
}

void free_conclude(struct locks *locks, uint32_t lock, const struct lock_record *copy,
		   bool keeps_file, int freed)
{
	struct lock_report *report = NULL;

	if (freed < 0)
		log_warning("cannot delete the stale lock %s: %s", copy->path, strerror(-freed));
	pthread_mutex_lock(&locks->mutex);
	if (table_is_held_locked(locks, lock, copy->token)) {
		if (freed == LOCKFILE_FREED || keeps_file)
			report = table_drop_locked(locks, lock, LOCK_END_FREED, NULL);
		else if (freed == LOCKFILE_GONE)
			settle_gone_locked(locks, lock, &report);
		else
			report = report_stale_locked(locks, lock);
	}
	pthread_mutex_unlock(&locks->mutex);
	lock_reports_emit_consume(locks, report);
	if (freed == LOCKFILE_FREED && locks->setup.freed)
		locks->setup.freed(copy->share, copy->path, locks->setup.context);
}
