/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/sys.h"
#include "txn/commit_work.h"
#include "txn/stage.h"

/* Whether what stands at a path is what the operation put there. */
static bool is_ours(int parent, const char *name, const struct journal_op *op)
{
	struct stat st;

	return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == op->ino;
}

static int undo_put(int parent, const char *name, const struct journal_op *op, int stage,
		    const char *object)
{
	struct stat st;

	if (fstatat(stage, object, &st, AT_SYMLINK_NOFOLLOW) == 0 || !is_ours(parent, name, op))
		return 0;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
		/* What others have put into it meanwhile is theirs, and keeps it. */
		if (unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOTEMPTY && errno != ENOENT)
			return -errno;
		return 0;
	}
	return sys_rename(parent, name, stage, object, RENAME_NOREPLACE);
}

static int undo_swap(int parent, const char *name, const struct journal_op *op, int stage,
		     const char *object)
{
	if (is_ours(stage, object, op) || !is_ours(parent, name, op))
		return 0;
	return sys_rename(stage, object, parent, name, RENAME_EXCHANGE);
}

static int undo_meta(const struct commit_work *work, size_t number)
{
	char object[STAGE_OBJECT_SIZE];

	stage_former_name(number, object);
	return commit_set_metadata(work, &work->journal.ops[number], object);
}

static int undo_in_place(const struct commit_work *work, const struct journal_op *op,
			 const char *object)
{
	int stage = work->stages[op->share];
	_cleanup_close_ int parent = -1;
	const char *name;

	parent = commit_open_parent(work, op, &name);
	if (parent < 0)
		return parent;
	if (op->kind == JOURNAL_PUT)
		return undo_put(parent, name, op, stage, object);
	if (op->kind == JOURNAL_SWAP)
		return undo_swap(parent, name, op, stage, object);
	return sys_rename(stage, object, parent, name, RENAME_NOREPLACE);
}

/*
 * What was taken out of the share and cannot go back, for others have made the name anew, or its directory has
 * gone, is not lost: it goes to the share's root.
 */
static int keep_former(const struct commit_work *work, const struct journal_op *op,
		       const char *object)
{
	int stage = work->stages[op->share];
	struct stat st;
	char kept[48];
	int r;

	if (op->kind == JOURNAL_PUT || fstatat(stage, object, &st, AT_SYMLINK_NOFOLLOW) ||
	    (op->kind == JOURNAL_SWAP && st.st_ino == op->ino))
		return 0;
	snprintf(kept, sizeof(kept), ".sessionfs-kept-%llu", (unsigned long long)st.st_ino);
	r = sys_rename(stage, object, work->lowers[op->share], kept, RENAME_NOREPLACE);
	if (r == 0)
		log_warning("a commit was undone, and %s/%s was changed meanwhile: what was there "
			    "is now %s/%s",
			    work->journal.shares[op->share], op->path,
			    work->journal.shares[op->share], kept);
	return r;
}

static int undo(const struct commit_work *work, size_t number)
{
	const struct journal_op *op = &work->journal.ops[number];
	char object[STAGE_OBJECT_SIZE];
	int r;

	/* The stage goes when everything has been undone. */
	if (work->stages[op->share] < 0)
		return 0;
	stage_object_name(number, object);
	if (op->kind == JOURNAL_META)
		r = undo_meta(work, number);
	else
		r = undo_in_place(work, op, object);
	if (r == -ESTALE)
		log_warning("a commit was undone, and the directory of %s/%s was moved or removed "
			    "meanwhile: what had been done in it stays",
			    work->journal.shares[op->share], op->path);
	/* -ENOENT: it was not taken, -EEXIST, -ESTALE: others were there. */
	if (r == -ENOENT || r == -EEXIST || r == -ESTALE)
		r = 0;
	if (r == 0 && op->kind != JOURNAL_META)
		r = keep_former(work, op, object);
	return r;
}

int commit_undo(const struct commit_work *work)
{
	int first = 0;

	for (size_t i = work->journal.n_ops; i > 0; i--) {
		int r = undo(work, i - 1);

		if (r < 0)
			log_error("cannot undo the commit at %s/%s: %s",
				  work->journal.shares[work->journal.ops[i - 1].share],
				  work->journal.ops[i - 1].path, strerror(-r));
		if (r < 0 && first == 0)
			first = r;
		commit_step(work);
	}
	return first;
}
