/* SPDX-License-Identifier: MIT */
/*
 * Who met a lock that somebody else holds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "lock/caller.h"
#include "lock/external.h"
#include "lock/holder.h"
#include "lock/idiom.h"
#include "lock/lockfile.h"
#include "lock/table.h"
#include "lock/text.h"

static const struct lock_wait not_waited = {.denial = LOCK_DENIAL_HELD};

/* What stands in the way of an actor. */
struct met {
	struct lock_report *lock; /* owned; NULL: nothing */
	uint64_t token;           /* 0: still PENDING, or an outsider's */
	bool provisional;
	bool ended;     /* released before we looked */
	bool is_actors; /* the actor holds it himself */
};

static void met_release(struct met *met)
{
	free(met->lock);
}

#define _cleanup_met_ _cleanup_(met_release)

/* The held lock of another, else a claim of another, else one that another has just released. */
static void meet_recorded(struct locks *locks, const struct lock_key *key,
			  const struct actor *actor, bool with_recent, struct met *ret)
{
	const struct lock_record *record = NULL;
	const struct lock_report *recent = NULL;
	uint32_t lock;

	pthread_mutex_lock(&locks->mutex);
	lock = table_held_locked(locks, key);
	if (lock && holder_is(table_at(locks, lock), actor)) {
		ret->is_actors = true;
	} else if (lock) {
		record = table_at(locks, lock);
		ret->token = record->token;
	} else {
		lock = table_pending_locked(locks, key, actor);
		ret->provisional = lock != 0;
		if (lock)
			record = table_at(locks, lock);
		else if (with_recent)
			recent = recent_find_locked(locks, key, actor);
	}
	if (recent) {
		record = &recent->record;
		ret->ended = true;
	}
	if (record)
		ret->lock = lock_report_new(record, LOCK_END_RELEASED, NULL);
	if (recent && ret->lock) {
		ret->token = recent->record.token;
		ret->lock->at_boot_ns = recent->at_boot_ns;
	}
	pthread_mutex_unlock(&locks->mutex);
}

/* The run's, and its session's, for who asks when the run has ended. Takes the conflict's facts. */
static void note_locked(struct locks *locks, const struct actor *actor, struct conflict *conflict)
{
	struct lock_facts *facts = conflict->facts;

	if (!facts)
		return;
	if (actor->run) {
		conflict->actor = (struct conflict_actor){.run = actor->run};
		conflict->facts = facts_copy(facts);
		if (conflict->facts)
			conflicts_note_consume(&locks->conflicts, conflict);
	}
	conflict->actor = conflict_actor_of_session(locks, actor->session);
	conflict->facts = facts;
	conflicts_note_consume(&locks->conflicts, conflict);
}

static void note(struct locks *locks, const struct lock_key *key, const struct actor *actor,
		 enum conflict_kind kind, const struct met *met, const struct lock_wait *wait)
{
	struct lock_record *record = &met->lock->record;
	struct facts_moment moment = {.now_boot_ns = clock_boot_ns()};
	struct conflict conflict = {
		.kind = kind,
		.provisional = met->provisional,
		.hash = table_key_hash(key),
		.token = met->token,
		.at_boot_ns = moment.now_boot_ns,
		.at_real_ns = clock_real_ns(),
	};
	uint32_t held;

	moment.alive = holder_show(locks, record);
	pthread_mutex_lock(&locks->mutex);
	conflict.facts = table_facts_locked(locks, record, &moment);
	if (conflict.facts)
		conflict.facts->wait = *wait;
	held = table_held_locked(locks, key);
	if (met->ended) {
		conflict.released_boot_ns = met->lock->at_boot_ns;
		if (conflict.facts)
			conflict.facts->retry_after_ms = RETRY_MIN_MS;
	} else if (met->token && (!held || table_at(locks, held)->token != met->token)) {
		conflict.released_boot_ns = moment.now_boot_ns;
	}
	note_locked(locks, actor, &conflict);
	pthread_mutex_unlock(&locks->mutex);
}

static void deny(struct locks *locks, const struct lock_key *key, enum lock_idiom idiom,
		 const struct actor *actor, struct met *met, const struct lock_wait *wait)
{
	struct lock_party by;

	if (!met->lock)
		return;
	note(locks, key, actor, CONFLICT_DENIAL, met, wait);
	party_capture(locks, actor, &by);
	lock_event_denied(locks, &met->lock->record, &by, idiom);
}

void lock_denied_wait(struct locks *locks, const struct lock_key *key, enum lock_idiom idiom,
		      const struct actor *actor, const struct lock_wait *wait)
{
	_cleanup_met_ struct met met = {0};

	meet_recorded(locks, key, actor, true, &met);
	if (!met.lock && !met.is_actors)
		met.lock = external_find(locks, key, true);
	deny(locks, key, idiom, actor, &met, wait);
}

void lock_denied(struct locks *locks, const struct lock_key *key, enum lock_idiom idiom,
		 const struct actor *actor)
{
	lock_denied_wait(locks, key, idiom, actor, &not_waited);
}

void lock_looked_up(struct locks *locks, const struct lock_key *key, const struct actor *actor,
		    const struct stat *st)
{
	_cleanup_met_ struct met met = {0};
	enum lock_idiom idiom = idiom_of_file(st);
	enum caller_intent intent;

	meet_recorded(locks, key, actor, false, &met);
	if (met.is_actors)
		return;
	intent = caller_intent(actor->tid, path_base(key->path), &idiom);
	if (intent == CALLER_REMOVES)
		return;
	if (!met.lock && intent == CALLER_ACQUIRES)
		meet_recorded(locks, key, actor, true, &met);
	if (!met.lock && !met.is_actors)
		met.lock = external_find(locks, key, intent == CALLER_ACQUIRES);
	if (intent == CALLER_ACQUIRES)
		deny(locks, key, idiom, actor, &met, &not_waited);
	else if (met.lock)
		note(locks, key, actor, CONFLICT_PROBE, &met, &not_waited);
}
