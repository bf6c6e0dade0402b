/* SPDX-License-Identifier: MIT */
/*
 * Threads that claim, commit, abort, remove, look at and sweep the same few locks.
 *
 * Each thread is a session of its own. Whoever gets the file by O_EXCL owns the lock until it
 * unlinks it: then the table must say so, with a token larger than every earlier one of that lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/sys.h"
#include "lock/answer.h"
#include "lock/lock.h"

#define THREADS 6
#define KEYS 2
#define ROUNDS 1500

static struct locks *locks;
static struct registry *registry;
static int lower_fd;
static char root[] = "/tmp/sessionfs-conc-XXXXXX";
static const char *const paths[KEYS] = {"a.lock", "b.lock"};
/* Of the last owner; each is larger than the one before. */
static _Atomic uint64_t last_token[KEYS];
static atomic_int acquired;
static atomic_bool stop;

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "failed: %s\n", what);
	_exit(1);
}

/* We own the file: nobody else may be recorded, whatever was told in which order. */
static void check_owned(const struct lock_key *key, const struct actor *actor, int number)
{
	struct lock_record record;
	uint32_t lock = locks_find(locks, key);

	check(lock && locks_read(locks, lock, &record), "the owner's lock is held");
	check(record.session == actor->session, "the owner is the holder");
	check(record.token > atomic_exchange(&last_token[number], record.token), "tokens grow");
}

static void try_lock(const struct actor *actor, int number)
{
	struct lock_key key = {.path = paths[number]};
	uint32_t claim = lock_claim(locks, &key, LOCK_IDIOM_CREATE, actor);
	struct stat st;
	int fd;

	check(claim != 0, "the table has room");
	fd = openat(lower_fd, paths[number], O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0) {
		check(errno == EEXIST, "O_EXCL fails for the file only");
		lock_claim_abort(locks, claim);
		lock_denied(locks, &key, LOCK_IDIOM_CREATE, actor);
		return;
	}
	check(fstat(fd, &st) == 0, "fstat");
	close(fd);
	lock_claim_commit(locks, claim, &st);
	check_owned(&key, actor, number);
	atomic_fetch_add(&acquired, 1);
	check(unlinkat(lower_fd, paths[number], 0) == 0, "unlink");
	lock_removed(locks, &key, actor);
}

static void *run_session(void *arg)
{
	struct actor actor = {.pid = getpid(), .tid = getpid()};
	char id[16];
	struct err err;

	snprintf(id, sizeof(id), "s%d", (int)(intptr_t)arg);
	check(registry_open(registry, 0, id, 0, &actor.session, NULL, &err) == 0, err.message);
	for (int round = 0; round < ROUNDS; round++)
		try_lock(&actor, round % KEYS);
	return NULL;
}

/* Housekeeping and readers meanwhile. */
static void *run_watcher(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		locks_sweep(locks);
		for (uint32_t lock = locks_next(locks, 0); lock; lock = locks_next(locks, lock)) {
			char path[4200];

			json_decref(lock_answer(locks, lock, 0));
			lock_host_path(locks, lock, path, sizeof(path));
		}
		for (uint32_t session = registry_next(registry, 0); session;
		     session = registry_next(registry, session))
			json_decref(lock_last_conflict(locks, session, 0, 0));
	}
	return NULL;
}

static void woken(void *context)
{
	(void)context;
}

static void run_ended(uint32_t run, void *context)
{
	(void)run;
	(void)context;
}

enum { SESSIONS, RUNS, EVENTS, LOCKS };
static const struct arena_table_spec specs[] = {
	{"sessions", sizeof(struct session_record), 64},
	{"runs", sizeof(struct run_record), 4},
	{"events", sizeof(struct event_record), EVENTS_MAX},
	{"locks", sizeof(struct lock_record), 64},
};

static struct arena *arena;
static struct store *store;
static struct share_config share = {.path = (char[]){"/lower"}};
static struct config config = {.shares = &share, .n_shares = 1, .max_sessions = 64};
static struct identity identity = {.config = &config};
static struct events *events;

static void set_up(void)
{
	struct locks_setup setup = {.identity = &identity, .config = &config};
	char path[64];
	struct err err;

	check(mkdtemp(root) != NULL, "mkdtemp");
	snprintf(path, sizeof(path), "%s/lower", root);
	check(mkdir(path, 0700) == 0, "mkdir");
	lower_fd = share.lower_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/store", root);
	check(store_open(path, &store, &err) == 0, err.message);
	check(arena_new(specs, 4, &arena) == 0 && arena_attach(arena) == 0, "arena");
	check(registry_new(arena_table(arena, SESSIONS), store, &config, true, &registry) == 0,
	      "registry");
	check(events_new(arena_table(arena, EVENTS), arena_globals(arena), woken, NULL, &events) ==
		      0,
	      "events");
	identity.registry = registry;
	check(runs_new(arena_table(arena, RUNS), arena_globals(arena), run_ended, NULL,
		       &identity.runs) == 0,
	      "runs");
	setup.table = arena_table(arena, LOCKS);
	setup.globals = arena_globals(arena);
	setup.store = store;
	setup.events = events;
	check(locks_new(&setup, &locks) == 0, "locks");
}

static void tear_down(void)
{
	locks_free(locks);
	runs_free(identity.runs);
	events_free(events);
	registry_free(registry);
	arena_free_all(arena);
	store_free(store);
	close(lower_fd);
	lower_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	check(sys_remove_tree(lower_fd, root + strlen("/tmp/")) == 0, "an end");
	close(lower_fd);
}

int main(void)
{
	pthread_t threads[THREADS];
	pthread_t watcher;

	set_up();
	check(pthread_create(&watcher, NULL, run_watcher, NULL) == 0, "pthread_create");
	for (int i = 0; i < THREADS; i++)
		check(pthread_create(&threads[i], NULL, run_session, (void *)(intptr_t)i) == 0,
		      "pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&stop, true);
	pthread_join(watcher, NULL);
	check(atomic_load(&acquired) > 0, "somebody got a lock");
	check(locks_count(locks) == 0, "nothing is held at the end");
	check(arena_count(arena_table(arena, LOCKS)) == 0, "no record is left");
	printf("%d acquisitions\n", atomic_load(&acquired));
	tear_down();
	return 0;
}
