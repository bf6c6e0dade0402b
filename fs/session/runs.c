/* SPDX-License-Identifier: MIT */
#include "session/runs.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/index.h"
#include "session/retired.h"
#include "session/run_namespace.h"

/* ended() that takes longer is stuck, in a share that does not answer. */
#define ENDING_NS NSEC_PER_SEC

/* What of a run lives in this worker only. guarded by: runs->mutex */
struct run_private {
	int namespace_fd; /* 0: none, so that a zeroed array is right */
	bool ending;      /* ended() is being called, or about to be */
	uint64_t ending_boot_ns;
	struct proc_id witness; /* who was last seen in the namespace; pid 0: nobody */
};

struct runs {
	struct arena_table *table;
	struct arena_globals *globals;
	run_ended_fn ended;
	void *context;
	pthread_mutex_t mutex;
	_Atomic uint32_t count;
	struct retired retired;      /* guarded by: mutex */
	struct index by_namespace;   /* guarded by: mutex; runs whose namespace is held */
	struct index by_serial;      /* guarded by: mutex */
	struct index by_session;     /* guarded by: mutex */
	struct run_private *private; /* by number */
};

static struct run_record *record_at(const struct runs *runs, uint32_t run)
{
	return arena_at(runs->table, run);
}

/* 0 for a run that has ended. */
static uint32_t state_of(const struct runs *runs, uint32_t run)
{
	uint32_t state =
		atomic_load_explicit(&record_at(runs, run)->head.state, memory_order_acquire);

	return state == RUN_STATE_GONE ? 0 : state;
}

/* Found by nobody any more: what is being ended is seen by runs_at() alone. */
static void unindex_locked(struct runs *runs, uint32_t run)
{
	const struct run_record *record = record_at(runs, run);

	index_remove(&runs->by_namespace, record->namespace_ino, run);
	index_remove(&runs->by_serial, record->serial, run);
	index_remove(&runs->by_session, record->session, run);
}

static int index_locked(struct runs *runs, uint32_t run)
{
	const struct run_record *record = record_at(runs, run);
	int r = index_add(&runs->by_serial, record->serial, run);

	if (!r)
		r = index_add(&runs->by_session, record->session, run);
	if (!r && runs->private[run].namespace_fd)
		r = index_add(&runs->by_namespace, record->namespace_ino, run);
	if (r)
		unindex_locked(runs, run);
	return r;
}

/*
 * The records of an earlier worker. Its namespace fds went with it; while somebody is in a
 * namespace its number is not given out again, so that the same number is the same namespace. One
 * with nobody in it is not indexed: its number may be another's by now. Its run ends when its
 * descriptor does.
 */
static int rebuild(struct runs *runs)
{
	uint32_t run = 0;

	while ((run = arena_next(runs->table, run))) {
		const struct run_record *record = record_at(runs, run);
		int fd;

		if (!state_of(runs, run)) {
			arena_free(runs->table, run);
			continue;
		}
		fd = run_namespace_reopen(record->namespace_ino, &record->leader);
		if (fd > 0)
			runs->private[run].namespace_fd = fd;
		if (index_locked(runs, run))
			return -ENOMEM;
		runs->count++;
	}
	return 0;
}

static void runs_cleanup(struct runs **runs)
{
	runs_free(*runs);
}

int runs_new(struct arena_table *table, struct arena_globals *globals, run_ended_fn ended,
	     void *context, struct runs **ret_runs)
{
	_cleanup_(runs_cleanup) struct runs *runs = calloc(1, sizeof(*runs));
	uint64_t none = 0;
	int r;

	if (!runs)
		return -ENOMEM;
	runs->table = table;
	runs->globals = globals;
	runs->ended = ended;
	runs->context = context;
	pthread_mutex_init(&runs->mutex, NULL);
	runs->private = calloc((size_t)arena_capacity(table) + 1, sizeof(*runs->private));
	if (!runs->private)
		return -ENOMEM;
	atomic_compare_exchange_strong(&globals->run_next, &none, 1);
	r = rebuild(runs);
	if (r)
		return r;
	*ret_runs = TAKE_PTR(runs);
	return 0;
}

void runs_free(struct runs *runs)
{
	if (!runs)
		return;
	for (uint32_t run = 1; runs->private && run <= arena_capacity(runs->table); run++)
		if (runs->private[run].namespace_fd)
			close(runs->private[run].namespace_fd);
	free(runs->private);
	index_release(&runs->by_namespace);
	index_release(&runs->by_serial);
	index_release(&runs->by_session);
	retired_release(&runs->retired);
	pthread_mutex_destroy(&runs->mutex);
	free(runs);
}

static bool namespace_equal(uint32_t number, const void *key, void *context)
{
	return record_at(context, number)->namespace_ino == *(const uint64_t *)key;
}

static uint32_t find_namespace_locked(struct runs *runs, uint64_t ino)
{
	return index_find(&runs->by_namespace, ino, namespace_equal, &ino, runs);
}

/* argv, cut at RUN_COMMAND_MAX, ended by two NULs. The record is zeroed. */
static void set_command(struct run_record *record, const char *command, size_t len)
{
	if (len > sizeof(record->command) - 2)
		len = sizeof(record->command) - 2;
	if (len)
		memcpy(record->command, command, len);
}

/* Fills a record that nobody sees yet, and takes the namespace's fd into account. */
static int add_locked(struct runs *runs, uint32_t run, const struct run_record *form, int fd)
{
	struct run_record *record = record_at(runs, run);
	int r;

	record->session = form->session;
	record->uid = form->uid;
	record->namespace_ino = form->namespace_ino;
	record->leader = form->leader;
	record->started_boot_ns = clock_boot_ns();
	record->started_real_ns = clock_real_ns();
	record->lock_timeout_ms = RUN_LOCK_TIMEOUT_RULE;
	record->serial = atomic_fetch_add(&runs->globals->run_next, 1);
	snprintf(record->id, sizeof(record->id), "r-%04llx", (unsigned long long)record->serial);
	memcpy(record->command, form->command, sizeof(record->command));
	memcpy(record->cwd, form->cwd, sizeof(record->cwd));
	runs->private[run] = (struct run_private){.namespace_fd = fd, .witness = form->leader};
	r = index_locked(runs, run);
	if (r) {
		runs->private[run] = (struct run_private){0};
		arena_free(runs->table, run);
		return r;
	}
	arena_publish(runs->table, run, RUN_STATE_LIVE);
	runs->count++;
	return 0;
}

/* Registers what is described; *fd is taken on success. */
static int register_run(struct runs *runs, const struct run_record *form, int *fd,
			uint32_t *ret_run, struct err *err)
{
	char other[RUN_ID_SIZE] = "";
	uint32_t run = 0;
	uint32_t found;
	int r = 0;

	pthread_mutex_lock(&runs->mutex);
	found = find_namespace_locked(runs, form->namespace_ino);
	if (found)
		memcpy(other, record_at(runs, found)->id, sizeof(other));
	else
		run = retired_alloc(&runs->retired, runs->table);
	if (run)
		r = add_locked(runs, run, form, *fd);
	pthread_mutex_unlock(&runs->mutex);

	if (found)
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "the caller's mount namespace belongs to run %s already", other);
	if (!run) {
		err_set(err, ERR_LIMIT_REACHED, "no more runs can begin: %u live",
			arena_capacity(runs->table));
		return err_suggest(err, "Wait until some have ended: sessionfs status");
	}
	if (r)
		return err_set_errno(err, ERR_INTERNAL_ERROR, -r, "cannot register the run");
	(void)TAKE_FD(*fd);
	*ret_run = run;
	return 0;
}

int runs_begin(struct runs *runs, uint32_t session, uid_t uid, pid_t tid, const char *command,
	       size_t command_len, const char *cwd, uint32_t *ret_run, struct err *err)
{
	struct run_record form = {.session = session, .uid = uid};
	_cleanup_close_ int fd = -1;

	if (tid <= 0)
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "the caller is in a pid namespace that this daemon cannot see");
	if (proc_identify(tid, &form.leader))
		return err_set(err, ERR_PRECONDITION_FAILED, "the caller (thread %d) is gone",
			       (int)tid);
	fd = run_namespace_open(tid, &form.namespace_ino);
	if (fd < 0)
		return err_set_errno(err, ERR_PRECONDITION_FAILED, -fd,
				     "cannot open the mount namespace of thread %d", (int)tid);
	if (run_namespace_is_ours(form.namespace_ino)) {
		err_set(err, ERR_PRECONDITION_FAILED,
			"the caller is in the daemon's own mount namespace");
		return err_suggest(err, "A run needs a mount namespace of its own: unshare(2) "
					"before run.begin");
	}
	set_command(&form, command, command_len);
	snprintf(form.cwd, sizeof(form.cwd), "%s", cwd ? cwd : "");
	return register_run(runs, &form, &fd, ret_run, err);
}

void runs_set_lock_timeout(struct runs *runs, uint32_t run, uint64_t timeout_ms)
{
	record_at(runs, run)->lock_timeout_ms = timeout_ms;
}

/* Ends the run, unless another thread does. */
static void end_run(struct runs *runs, uint32_t run)
{
	bool mine;
	int fd;

	pthread_mutex_lock(&runs->mutex);
	mine = state_of(runs, run) && !runs->private[run].ending;
	if (mine) {
		runs->private[run].ending = true;
		runs->private[run].ending_boot_ns = clock_boot_ns();
		unindex_locked(runs, run);
	}
	pthread_mutex_unlock(&runs->mutex);
	if (!mine)
		return;

	runs->ended(run, runs->context);

	pthread_mutex_lock(&runs->mutex);
	fd = runs->private[run].namespace_fd;
	runs->private[run] = (struct run_private){0};
	arena_publish(runs->table, run, RUN_STATE_GONE);
	retired_add(&runs->retired, runs->table, run);
	runs->count--;
	pthread_mutex_unlock(&runs->mutex);
	/* Perhaps the namespace's last reference: its mounts go with it. */
	if (fd)
		close(fd);
}

enum left {
	LEFT_BUT_LEADER, /* the leader says that it is the last of its descendants, and goes */
	LEFT_ANYBODY,    /* also who bears the run's id in a namespace of his own */
};

/* Looks whether anybody is left, without the mutex. false too where the run is being ended. */
static bool is_populated(struct runs *runs, uint32_t run, enum left left)
{
	char id[RUN_ID_SIZE];
	struct proc_id leader;
	struct proc_id witness;
	uint64_t serial;
	uint64_t ino;
	uid_t uid;
	bool live;
	bool held;
	bool populated;

	pthread_mutex_lock(&runs->mutex);
	live = state_of(runs, run) && !runs->private[run].ending;
	held = live && runs->private[run].namespace_fd;
	serial = record_at(runs, run)->serial;
	leader = record_at(runs, run)->leader;
	ino = record_at(runs, run)->namespace_ino;
	uid = record_at(runs, run)->uid;
	memcpy(id, record_at(runs, run)->id, sizeof(id));
	witness = runs->private[run].witness;
	pthread_mutex_unlock(&runs->mutex);
	if (!live)
		return false;

	populated = held &&
		    run_namespace_populated(ino, &leader, left == LEFT_BUT_LEADER, &witness);
	if (!populated && left == LEFT_ANYBODY)
		populated = run_environment_populated(id, uid, &leader, &witness);

	pthread_mutex_lock(&runs->mutex);
	if (record_at(runs, run)->serial == serial)
		runs->private[run].witness = witness;
	pthread_mutex_unlock(&runs->mutex);
	return populated;
}

static void close_run(struct runs *runs, uint32_t run, enum left left)
{
	bool closed;

	pthread_mutex_lock(&runs->mutex);
	closed = state_of(runs, run) == RUN_STATE_LIVE && !runs->private[run].ending;
	/* First, so that the next worker's sweep ends the run if this one is killed now. */
	if (closed)
		arena_publish(runs->table, run, RUN_STATE_ORPHANED);
	pthread_mutex_unlock(&runs->mutex);
	if (closed && !is_populated(runs, run, left))
		end_run(runs, run);
}

void runs_close(struct runs *runs, uint32_t run)
{
	close_run(runs, run, LEFT_ANYBODY);
}

void runs_leave(struct runs *runs, uint32_t run)
{
	close_run(runs, run, LEFT_BUT_LEADER);
}

void runs_sweep(struct runs *runs)
{
	uint32_t run = 0;

	while ((run = arena_next(runs->table, run))) {
		bool populated;

		if (state_of(runs, run) != RUN_STATE_ORPHANED)
			continue;
		populated = is_populated(runs, run, LEFT_ANYBODY);
		/*
		 * Again: a process that forks a child with a lower pid and exits meanwhile can be
		 * missed by one scan.
		 */
		if (!populated)
			populated = is_populated(runs, run, LEFT_ANYBODY);
		if (!populated)
			end_run(runs, run);
	}
}

uint32_t runs_find_namespace(struct runs *runs, uint64_t namespace_ino)
{
	uint32_t run;

	pthread_mutex_lock(&runs->mutex);
	run = find_namespace_locked(runs, namespace_ino);
	pthread_mutex_unlock(&runs->mutex);
	return run;
}

struct id_key {
	uid_t uid;
	const char *id;
};

static bool id_equal(uint32_t number, const void *key, void *context)
{
	const struct run_record *record = record_at(context, number);
	const struct id_key *wanted = key;

	return record->uid == wanted->uid && !strcmp(record->id, wanted->id);
}

uint32_t runs_find_id(struct runs *runs, uid_t uid, const char *id)
{
	const struct id_key key = {uid, id};
	uint64_t serial;
	uint32_t run;

	if (strncmp(id, "r-", 2) != 0)
		return 0;
	/* Only where to look: the whole text is compared. */
	serial = strtoull(id + 2, NULL, 16);
	pthread_mutex_lock(&runs->mutex);
	run = index_find(&runs->by_serial, serial, id_equal, &key, runs);
	pthread_mutex_unlock(&runs->mutex);
	return run;
}

const struct run_record *runs_at(const struct runs *runs, uint32_t run)
{
	if (!run || run > arena_capacity(runs->table) || !state_of(runs, run))
		return NULL;
	return record_at(runs, run);
}

bool runs_is_over(struct runs *runs, uint32_t run, const char *id)
{
	const struct run_record *record = runs_at(runs, run);
	const struct run_private *private;
	bool over;

	if (!record)
		return true;
	pthread_mutex_lock(&runs->mutex);
	private = &runs->private[run];
	over = strcmp(record->id, id) != 0 ||
	       (private->ending && clock_boot_ns() - private->ending_boot_ns >= ENDING_NS);
	pthread_mutex_unlock(&runs->mutex);
	return over;
}

uint32_t runs_next(const struct runs *runs, uint32_t run)
{
	while ((run = arena_next(runs->table, run)))
		if (state_of(runs, run))
			break;
	return run;
}

uint32_t runs_count(const struct runs *runs)
{
	return runs->count;
}

struct session_count {
	const struct runs *runs;
	uint32_t count;
};

/* Counts instead of finding. */
static bool count_session(uint32_t number, const void *key, void *context)
{
	struct session_count *count = context;

	if (record_at(count->runs, number)->session == *(const uint32_t *)key)
		count->count++;
	return false;
}

uint32_t runs_in_session(struct runs *runs, uint32_t session)
{
	struct session_count count = {.runs = runs};

	pthread_mutex_lock(&runs->mutex);
	(void)index_find(&runs->by_session, session, count_session, &session, &count);
	pthread_mutex_unlock(&runs->mutex);
	return count.count;
}

struct listing {
	pid_t leader;
	pid_t *pids;
	size_t count;
	size_t max;
};

static bool list_process(pid_t pid, void *context)
{
	struct listing *listing = context;

	if (pid != listing->leader && listing->count < listing->max)
		listing->pids[listing->count++] = pid;
	return listing->count < listing->max;
}

size_t runs_processes(struct runs *runs, uint32_t run, pid_t *ret_pids, size_t max)
{
	struct listing listing = {.pids = ret_pids, .max = max};
	uint64_t ino = 0;

	pthread_mutex_lock(&runs->mutex);
	if (state_of(runs, run) && runs->private[run].namespace_fd) {
		ino = record_at(runs, run)->namespace_ino;
		listing.leader = record_at(runs, run)->leader.pid;
	}
	pthread_mutex_unlock(&runs->mutex);
	if (ino && max)
		proc_each_in_namespace(ino, list_process, &listing);
	return listing.count;
}
