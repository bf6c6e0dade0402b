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

static int undo_take(const struct commit_work *work, const struct journal_op *op, int parent,
		     const char *name, const char *object)
{
	int stage = work->stages[op->share];
	int r = sys_rename(stage, object, parent, name, RENAME_NOREPLACE);
	char kept[48];

	if (r != -EEXIST)
		return r == -ENOENT ? 0 : r; /* -ENOENT: it was not taken */
	/* Somebody has made another one since: his stays, and what was there is not lost either. */
	snprintf(kept, sizeof(kept), ".sessionfs-kept-%llu", (unsigned long long)op->former_ino);
	r = sys_rename(stage, object, parent, kept, RENAME_NOREPLACE);
	if (r == 0)
		log_warning(
			"a commit was undone, and %s/%s was made anew meanwhile: what was there "
			"is beside it, as %s",
			work->journal.shares[op->share], op->path, kept);
	return r;
}

static int undo_meta(const struct commit_work *work, size_t number)
{
	const struct journal_op *op = &work->journal.ops[number];
	char object[STAGE_OBJECT_SIZE];
	int r;

	stage_former_name(number, object);
	r = commit_set_metadata(work, op, object);
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static int undo(const struct commit_work *work, size_t number)
{
	const struct journal_op *op = &work->journal.ops[number];
	int stage = work->stages[op->share];
	char object[STAGE_OBJECT_SIZE];
	_cleanup_close_ int parent = -1;
	const char *name;

	/* The stage goes when everything has been undone. */
	if (stage < 0)
		return 0;
	if (op->kind == JOURNAL_META)
		return undo_meta(work, number);
	stage_object_name(number, object);
	parent = plan_open_parent(work->lowers[op->share], op->path, &name);
	if (parent < 0)
		return parent == -ENOENT || parent == -ENOTDIR ? 0 : parent;
	if (op->kind == JOURNAL_PUT)
		return undo_put(parent, name, op, stage, object);
	if (op->kind == JOURNAL_SWAP)
		return undo_swap(parent, name, op, stage, object);
	return undo_take(work, op, parent, name, object);
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
