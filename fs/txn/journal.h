/* SPDX-License-Identifier: MIT */
/*
 * The journal of a commit: what is about to happen to the shares, written down before it does. There is one, as
 * the state file "commit" of the store (store/store.h), and while it is there a commit goes on or was interrupted.
 *
 * Each operation is one rename between its path and the object <number> in the share's stage, a directory in the
 * share's root; whether it has been carried out is told by which object lies in the stage.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "store/store.h"

enum journal_kind {
	JOURNAL_PUT = 1, /* to where nothing is; undone it lies in the stage again */
	JOURNAL_SWAP,    /* exchanged with what is there */
	JOURNAL_TAKE,    /* from there into the stage */
	JOURNAL_META, /* a directory's owner, mode and attributes: of <number>, before of <number>.old */
};

struct journal_op {
	enum journal_kind kind;
	uint32_t share; /* index into journal.shares */
	uint64_t ino;   /* of the object in the stage before, or of the directory of JOURNAL_META */
	uint64_t parent_ino; /* of the directory of the path: in another one nothing is done */
	/* what was there before, 0 for JOURNAL_PUT: a rename and its undoing change nothing of it but the ctime */
	uint64_t former_ino;
	uint64_t former_size;
	uint64_t former_mtime_ns;
	bool merged; /* the text is not the session's alone */
	char *path;
};

struct journal {
	bool done; /* all of it is carried out, and stays so */
	uid_t uid; /* whose session it is */
	char *session;
	char **shares; /* their paths on the host */
	uint32_t n_shares;
	struct journal_op *ops; /* in their order; an operation's index is its number */
	size_t n_ops;
};
#define _cleanup_journal_ __attribute__((cleanup(journal_release)))
void journal_release(struct journal *journal);

/* Its form on disk, and back. journal_decode(): 0 with a journal to be released, -EBADMSG, or -ENOMEM. */
void journal_encode(const struct journal *journal, struct buf *ret_text);
int journal_decode(const void *data, size_t len, struct journal *ret_journal);

/* Durable when it returns. 0, -EFBIG where it is more than a state file holds, or negative errno. */
int journal_write(struct store *store, const struct journal *journal);
/* 0 with a journal to be released, -ENOENT, -EBADMSG (damaged), or negative errno. */
int journal_read(struct store *store, struct journal *ret_journal);
/* 1, 0, or negative errno. */
int journal_exists(struct store *store);
int journal_remove(struct store *store);
