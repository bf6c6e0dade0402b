/* SPDX-License-Identifier: MIT */
/*
 * Sessions, runs and events used by many threads at once: made, found, reset, removed, begun,
 * closed, swept, emitted, read. Judged by TSan, and by what must hold at the end.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sys.h"
#include "session/events.h"
#include "session/posix_sessions.h"
#include "session/registry.h"
#include "session/runs.h"
#include "store/store.h"

#define THREADS 6
#define ROUNDS 300
#define IDS 4
#define CHILDREN 8

static struct share_config share = {.lower_fd = -1};
static struct config config = {.shares = &share, .n_shares = 1, .max_sessions = 100};
static struct store *store;
static struct registry *registry;
static struct runs *runs;
static struct events *events;
static pid_t children[CHILDREN]; /* each in a mount namespace of its own */
static _Atomic int n_begun;
static _Atomic int n_ended;

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "sessions: %s does not hold\n", what);
	exit(1);
}

static void run_ended(uint32_t run, void *context)
{
	(void)context;
	must(runs_at(runs, run) != NULL, "a run that ends can be looked at");
	n_ended++;
	events_emit_consume(events, 0, 0, "run.ended", NULL);
}

static void event_woken(void *context)
{
	(void)context;
	(void)events_newest(events);
}

/* One round of a thread with one session; each step may meet another thread's. */
static void use_session(unsigned int number)
{
	char id[16];
	struct err err;
	uint32_t session;
	int upper;
	int work;

	snprintf(id, sizeof(id), "s%u", number % IDS);
	must(!registry_open(registry, number % 2, id, SESSION_EPHEMERAL, &session, NULL, &err),
	     "a session can be opened");
	if (!registry_open_upper(registry, session, 0, &upper, &work)) {
		close(upper);
		close(work);
	}
	registry_touch(registry, session);
	(void)registry_find(registry, number % 2, id);
	for (uint32_t s = 0; (s = registry_next(registry, s));)
		(void)registry_has_changes(registry, s);
	if (number % 3 == 0)
		(void)registry_reset(registry, session, &err);
	if (number % 3 == 1)
		(void)registry_remove(registry, session, &err);
}

static void use_run(unsigned int number)
{
	struct err err;
	uint32_t run;

	/* Refused while another thread's run has that namespace. */
	if (runs_begin(runs, number % IDS + 1, 0, children[number % CHILDREN], "x", 2, "/", &run,
		       &err))
		return;
	n_begun++;
	(void)runs_find_id(runs, 0, "r-0001");
	(void)runs_in_session(runs, number % IDS + 1);
	runs_close(runs, run);
}

static void *worker(void *ctx)
{
	unsigned int seed = *(unsigned int *)ctx;
	uint64_t sequence = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct buf buf = {0};

		use_session(seed);
		use_run(seed);
		events_emit_consume(events, seed % 2, 1, "round", NULL);
		events_read(events, seed % 2, &sequence, &buf);
		buf_release(&buf);
		if (round % 10 == 0)
			runs_sweep(runs);
		seed = seed * 1103515245 + 12345;
		seed ^= seed >> 7;
	}
	return NULL;
}

static void start_child(pid_t *ret_pid)
{
	int ready[2];
	char byte;

	must(!pipe(ready), "there are pipes");
	*ret_pid = fork();
	if (*ret_pid == 0) {
		if (unshare(CLONE_NEWNS))
			_exit(1);
		must(write(ready[1], "", 1) == 1, "a child can say that it is ready");
		for (;;)
			pause();
	}
	close(ready[1]);
	must(read(ready[0], &byte, 1) == 1, "a child gets a mount namespace");
	close(ready[0]);
}

static void set_up(char *scratch)
{
	const struct arena_table_spec specs[] = {
		{"sessions", sizeof(struct session_record), 4096},
		{"runs", sizeof(struct run_record), 4096},
		{"events", sizeof(struct event_record), EVENTS_MAX},
	};
	char path[128];
	struct arena *arena;
	struct err err;

	must(mkdtemp(scratch) != NULL, "a directory can be made");
	snprintf(path, sizeof(path), "%s/store", scratch);
	share.path = scratch;
	share.lower_fd = open(scratch, O_PATH | O_DIRECTORY);
	must(!store_open(path, &store, &err), "the store opens");
	must(!arena_new(specs, 3, &arena) && !arena_attach(arena), "there is an arena");
	must(!registry_new(arena_table(arena, 0), store, &config, true, &registry) &&
		     !runs_new(arena_table(arena, 1), arena_globals(arena), run_ended, NULL,
			       &runs) &&
		     !events_new(arena_table(arena, 2), arena_globals(arena), event_woken, NULL,
				 &events),
	     "all parts start");
}

int main(void)
{
	char scratch[] = "/tmp/sessionfs-test-XXXXXX";
	pthread_t threads[THREADS];
	unsigned int seeds[THREADS];
	int parent;

	for (int i = 0; i < CHILDREN; i++)
		start_child(&children[i]);
	set_up(scratch);
	for (int i = 0; i < THREADS; i++) {
		seeds[i] = 1000u + (unsigned int)i;
		must(!pthread_create(&threads[i], NULL, worker, &seeds[i]), "threads start");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < CHILDREN; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	runs_sweep(runs);
	must(runs_count(runs) == 0 && n_ended == n_begun && n_begun > 0, "each run ended once");
	must(registry_count(registry) <= 2 * IDS, "no session is there twice");
	events_free(events);
	runs_free(runs);
	registry_free(registry);
	store_free(store);
	parent = open("/tmp", O_PATH | O_DIRECTORY);
	(void)sys_remove_tree(parent, path_base(scratch));
	return 0;
}
