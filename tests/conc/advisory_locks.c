/* SPDX-License-Identifier: MIT */
/*
 * Threads that lock, wait, are interrupted, close and move, on the same few files of both kinds.
 *
 * Each thread is a process of its own. A byte of a file counts who has it locked for writing: never
 * two. For a file of the lower, what would be the real lock is a count of that kind as well.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "lock/advisory.h"

#define THREADS 6
#define ROUNDS 3000
#define BYTES 8
#define FILES 4 /* the second half lies in the lower */

static struct arena *arena;
static struct advisory *table;
static atomic_int writers[FILES][BYTES];
static atomic_int granted, waited, cancelled;

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "failed: %s\n", what);
	_exit(1);
}

static struct advisory_request request_of(unsigned int thread, unsigned int file)
{
	struct advisory_request request = {.kind = ADVISORY_POSIX,
					   .owner = thread + 1,
					   .handle = thread + 1,
					   .uid = thread % 3,
					   .key = {.session = file < FILES / 2, .ino = file + 1}};

	return request;
}

/* Before it is given back, for the next may have it in that instant. */
static void leave(const struct advisory_request *request, unsigned int file)
{
	for (uint64_t i = request->range.start; i <= request->range.end; i++)
		atomic_fetch_sub(&writers[file][i], 1);
}

static void enter(const struct advisory_request *request, unsigned int file)
{
	for (uint64_t i = request->range.start; i <= request->range.end; i++)
		check(atomic_fetch_add(&writers[file][i], 1) == 0, "one writer at a time");
	atomic_fetch_add(&granted, 1);
}

static void settle(const struct advisory_request *request, struct advisory_waiter *waiter)
{
	check(advisory_settle(table, request, 0, waiter, advisory_keeps(table, request, 0)) == 0,
	      "a settled call");
}

/* Waits for its turn, or gives up. True where it got it. */
static bool wait_for_turn(struct advisory_waiter *waiter, bool patient)
{
	int r = ADVISORY_HELD;

	atomic_fetch_add(&waited, 1);
	for (int looks = 0; r == ADVISORY_HELD; looks++) {
		bool cancel = !patient && looks > 20;

		if (atomic_load(&waiter->due) || cancel)
			r = advisory_resume(table, waiter, cancel);
		if (cancel && r == ADVISORY_HELD) {
			atomic_fetch_add(&cancelled, 1);
			return false;
		}
		sched_yield();
	}
	check(r == ADVISORY_DONE || r == ADVISORY_CARRY, "a turn");
	if (r == ADVISORY_CARRY)
		settle(&waiter->request, waiter);
	return true;
}

static bool take(const struct advisory_request *request, uint64_t order, bool patient)
{
	struct advisory_waiter waiter = {.order = order, .finite = !patient};
	int r = advisory_set(table, request, &waiter);

	if (r == ADVISORY_CARRY)
		settle(request, &waiter);
	if (r == ADVISORY_HELD || r == ADVISORY_BUSY)
		return wait_for_turn(&waiter, patient);
	check(r == ADVISORY_DONE || r == ADVISORY_CARRY, "a lock");
	return true;
}

static void give_back(struct advisory_request *request, bool closes)
{
	bool had;
	int r;

	if (closes) {
		r = advisory_close(table, request, &had);
		check(had, "something to close");
	} else {
		request->range.type = RANGE_NONE;
		r = advisory_set(table, request, NULL);
	}
	check(r == ADVISORY_DONE || r == ADVISORY_CARRY, "a release");
	if (r == ADVISORY_CARRY)
		settle(request, NULL);
}

static void *run(void *arg)
{
	unsigned int thread = (unsigned int)(uintptr_t)arg, seed = thread + 1;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int file = (unsigned int)rand_r(&seed) % FILES;
		struct advisory_request request = request_of(thread, file);
		struct advisory_record record;

		request.range.start = (unsigned int)rand_r(&seed) % BYTES;
		request.range.end = request.range.start +
				    (unsigned int)rand_r(&seed) % (BYTES - request.range.start);
		request.range.type = RANGE_WRITE;
		advisory_test(table, &request, &record);
		if (!take(&request, (uint64_t)round * THREADS + thread, rand_r(&seed) % 4 != 0))
			continue;
		enter(&request, file);
		leave(&request, file);
		give_back(&request, rand_r(&seed) % 2);
	}
	return NULL;
}

int main(void)
{
	static const struct arena_table_spec spec = {"advisory", sizeof(struct advisory_record),
						     1024};
	pthread_t threads[THREADS];

	check(arena_new(&spec, 1, &arena) == 0 && arena_attach(arena) == 0, "arena");
	check(advisory_new(arena_table(arena, 0), NULL, NULL, &table) == 0, "table");
	for (uintptr_t i = 0; i < THREADS; i++)
		check(pthread_create(&threads[i], NULL, run, (void *)i) == 0, "pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check(advisory_count(table) == 0, "nothing is held at the end");
	check(atomic_load(&waited) > 0 && atomic_load(&cancelled) > 0, "somebody waited");
	printf("%d granted, %d waited, %d gave up\n", granted, waited, cancelled);
	advisory_free(table);
	arena_free_all(arena);
	return 0;
}
