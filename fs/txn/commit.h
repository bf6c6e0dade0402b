/* SPDX-License-Identifier: MIT */
/*
 * Carrying out a plan: a session's changes become the lower's, all of them or none, also over a kill or a
 * power failure at any instant.
 *
 *	stage	everything that is to be published is made complete in the shares' stages, and synced
 *	journal	what is about to happen is written down, durably
 *	rename	one after another: put, exchange, take away; what is replaced lies in the stage then
 *	done	synced, and noted in the journal: from here on it stays
 *	clean	the stages go, and the journal
 *
 * Before `done` whatever fails, or whoever starts next, undoes all of it in reverse order; after it, cleans
 * up. Files open or mapped elsewhere keep what they had, for every file is replaced, never written into.
 * Locks: the caller sees to it that one commit of a store goes on at a time, and that no run writes in the
 * session meanwhile.
 */
#pragma once

#include "base/config.h"
#include "store/store.h"
#include "txn/journal.h"
#include "txn/plan.h"

struct commit_setup {
	struct store *store;
	const struct config *config;
	const struct layout_names *names;
	/* Called between any two steps that a kill could tell apart; NULL: nobody asks. */
	void (*step)(void *context);
	void *context;
};

/*
 * Carries a plan without conflicts out. `shares` are those of the plan. 0; -ESTALE where the lower changed
 * meanwhile (*ret_item: at which); -EBUSY where an interrupted commit waits for its share; or negative errno. With an error the lower is as it was.
 */
int commit_apply(const struct commit_setup *setup, const struct plan *plan,
		 const struct plan_share *shares, size_t n_shares, uid_t uid, const char *session,
		 size_t *ret_item);

/*
 * Finishes or undoes what an earlier process began; to be called before anything is served. -EXDEV where it
 * needs a share that is not mounted now: then the journal stays. 0 (also where there was nothing), or negative errno.
 */
int commit_recover(const struct commit_setup *setup);
