/* SPDX-License-Identifier: MIT */
/*
 * Acquiring: claims around the call that makes the file, and files made in other ways.
 */
#include <errno.h>
#include <string.h>

#include "lock/holder.h"
#include "lock/lockfile.h"
#include "lock/settle.h"
#include "lock/table.h"

uint32_t lock_claim(struct locks *locks, const struct lock_key *key, enum lock_idiom idiom,
		    const struct actor *actor)
{
	uint32_t claim = table_prepare(locks, key, idiom, actor);
	int r;

	if (claim == 0)
		return 0;
	pthread_mutex_lock(&locks->mutex);
	r = table_publish_locked(locks, claim, LOCK_STATE_PENDING);
	pthread_mutex_unlock(&locks->mutex);
	if (r < 0) {
		arena_free(locks->setup.table, claim);
		return 0;
	}
	return claim;
}

void lock_claim_commit(struct locks *locks, uint32_t claim, const struct stat *st)
{
	struct lock_record *record = table_at(locks, claim);
	struct lock_key key = table_key_of(record); /* ours alone to change while PENDING */
	struct lock_report *reports = NULL;
	struct lockfile file;
	int r = lockfile_stat(locks, &key, &file);
	bool certain;

	pthread_mutex_lock(&locks->mutex);
	record->file_dev = st->st_dev;
	record->file_ino = st->st_ino;
	/* An outsider's file may get the inode number as soon as ours is gone. */
	if (r == 0 && lockfile_is_of(&file, record))
		record->file_birth = file.birth;
	certain = !locks->extra[claim].removed && table_held_locked(locks, &key) == 0;
	if (certain)
		table_hold_locked(locks, claim);
	pthread_mutex_unlock(&locks->mutex);
	if (certain)
		return;

	settle_claim(locks, claim, &reports);
	lock_reports_emit_consume(locks, reports);
}

void lock_claim_abort(struct locks *locks, uint32_t claim)
{
	struct lock_report *report;

	pthread_mutex_lock(&locks->mutex);
	report = table_drop_locked(locks, claim, LOCK_END_REPLACED, NULL);
	pthread_mutex_unlock(&locks->mutex);
	lock_report_free(report);
}

/* What stands on the path already, so that nothing is to be recorded. */
static bool is_taken_locked(struct locks *locks, const struct lock_key *key,
			    const struct actor *actor, bool replace_dead)
{
	uint32_t held = table_held_locked(locks, key);

	if (held == 0)
		return table_pending_locked(locks, key, NULL) != 0;
	return !(replace_dead && table_at(locks, held)->idiom == LOCK_IDIOM_PRESENCE &&
		 !holder_is(table_at(locks, held), actor));
}

/* Whether another's presence is on the path whose process is gone. */
static bool is_dead_presence(struct locks *locks, const struct lock_key *key)
{
	struct proc_id creator = {0};
	uint32_t held;

	pthread_mutex_lock(&locks->mutex);
	held = table_held_locked(locks, key);
	if (held && table_at(locks, held)->idiom == LOCK_IDIOM_PRESENCE &&
	    table_at(locks, held)->run == 0)
		creator = table_at(locks, held)->creator;
	pthread_mutex_unlock(&locks->mutex);
	return creator.pid && !proc_alive(&creator);
}

void lock_present(struct locks *locks, const struct lock_key *key, const struct actor *actor,
		  const struct stat *st)
{
	bool replace_dead = is_dead_presence(locks, key);
	struct lock_report *report = NULL;
	uint32_t lock, held;
	bool taken;

	pthread_mutex_lock(&locks->mutex);
	taken = is_taken_locked(locks, key, actor, replace_dead);
	pthread_mutex_unlock(&locks->mutex);
	if (taken)
		return;
	lock = table_prepare(locks, key, LOCK_IDIOM_PRESENCE, actor);
	if (lock == 0)
		return;

	pthread_mutex_lock(&locks->mutex);
	if (is_taken_locked(locks, key, actor, replace_dead)) {
		arena_free(locks->setup.table, lock);
	} else {
		held = table_held_locked(locks, key);
		if (held)
			report = table_drop_locked(locks, held, LOCK_END_REPLACED, NULL);
		table_publish_held_locked(locks, lock, st);
	}
	pthread_mutex_unlock(&locks->mutex);
	lock_reports_emit_consume(locks, report);
}
