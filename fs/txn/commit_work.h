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
	/* By operation, of directories that are made: their times, which move while they are filled. Owned. */
	struct timespec (*times)[2];
};

static inline void commit_step(const struct commit_work *work)
{
	if (work->setup->step)
		work->setup->step(work->setup->context);
}

/*
 * The directory in which an operation takes place, O_PATH, and the name in it. The fd; -ESTALE where the path
 * leads to another one by now, or to none; or negative errno.
 */
int commit_open_parent(const struct commit_work *work, const struct journal_op *op,
		       const char **ret_name);
/*
 * The metadata of an object of the stage to the directory that the operation is about; -ESTALE where another
 * stands there.
 */
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
