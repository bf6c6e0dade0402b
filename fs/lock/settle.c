/* SPDX-License-Identifier: MIT */
#include "lock/settle.h"

#include <errno.h>

#include "lock/lockfile.h"

enum settle_holder settle_decide(const struct settle_case *c)
{
	bool claim = c->claim_is_file;
	bool held = c->has_held && c->held_is_file;

	if (claim && held) {
		if (c->held_removed)
			return SETTLE_CLAIM;
		return c->claim_removed ? SETTLE_HELD : SETTLE_CLAIM;
	}
	if (claim)
		return SETTLE_CLAIM;
	return held ? SETTLE_HELD : SETTLE_NOBODY;
}

void settle_gone_locked(struct locks *locks, uint32_t lock, struct lock_report **reports)
{
	struct lock_record *record = table_at(locks, lock);
	struct lock_extra *extra = &locks->extra[lock];
	struct lock_report *report;

	if (!extra->removed) {
		departed_add_locked(locks, table_drop_locked(locks, lock, LOCK_END_RELEASED, NULL));
		return;
	}
	report = table_drop_locked(locks, lock,
				   lock_party_is_holder(&extra->remover, record) ? LOCK_END_RELEASED
										 : LOCK_END_LOST,
				   &extra->remover);
	lock_report_add(reports, report);
}

void settle_claim(struct locks *locks, uint32_t claim, struct lock_report **reports)
{
	struct lock_record *record = table_at(locks, claim);
	struct lock_key key = table_key_of(record);
	enum settle_holder holder;
	struct settle_case c;
	struct lockfile file;
	uint32_t held;
	int r = lockfile_stat(locks, &key, &file);

	pthread_mutex_lock(&locks->mutex);
	held = table_held_locked(locks, &key);
	c = (struct settle_case){
		.has_held = held != 0,
		/* Where the file cannot be looked at, the call that made it is believed. */
		.claim_is_file = r == 0 ? lockfile_is_of(&file, record) : r != -ENOENT,
		.held_is_file = held && r == 0 && lockfile_is_of(&file, table_at(locks, held)),
		.claim_removed = locks->extra[claim].removed,
		.held_removed = held && locks->extra[held].removed,
	};
	holder = settle_decide(&c);
	if (held && holder != SETTLE_HELD)
		settle_gone_locked(locks, held, reports);
	if (holder == SETTLE_CLAIM)
		table_hold_locked(locks, claim);
	else
		settle_gone_locked(locks, claim, reports);
	pthread_mutex_unlock(&locks->mutex);
}
