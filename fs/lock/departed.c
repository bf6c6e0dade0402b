/* SPDX-License-Identifier: MIT */
/*
 * Records whose file was found gone before anybody told: see table.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lock/holder.h"
#include "lock/table.h"

#define RECENT_NS NSEC_PER_SEC

void departed_add_locked(struct locks *locks, struct lock_report *report)
{
	struct lock_key key;

	if (!report)
		return;
	key = table_key_of(&report->record);
	report->hash = table_key_hash(&key);
	report->at_boot_ns = clock_boot_ns();
	lock_report_add(&locks->departed, report);
}

static bool is_of_key(const struct lock_report *report, const struct lock_key *key, uint64_t hash)
{
	return report->hash == hash && report->record.share == key->share &&
	       report->record.session_scope == key->session &&
	       strcmp(report->record.path, key->path) == 0;
}

/* The oldest, and the actor's own before others': a holder's release is the common case. */
struct lock_report *departed_take_locked(struct locks *locks, const struct lock_key *key,
					 const struct actor *actor, bool own_only)
{
	uint64_t hash = table_key_hash(key);
	struct lock_report **found = NULL;
	struct lock_report *report;
	bool own = false;

	for (struct lock_report **at = &locks->departed; *at; at = &(*at)->next) {
		bool is_own = holder_is(&(*at)->record, actor);

		if (is_of_key(*at, key, hash) && (is_own || !(own || own_only))) {
			found = at;
			own = is_own;
		}
	}
	if (!found)
		return NULL;
	report = *found;
	*found = report->next;
	report->next = NULL;
	return report;
}

static void end_as_lost(struct lock_report *report, struct lock_report **lost)
{
	report->next = NULL;
	report->end = report->record.idiom == LOCK_IDIOM_PRESENCE ? LOCK_END_RELEASED
								  : LOCK_END_LOST;
	lock_report_add(lost, report);
}

struct lock_report *departed_of_run_locked(struct locks *locks, uint32_t run)
{
	struct lock_report **at = &locks->departed;
	struct lock_report *lost = NULL;

	while (*at) {
		struct lock_report *report = *at;

		if (report->record.run != run) {
			at = &report->next;
			continue;
		}
		*at = report->next;
		end_as_lost(report, &lost);
	}
	return lost;
}

struct lock_report *departed_sweep_locked(struct locks *locks)
{
	struct lock_report **at = &locks->departed;
	struct lock_report *lost = NULL;

	while (*at) {
		struct lock_report *report = *at;

		if (!report->swept) {
			report->swept = true;
			at = &report->next;
			continue;
		}
		*at = report->next;
		end_as_lost(report, &lost);
	}
	return lost;
}

static bool is_recent(const struct lock_report *report, const struct lock_key *key, uint64_t hash,
		      const struct actor *actor, uint64_t now_boot_ns)
{
	return is_of_key(report, key, hash) && report->end != LOCK_END_REPLACED &&
	       now_boot_ns - report->at_boot_ns < RECENT_NS && !holder_is(&report->record, actor);
}

const struct lock_report *recent_find_locked(const struct locks *locks, const struct lock_key *key,
					     const struct actor *actor)
{
	const struct lock_report *best = NULL;
	uint64_t hash = table_key_hash(key);
	uint64_t now = clock_boot_ns();

	for (const struct lock_report *at = locks->departed; at; at = at->next)
		if (is_recent(at, key, hash, actor, now))
			best = at;
	for (size_t i = 0; i < LOCK_RECENT_MAX; i++) {
		const struct lock_report *at = locks->recent[i];

		if (at && is_recent(at, key, hash, actor, now) &&
		    (!best || at->at_boot_ns > best->at_boot_ns))
			best = at;
	}
	return best;
}
