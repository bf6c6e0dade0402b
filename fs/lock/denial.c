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

static void copy_external_holder(const struct stat *st, pid_t pid, struct lock_record *record)
{
	char path[32];
	struct stat proc;

	if (pid == 0 || proc_identify(pid, &record->creator) < 0)
		return;
	if (proc_comm(pid, record->comm) < 0)
		record->comm[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d", pid);
	/* Whoever writes a pid into a file of his own learns no more of it than he could see. */
	if (stat(path, &proc) < 0 || proc.st_uid != st->st_uid)
		return;
	proc_cmdline(pid, record->command, sizeof(record->command) - 2);
	if (proc_cwd(pid, record->cwd, sizeof(record->cwd)) < 0)
		record->cwd[0] = '\0';
}

/*
 * A file without a record: an outsider's lock. For an acquiring call it is held in any case, for
 * other look-ups only while its text names a live process.
 */
static void meet_external(struct locks *locks, const struct lock_key *key, bool acquires,
			  struct met *ret)
{
	_cleanup_free_ struct lock_record *record = NULL;
	uint64_t now_real = clock_real_ns();
	struct proc_id named;
	struct lockfile file;
	pid_t pid;

	if (lockfile_stat(locks, key, &file) < 0)
		return;
	pid = lockfile_text_pid(locks, key, &file.st);
	if (pid && (proc_identify(pid, &named) < 0 || !proc_alive(&named)))
		pid = 0;
	if (pid == 0 && !acquires)
		return;
	record = calloc(1, sizeof(*record));
	if (!record || strlen(key->path) >= sizeof(record->path))
		return;
	memcpy(record->path, key->path, strlen(key->path) + 1);
	record->share = key->share;
	record->session_scope = key->session;
	record->idiom = idiom_of_file(&file.st);
	record->flags = LOCK_EXTERNAL;
	record->uid = file.st.st_uid;
	record->acquired_real_ns =
		(uint64_t)file.st.st_mtim.tv_sec * NSEC_PER_SEC + (uint64_t)file.st.st_mtim.tv_nsec;
	record->acquired_boot_ns = clock_boot_ns();
	if (record->acquired_real_ns < now_real) {
		uint64_t age = now_real - record->acquired_real_ns;

		record->acquired_boot_ns -=
			age < record->acquired_boot_ns ? age : record->acquired_boot_ns;
	}
	copy_external_holder(&file.st, pid, record);
	ret->lock = lock_report_new(record, LOCK_END_RELEASED, NULL);
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
	const struct lock_record *record = &met->lock->record;
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

	moment.alive = record->creator.pid && proc_alive(&record->creator);
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
		meet_external(locks, key, true, &met);
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
		meet_external(locks, key, intent == CALLER_ACQUIRES, &met);
	if (intent == CALLER_ACQUIRES)
		deny(locks, key, idiom, actor, &met, &not_waited);
	else if (met.lock)
		note(locks, key, actor, CONFLICT_PROBE, &met, &not_waited);
}
