/* SPDX-License-Identifier: MIT */
/*
 * The inside of a commit: what its steps share. Private to txn/commit*.c.
 */
#pragma once

#include "txn/commit.h"

/* A commit at work, or one that is looked at again after a crash. */
struct commit_work {
	const struct commit_setup *setup;
	struct journal journal;
	int *lowers; /* by share of the journal; borrowed */
	int *stages; /* owned; -1: none */
};

static inline void commit_step(const struct commit_work *work)
{
	if (work->setup->step)
		work->setup->step(work->setup->context);
}

/* The metadata of an object of the stage to the directory that the operation is about. */
int commit_set_metadata(const struct commit_work *work, const struct journal_op *op,
			const char *object);

/*
 * commit_undo.c: everything as it was, in reverse order; also where only some of it had been carried out, or
 * undone. 0, or the first error, after having tried all.
 */
int commit_undo(const struct commit_work *work);

/*
 * commit_session.c: what the session knows and holds of the paths, after a commit (journal.done) or after one
 * that was undone. May be done twice. 0 or negative errno.
 */
int commit_note_session(const struct commit_work *work);
