/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "txn/commit_work.h"
#include "view/copyup.h"
#include "view/metacopy.h"

/* Whether that is what was there before a commit that was undone. */
static bool is_former(const struct journal_op *op, const struct stat *st)
{
	return op->former_ino == st->st_ino &&
	       (S_ISDIR(st->st_mode) || (op->former_size == (uint64_t)st->st_size &&
					 op->former_mtime_ns == plan_time_ns(&st->st_mtim)));
}

/* Where the session goes on: its upper, the work directory beside it. */
struct upper {
	int fd;
	int work_fd;
};

/* The session's file becomes a copy of what was published, as one that it had copied up now. */
static int recopy(const struct commit_work *work, const struct journal_op *op,
		  const struct upper *upper, int parent, const char *name)
{
	const char *lower_name;
	_cleanup_close_ int lower_parent =
		plan_open_parent(work->lowers[op->share], op->path, &lower_name);
	_cleanup_close_ int fd = -1;
	_cleanup_source_ struct copyup_source source = COPYUP_SOURCE_NONE;
	char temporary[VIEW_TEMPORARY_SIZE];
	int r;

	if (lower_parent < 0)
		return lower_parent;
	fd = openat(lower_parent, lower_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = copyup_source_open(NULL, fd, INT64_MAX, &source);
	if (r < 0)
		return r;
	source.data = op->merged ? COPYUP_WHOLE : COPYUP_DEFERRED;
	source.lower_path = op->path;
	source.record_base = true;
	view_temporary_name(temporary);
	r = copyup_copy(work->setup->names, &source, upper->work_fd, temporary);
	if (r == 0)
		r = layout_set_impure(work->setup->names, parent);
	if (r == 0)
		r = sys_rename(upper->work_fd, temporary, parent, name, 0);
	if (r < 0)
		unlinkat(upper->work_fd, temporary, 0);
	return r;
}

/*
 * What the session has at a published path must not lean on a lower that went with the commit, nor say
 * less than was published: a renamed directory merges with its namesake from now on, a file without data of its
 * own has those of its namesake, and a merged one has the text of both sides.
 */
static int detach_op(const struct commit_work *work, const struct journal_op *op,
		     const struct upper *upper)
{
	const struct layout_names *names = work->setup->names;
	const char *name;
	_cleanup_close_ int parent = plan_open_parent(upper->fd, op->path, &name);
	_cleanup_close_ int fd = -1;
	char path[32];

	if (parent < 0)
		return 0;
	if (op->merged || metacopy_is(names, parent, name) == 1)
		return recopy(work, op, upper, parent, name);
	fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return 0;
	sys_fd_path(fd, path);
	return removexattr(path, names->redirect) && errno != ENODATA && errno != ENOTSUP ? -errno
											  : 0;
}

/* What stands at the path of an operation now is what its session takes for the lower's. */
static int note_op(const struct commit_work *work, const struct journal_op *op, int notes)
{
	_cleanup_close_ int parent = -1;
	const char *name;
	struct stat st;

	parent = plan_open_parent(work->lowers[op->share], op->path, &name);
	if (parent < 0 || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	/* What was to be merged is theirs: the session has not seen it. */
	if (work->journal.done ? op->kind == JOURNAL_TAKE : op->merged || !is_former(op, &st))
		return 0;
	return seen_append(notes, op->path, &st);
}

/*
 * After a commit the session's base is what it has just made of the lower; its names stay in the upper, as
 * copies that say the same. After one that was undone it is what was there, with the new ctime.
 */
int commit_note_session(const struct commit_work *work)
{
	for (uint32_t i = 0; i < work->journal.n_shares; i++) {
		_cleanup_close_ int upper_fd = -1, work_fd = -1;
		int r = store_open_upper(work->setup->store, work->journal.uid,
					 work->journal.session, work->journal.shares[i], false,
					 NULL, &upper_fd, &work_fd);
		const struct upper upper = {.fd = upper_fd, .work_fd = work_fd};

		for (size_t j = 0; r == 0 && j < work->journal.n_ops; j++) {
			const struct journal_op *op = &work->journal.ops[j];

			if (op->share != i)
				continue;
			r = note_op(work, op, work_fd);
			if (r == 0 && work->journal.done && op->kind != JOURNAL_TAKE)
				r = detach_op(work, op, &upper);
			commit_step(work);
		}
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}
