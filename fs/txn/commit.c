/* SPDX-License-Identifier: MIT */
#include "txn/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/sys.h"
#include "txn/commit_work.h"
#include "txn/names.h"
#include "txn/stage.h"
#include "view/copyup.h"

static void work_release(struct commit_work *work)
{
	for (uint32_t i = 0; work->stages && i < work->journal.n_shares; i++)
		if (work->stages[i] >= 0)
			close(work->stages[i]);
	free(work->stages);
	free(work->lowers);
	free(work->times);
	journal_release(&work->journal);
}

static int work_allocate(struct commit_work *work, uint32_t n_shares)
{
	work->lowers = calloc(n_shares + 1, sizeof(*work->lowers));
	work->stages = calloc(n_shares + 1, sizeof(*work->stages));
	if (!work->lowers || !work->stages)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_shares; i++)
		work->stages[i] = -1;
	return 0;
}

int commit_open_parent(const struct commit_work *work, const struct journal_op *op,
		       const char **ret_name)
{
	_cleanup_close_ int parent = plan_open_parent(work->lowers[op->share], op->path, ret_name);
	struct stat st;

	if (parent == -ENOENT || parent == -ENOTDIR || parent == -ELOOP)
		return -ESTALE;
	if (parent < 0)
		return parent;
	if (fstatat(parent, "", &st, AT_EMPTY_PATH))
		return -errno;
	return st.st_ino == op->parent_ino ? TAKE_FD(parent) : -ESTALE;
}

int commit_set_metadata(const struct commit_work *work, const struct journal_op *op,
			const char *object)
{
	int stage = work->stages[op->share];
	_cleanup_close_ int source = openat(stage, object, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int dir = -1, parent = -1;
	struct stat st, now;
	const char *name;

	if (source < 0 || fstatat(source, "", &st, AT_EMPTY_PATH))
		return -errno;
	parent = commit_open_parent(work, op, &name);
	if (parent < 0)
		return parent;
	dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &now))
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? -ESTALE : -errno;
	if (now.st_ino != op->ino)
		return -ESTALE;
	return copyup_metadata(work->setup->names, source, &st, dir);
}

static int sync_shares(const struct commit_work *work)
{
	for (uint32_t i = 0; i < work->journal.n_shares; i++)
		if (work->stages[i] >= 0 && syncfs(work->stages[i]))
			return -errno;
	return 0;
}

static void remove_stages(const struct commit_work *work)
{
	for (uint32_t i = 0; i < work->journal.n_shares; i++) {
		int r = stage_remove(work->setup->store, work->lowers[i]);

		if (r < 0)
			log_warning("cannot delete the stage of a commit in %s: %s",
				    work->journal.shares[i], strerror(-r));
	}
}

/* What is there was looked at when the plan was made; a rename by us changes the ctime alone. */
static bool is_planned(const struct stat *now, const struct stat *planned, bool moved)
{
	if (now->st_ino != planned->st_ino || now->st_mode != planned->st_mode ||
	    now->st_uid != planned->st_uid || now->st_gid != planned->st_gid)
		return false;
	if (S_ISDIR(now->st_mode))
		return true;
	return now->st_size == planned->st_size &&
	       memcmp(&now->st_mtim, &planned->st_mtim, sizeof(now->st_mtim)) == 0 &&
	       (moved || memcmp(&now->st_ctim, &planned->st_ctim, sizeof(now->st_ctim)) == 0);
}

/* Whether nothing below a directory that was taken away came or changed after the plan was made. */
static int check_untouched(int dirfd, const char *name, const struct timespec *since, int depth)
{
	_cleanup_names_ struct names names = {0};
	_cleanup_close_ int dir =
		openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = dir < 0 ? -errno : names_read(&names, dir);

	/* The plan has been below it by paths: only who is at work there now can nest deeper. */
	if (depth > PATH_MAX / 2)
		return -ESTALE;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		struct stat st;

		if (fstatat(dir, names.items[i], &st, AT_SYMLINK_NOFOLLOW))
			return errno == ENOENT ? -ESTALE : -errno;
		if (plan_time_ns(&st.st_ctim) >= plan_time_ns(since))
			return -ESTALE;
		if (S_ISDIR(st.st_mode))
			r = check_untouched(dir, names.items[i], since, depth + 1);
	}
	return r;
}

static int carry_out(const struct commit_work *work, size_t number, const struct plan_item *item,
		     const struct timespec *since)
{
	const struct journal_op *op = &work->journal.ops[number];
	int stage = work->stages[op->share];
	char object[STAGE_OBJECT_SIZE];
	_cleanup_close_ int parent = -1;
	const char *name;
	struct stat now;
	int r;

	stage_object_name(number, object);
	parent = commit_open_parent(work, op, &name);
	if (parent < 0)
		return parent;
	if (op->kind == JOURNAL_PUT) {
		r = sys_rename(stage, object, parent, name, RENAME_NOREPLACE);
		return r == -EEXIST ? -ESTALE : r;
	}
	if (fstatat(parent, name, &now, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? -ESTALE : -errno;
	if (!is_planned(&now, &item->lower, false))
		return -ESTALE;
	if (op->kind == JOURNAL_META)
		return commit_set_metadata(work, op, object);
	if (op->kind == JOURNAL_SWAP)
		r = sys_rename(stage, object, parent, name, RENAME_EXCHANGE);
	else
		r = sys_rename(parent, name, stage, object, RENAME_NOREPLACE);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	/* Between the look and the rename others may have been there. */
	if (fstatat(stage, object, &now, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!is_planned(&now, &item->lower, true))
		return -ESTALE;
	return S_ISDIR(now.st_mode) ? check_untouched(stage, object, since, 0) : 0;
}

static bool makes_directory(const struct plan_item *item)
{
	return S_ISDIR(item->mode) && (item->change == 'A' || item->change == 'T');
}

/* A directory that was filled after it was made shows the time of the staged one's source again. */
static void set_directory_times(const struct commit_work *work, const struct plan *plan)
{
	for (size_t i = plan->count; i > 0; i--) {
		const struct plan_item *item = &plan->items[i - 1];
		const struct journal_op *op = &work->journal.ops[i - 1];
		_cleanup_close_ int dir = -1;
		struct stat st;

		if (!makes_directory(item))
			continue;
		dir = sys_open_beneath(work->lowers[op->share], op->path,
				       O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
		if (dir >= 0 && fstatat(dir, "", &st, AT_EMPTY_PATH) == 0 && st.st_ino == op->ino)
			utimensat(dir, "", work->times[i - 1], AT_EMPTY_PATH);
	}
	commit_step(work);
}

static int finish(struct commit_work *work)
{
	int r = commit_note_session(work);

	commit_step(work);
	remove_stages(work);
	commit_step(work);
	if (r == 0)
		r = journal_remove(work->setup->store);
	return r;
}

/* Of a commit that goes on, or was found. With an error stages and journal stay for the next start. */
static int undo_and_finish(struct commit_work *work)
{
	int r = commit_undo(work);

	if (r == 0)
		r = sync_shares(work);
	return r < 0 ? r : finish(work);
}

static enum journal_kind kind_of(const struct plan_item *item)
{
	if (item->change == 'D')
		return JOURNAL_TAKE;
	if (!item->lower_there)
		return JOURNAL_PUT;
	return item->change == 'm' && S_ISDIR(item->mode) ? JOURNAL_META : JOURNAL_SWAP;
}

/* `first`: where the items of its share begin; its directory comes before it. */
static int stage_op(struct commit_work *work, const struct plan *plan,
		    const struct plan_share *share, size_t first, size_t number,
		    struct links *links)
{
	const struct plan_item *item = &plan->items[number], *parent;
	struct journal_op *op = &work->journal.ops[number];
	int stage = work->stages[op->share];
	char object[STAGE_OBJECT_SIZE];
	struct stat st;
	int r;

	if (!op->parent_ino) {
		parent = plan_find_parent(plan->items + first, number - first, item->path);
		if (!parent)
			return -ESTALE;
		op->parent_ino = work->journal.ops[parent - plan->items].ino;
	}
	r = stage_item(work->setup->names, &plan->asker, share, item, stage, number, links,
		       &op->ino);
	if (r < 0 || !makes_directory(item))
		return r;
	stage_object_name(number, object);
	if (fstatat(stage, object, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	work->times[number][0] = st.st_atim;
	work->times[number][1] = st.st_mtim;
	return 0;
}

static int stage_all(struct commit_work *work, const struct plan *plan,
		     const struct plan_share *shares, size_t n_shares, size_t *ret_item)
{
	struct links *links = calloc(n_shares + 1, sizeof(*links));
	int r = links ? 0 : -ENOMEM;
	size_t first = 0;

	for (size_t i = 0; r == 0 && i < n_shares; i++) {
		r = work->stages[i] = stage_make(work->setup->store, shares[i].lower_fd);
		if (r >= 0)
			r = 0;
		commit_step(work);
	}
	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		uint32_t share = work->journal.ops[i].share;

		if (i > 0 && plan->items[i].share != plan->items[i - 1].share)
			first = i;
		*ret_item = i;
		r = stage_op(work, plan, &shares[share], first, i, &links[share]);
		commit_step(work);
	}
	for (size_t i = 0; links && i < n_shares; i++)
		links_release(&links[i]);
	free(links);
	return r == 0 ? sync_shares(work) : r;
}

static int describe(struct commit_work *work, const struct plan *plan,
		    const struct plan_share *shares, size_t n_shares, uid_t uid,
		    const char *session)
{
	struct journal *journal = &work->journal;
	int r = work_allocate(work, (uint32_t)n_shares);

	journal->uid = uid;
	journal->session = strdup(session);
	journal->shares = calloc(n_shares + 1, sizeof(*journal->shares));
	journal->ops = calloc(plan->count + 1, sizeof(*journal->ops));
	work->times = calloc(plan->count + 1, sizeof(*work->times));
	if (r < 0 || !work->times || !journal->session || !journal->shares || !journal->ops)
		return -ENOMEM;
	for (; journal->n_shares < n_shares; journal->n_shares++) {
		uint32_t i = journal->n_shares;

		journal->shares[i] = strdup(work->setup->config->shares[shares[i].share].path);
		work->lowers[i] = shares[i].lower_fd;
		if (!journal->shares[i])
			return -ENOMEM;
	}
	for (; journal->n_ops < plan->count; journal->n_ops++) {
		const struct plan_item *item = &plan->items[journal->n_ops];
		struct journal_op *op = &journal->ops[journal->n_ops];

		op->kind = kind_of(item);
		op->parent_ino = item->parent_ino;
		op->merged = item->merged != NULL;
		while (shares[op->share].share != item->share)
			op->share++;
		if (item->lower_there) {
			op->former_ino = item->lower.st_ino;
			op->former_size = (uint64_t)item->lower.st_size;
			op->former_mtime_ns = plan_time_ns(&item->lower.st_mtim);
		}
		op->path = strdup(item->path);
		if (!op->path)
			return -ENOMEM;
	}
	return 0;
}

/* After the journal was written: to the end, or back to the beginning. */
static int carry_out_all(struct commit_work *work, const struct plan *plan, size_t *ret_item)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		commit_step(work);
		r = carry_out(work, i, &plan->items[i], &plan->started);
		*ret_item = i;
	}
	commit_step(work);
	if (r == 0) {
		set_directory_times(work, plan);
		r = sync_shares(work);
	}
	if (r == 0) {
		work->journal.done = true;
		r = journal_write(work->setup->store, &work->journal);
		commit_step(work);
	}
	return r;
}

/*
 * A journal that could not be written may be on the disk all the same, and must not say `done` of what is being
 * undone. Where it cannot be taken back all stays as it is, for the next start to go by what the disk has.
 */
static int take_back(struct commit_work *work)
{
	bool said_done = work->journal.done;
	int r = 0;

	work->journal.done = false;
	if (said_done)
		r = journal_write(work->setup->store, &work->journal);
	return r < 0 ? r : undo_and_finish(work);
}

int commit_apply(const struct commit_setup *setup, const struct plan *plan,
		 const struct plan_share *shares, size_t n_shares, uid_t uid, const char *session,
		 size_t *ret_item)
{
	__attribute__((cleanup(work_release))) struct commit_work work = {.setup = setup};
	int r, error;

	*ret_item = 0;
	/* An interrupted one waits for a share that is not mounted. */
	r = journal_exists(setup->store);
	if (r != 0)
		return r < 0 ? r : -EBUSY;
	r = describe(&work, plan, shares, n_shares, uid, session);
	if (r == 0)
		r = stage_all(&work, plan, shares, n_shares, ret_item);
	commit_step(&work);
	if (r == 0)
		r = journal_write(setup->store, &work.journal);
	if (r < 0) {
		remove_stages(&work);
		return r;
	}
	r = carry_out_all(&work, plan, ret_item);
	error = r == 0 ? finish(&work) : take_back(&work);
	if (error < 0)
		log_error("a commit waits for the next start to be cleaned up: %s",
			  strerror(-error));
	return r;
}

/* The shares of the journal among those that are mounted. */
static int find_shares(struct commit_work *work)
{
	const struct config *config = work->setup->config;
	int r = work_allocate(work, work->journal.n_shares);

	for (uint32_t i = 0; r == 0 && i < work->journal.n_shares; i++) {
		uint32_t share = 0;

		while (share < config->n_shares &&
		       strcmp(config->shares[share].path, work->journal.shares[i]) != 0)
			share++;
		if (share == config->n_shares) {
			log_error("a commit to %s was interrupted: it waits for a mount with that "
				  "share",
				  work->journal.shares[i]);
			return -EXDEV;
		}
		work->lowers[i] = config->shares[share].lower_fd;
		r = work->stages[i] = stage_open(work->setup->store, work->lowers[i]);
		r = r >= 0 || r == -ENOENT ? 0 : r;
	}
	return r;
}

int commit_recover(const struct commit_setup *setup)
{
	__attribute__((cleanup(work_release))) struct commit_work work = {.setup = setup};
	int r = journal_read(setup->store, &work.journal);

	if (r == -ENOENT) {
		/* It may have been staging: nothing has happened yet. */
		for (uint32_t i = 0; i < setup->config->n_shares; i++)
			stage_remove(setup->store, setup->config->shares[i].lower_fd);
		return 0;
	}
	if (r < 0) {
		log_error("the journal of an interrupted commit cannot be read: %s", strerror(-r));
		return r;
	}
	r = find_shares(&work);
	if (r < 0)
		return r;
	if (work.journal.done)
		return finish(&work);
	log_warning("a commit of session %s was interrupted: it is undone", work.journal.session);
	return undo_and_finish(&work);
}
