/* SPDX-License-Identifier: MIT */
/*
 * A name of class lock was removed by a program.
 */
#include <errno.h>

#include "lock/holder.h"
#include "lock/lockfile.h"
#include "lock/table.h"

static enum lock_end end_by(const struct lock_record *record, const struct lock_party *by)
{
	/* Nobody loses a file that was merely seen, or a lock whose holder was gone. */
	if (record->idiom == LOCK_IDIOM_PRESENCE || record->flags & LOCK_STALE)
		return LOCK_END_RELEASED;
	return lock_party_is_holder(by, record) ? LOCK_END_RELEASED : LOCK_END_LOST;
}

/*
 * The removal was of a record that went before its removal was told. Where the actor's own lock is
 * `held` (0: none is), another's departure is for another's report to tell.
 */
static struct lock_report *attribute_locked(struct locks *locks, const struct lock_key *key,
					    const struct actor *actor, const struct lock_party *by,
					    uint32_t held)
{
	bool own_only = held && holder_is(table_at(locks, held), actor);
	struct lock_report *report = departed_take_locked(locks, key, actor, own_only);

	if (report) {
		report->end = end_by(&report->record, by);
		report->has_by = true;
		report->by = *by;
	}
	return report;
}

/*
 * Before the file is looked at. Returns the HELD record that the removal may be about, 0 where
 * that is decided.
 */
static uint32_t begin_locked(struct locks *locks, const struct lock_key *key,
			     const struct actor *actor, const struct lock_party *by,
			     struct lock_report **ret_report, uint64_t *ret_token)
{
	uint32_t held = table_held_locked(locks, key);

	*ret_report = attribute_locked(locks, key, actor, by, held);
	if (*ret_report)
		return 0;
	if (held == 0)
		table_mark_pending_locked(locks, key, by);
	else
		*ret_token = table_at(locks, held)->token;
	return held;
}

/* r, file: what stands under the name now. */
static struct lock_report *finish_locked(struct locks *locks, const struct lock_key *key,
					 const struct actor *actor, const struct lock_party *by,
					 uint32_t held, uint64_t token, int r,
					 const struct lockfile *file)
{
	struct lock_record *record = table_at(locks, held);

	if (!table_is_held_locked(locks, held, token))
		return attribute_locked(locks, key, actor, by, 0);
	if (r == 0 && lockfile_is_of(file, record)) {
		/*
		 * The record's file is there: the removed one was an earlier lock's, which nobody
		 * recorded; or its inode number is in use again, by a claim that will settle it. The
		 * holder knows that it was his; of anybody else's removal it cannot be told.
		 */
		if (lock_party_is_holder(by, record) && table_pending_locked(locks, key, NULL)) {
			locks->extra[held].removed = true;
			locks->extra[held].remover = *by;
		}
		return NULL;
	}
	return table_drop_locked(locks, held, end_by(record, by), by);
}

void lock_removed(struct locks *locks, const struct lock_key *key, const struct actor *actor)
{
	struct lock_report *report;
	struct lock_party by;
	struct lockfile file = {0};
	uint64_t token = 0;
	uint32_t held;
	int r;

	party_capture(locks, actor, &by);
	pthread_mutex_lock(&locks->mutex);
	held = begin_locked(locks, key, actor, &by, &report, &token);
	pthread_mutex_unlock(&locks->mutex);
	if (held) {
		r = lockfile_stat(locks, key, &file);
		pthread_mutex_lock(&locks->mutex);
		report = finish_locked(locks, key, actor, &by, held, token, r, &file);
		pthread_mutex_unlock(&locks->mutex);
	}
	lock_reports_emit_consume(locks, report);
}
