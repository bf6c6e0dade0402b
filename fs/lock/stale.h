/* SPDX-License-Identifier: MIT */
/*
 * When a lock is stale (SPEC section 6, "Dead holder").
 */
#pragma once

#include <stdbool.h>

struct locks;
struct lock_record;

enum stale_text { STALE_TEXT_NONE, STALE_TEXT_LIVE, STALE_TEXT_DEAD };

struct stale_case {
	bool creator_known; /* its process is of our pid namespace and was identified */
	bool creator_alive;
	enum stale_text text; /* whether the pid that the lock's text names is a live process */
	bool group_alive;     /* any process of the creator's process group */
};

/*
 * Stale is what nobody can come back to: the creator is gone, and either the text names a dead
 * process or the creator's process group is gone too (a lock made by a helper that exits at once
 * is its shell's). A text that names a live process keeps the lock. Outside a run; pure.
 */
bool stale_decide(const struct stale_case *c);

/* Whether the copy of a held record is of a stale lock, as it is now. Looks at /proc and the file. */
bool stale_is(struct locks *locks, const struct lock_record *record);
