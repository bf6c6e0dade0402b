/* SPDX-License-Identifier: MIT */
#include "lock/stale.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "lock/free.h"
#include "lock/holder.h"
#include "lock/idiom.h"
#include "lock/lockfile.h"
#include "lock/settle.h"
#include "lock/table.h"

#define CHECK_TRIES 50
#define HISTORY_WRITE_NS (5 * NSEC_PER_SEC)

bool stale_decide(const struct stale_case *c)
{
	if (!c->creator_known || c->creator_alive)
		return false;
	if (c->text == STALE_TEXT_LIVE)
		return false;
	return c->text == STALE_TEXT_DEAD || !c->group_alive;
}

static enum stale_text judge_text(struct locks *locks, const struct lock_record *record,
				  const struct stat *st)
{
	struct lock_key key = table_key_of(record);
	struct proc_id named;
	pid_t pid;

	if (record->flags & LOCK_FOREIGN_PIDS)
		return STALE_TEXT_NONE;
	pid = lockfile_text_pid(locks, &key, st);
	if (pid == 0)
		return STALE_TEXT_NONE;
	return proc_identify(pid, &named) == 0 && proc_alive(&named) ? STALE_TEXT_LIVE
								     : STALE_TEXT_DEAD;
}

/* Of one outside a run. Only what can still change the answer is looked at. */
static bool is_stale(struct locks *locks, const struct lock_record *record, const struct stat *st)
{
	struct stale_case c = {.creator_known = record->creator.pid != 0};

	if (!c.creator_known || proc_alive(&record->creator))
		return false;
	c.text = judge_text(locks, record, st);
	if (c.text == STALE_TEXT_NONE)
		c.group_alive = record->pgid == 0 || proc_group_alive((pid_t)record->pgid);
	return stale_decide(&c);
}

bool stale_is(struct locks *locks, const struct lock_record *record)
{
	struct lock_key key = table_key_of(record);
	struct lockfile file;

	if (record->flags & LOCK_STALE)
		return true;
	if (record->run)
		return holder_run_is_gone(locks, record);
	/* The kernel tells when a flock's last descriptor is closed. */
	if (record->idiom == LOCK_IDIOM_FLOCK || record->idiom == LOCK_IDIOM_FCNTL)
		return false;
	return lockfile_stat(locks, &key, &file) == 0 && is_stale(locks, record, &file.st);
}

static int delete_unasked(struct locks *locks, uint32_t lock, const struct lock_record *record)
{
	return free_may_delete(locks, record) ? free_delete_file(locks, lock, record)
					      : LOCKFILE_KEPT;
}

/* A lock of a run that has ended. */
static void end_lock_of_run(struct locks *locks, uint32_t lock)
{
	_cleanup_free_ struct lock_report *copy = free_copy_held(locks, lock);
	bool keeps_file;

	if (!copy)
		return;
	/* A flock is gone with its descriptors, a presence is no claim on the file. */
	keeps_file = !idiom_is_existence((enum lock_idiom)copy->record.idiom);
	free_conclude(locks, lock, &copy->record, keeps_file,
		      keeps_file ? LOCKFILE_KEPT : delete_unasked(locks, lock, &copy->record));
}

void locks_run_ended(struct locks *locks, uint32_t run)
{
	_cleanup_free_ uint32_t *of_run = NULL;
	size_t count;

	pthread_mutex_lock(&locks->mutex);
	conflicts_run_ended(&locks->conflicts, run);
	losses_run_ended(&locks->losses, run);
	count = table_of_run_locked(locks, run, &of_run);
	pthread_mutex_unlock(&locks->mutex);
	for (size_t i = 0; i < count; i++)
		end_lock_of_run(locks, of_run[i]);
}

/* The file is gone, or another: whoever did it tells within a sweep, or was an outsider. */
static bool sweep_file(struct locks *locks, uint32_t lock, const struct lock_record *copy,
		       struct stat *ret_st)
{
	struct lock_key key = table_key_of(copy);
	struct lockfile file = {0};
	int r = lockfile_stat(locks, &key, &file);
	struct lock_report *report = NULL;
	bool there = r == 0 && lockfile_is_of(&file, copy);

	if (r < 0 && r != -ENOENT)
		return false; /* cannot be told now */
	pthread_mutex_lock(&locks->mutex);
	if (!table_is_held_locked(locks, lock, copy->token)) {
		there = false;
	} else if (!there) {
		settle_gone_locked(locks, lock, &report);
	} else if (locks->extra[lock].removed && !table_pending_locked(locks, &key, NULL)) {
		/* The claim that was to settle it never came: the file there is an outsider's. */
		report = table_drop_locked(locks, lock, LOCK_END_RELEASED,
					   &locks->extra[lock].remover);
		there = false;
	} else if (!table_at(locks, lock)->file_birth) {
		table_at(locks, lock)->file_birth = file.birth;
	}
	pthread_mutex_unlock(&locks->mutex);
	lock_reports_emit_consume(locks, report);
	*ret_st = file.st;
	return there;
}

static void sweep_held(struct locks *locks, uint32_t lock, const struct lock_record *record)
{
	struct stat st;

	if (!sweep_file(locks, lock, record, &st) || record->flags & LOCK_STALE)
		return;
	if (record->run) {
		if (holder_run_is_gone(locks, record))
			end_lock_of_run(locks, lock);
		return;
	}
	/* The kernel tells when a flock's last descriptor is closed. */
	if (record->idiom == LOCK_IDIOM_FLOCK || record->idiom == LOCK_IDIOM_FCNTL)
		return;
	if (is_stale(locks, record, &st))
		free_conclude(locks, lock, record, false, delete_unasked(locks, lock, record));
}

static uint64_t directory_hash(const struct lock_record *record)
{
	uint64_t seed = (uint64_t)record->session_scope << 32 | record->share;
	size_t len = (size_t)(path_base(record->path) - record->path);
	uint64_t hash = XXH3_64bits_withSeed(record->path, len, seed);

	return hash ? hash : 1;
}

/* Notes that the directory is looked at. NULL: another sweep is at it, or too many are stuck. */
static uint64_t *sweep_begin(struct locks *locks, uint64_t hash)
{
	uint64_t *slot = NULL;
	bool taken = false;

	pthread_mutex_lock(&locks->mutex);
	for (size_t i = 0; i < LOCK_SWEEPS_MAX; i++) {
		taken |= locks->sweeping[i] == hash;
		if (!locks->sweeping[i])
			slot = &locks->sweeping[i];
	}
	if (slot && !taken)
		*slot = hash;
	pthread_mutex_unlock(&locks->mutex);
	return taken ? NULL : slot;
}

/* False where another sweep is at it. */
static bool sweep_one(struct locks *locks, uint32_t lock)
{
	_cleanup_free_ struct lock_report *copy = free_copy_held(locks, lock);
	uint64_t *slot;

	if (!copy)
		return true;
	slot = sweep_begin(locks, directory_hash(&copy->record));
	if (!slot)
		return false;
	sweep_held(locks, lock, &copy->record);
	pthread_mutex_lock(&locks->mutex);
	*slot = 0;
	pthread_mutex_unlock(&locks->mutex);
	return true;
}

void locks_check_run(struct locks *locks, uint32_t run)
{
	_cleanup_free_ uint32_t *of_run = NULL;
	struct lock_report *lost;
	size_t count;

	pthread_mutex_lock(&locks->mutex);
	count = table_of_run_locked(locks, run, &of_run);
	pthread_mutex_unlock(&locks->mutex);
	/* The other one is done at once, or stuck in a directory that does not answer. */
	for (size_t i = 0; i < count; i++)
		for (int tries = 0; !sweep_one(locks, of_run[i]) && tries < CHECK_TRIES; tries++)
			usleep(1000);
	pthread_mutex_lock(&locks->mutex);
	lost = departed_of_run_locked(locks, run);
	pthread_mutex_unlock(&locks->mutex);
	lock_reports_emit_consume(locks, lost);
}

static void write_history(struct locks *locks, bool now)
{
	_cleanup_free_ struct history *copy = NULL;
	uint64_t now_ns = clock_boot_ns();
	bool due;
	int r;

	pthread_mutex_lock(&locks->mutex);
	due = locks->history_dirty &&
	      (now || now_ns - locks->history_written_boot_ns >= HISTORY_WRITE_NS);
	if (due)
		copy = malloc(sizeof(*copy));
	if (copy) {
		*copy = locks->history;
		locks->history_dirty = false;
		locks->history_written_boot_ns = now_ns;
	}
	pthread_mutex_unlock(&locks->mutex);
	if (!copy)
		return;
	r = store_state_write(locks->setup.store, "history", copy, sizeof(*copy));
	if (r < 0)
		log_warning("cannot save how long locks were held: %s", strerror(-r));
}

void locks_save_history(struct locks *locks)
{
	write_history(locks, true);
}

void locks_sweep(struct locks *locks)
{
	struct lock_report *lost;

	/* Before the records: what this sweep finds gone is given until the next. */
	pthread_mutex_lock(&locks->mutex);
	lost = departed_sweep_locked(locks);
	pthread_mutex_unlock(&locks->mutex);
	lock_reports_emit_consume(locks, lost);

	for (uint32_t lock = locks_next(locks, 0); lock; lock = locks_next(locks, lock))
		(void)sweep_one(locks, lock);
	tokens_prepare(locks, TOKENS_AHEAD);
	write_history(locks, false);
}
