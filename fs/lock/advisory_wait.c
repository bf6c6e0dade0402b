/* SPDX-License-Identifier: MIT */
/*
 * Who waits: the queues, cycles, and what a release makes possible.
 */
#include "lock/advisory_table.h"

struct advisory_waiter **advisory_waiters(struct advisory *advisory, const struct advisory_key *key,
					  enum advisory_kind kind)
{
	return &advisory->waiters[advisory_hash(key, kind) % WAITER_BUCKETS];
}

static bool is_flock(enum advisory_kind kind)
{
	return kind == ADVISORY_FLOCK;
}

bool advisory_waits_for(const struct advisory_waiter *waiter, const struct advisory_key *key,
			enum advisory_kind kind)
{
	return is_flock(waiter->request.kind) == is_flock(kind) &&
	       advisory_same_file(&waiter->request.key, key);
}

/* Whether what is in the way may go without anybody telling. */
static bool must_ask(struct advisory *advisory, const struct advisory_waiter *waiter)
{
	uint32_t conflict;

	if (waiter->outsider)
		return true;
	conflict = advisory_conflict_locked(advisory, &waiter->request);
	return conflict && advisory_at(advisory, conflict)->unflushed &&
	       advisory_at(advisory, conflict)->kind == ADVISORY_POSIX;
}

void advisory_queue_locked(struct advisory *advisory, struct advisory_waiter *waiter)
{
	struct advisory_waiter **at =
		advisory_waiters(advisory, &waiter->request.key, waiter->request.kind);
	struct advisory_waiter *previous = NULL;

	for (; *at && (*at)->order < waiter->order; at = &(*at)->next)
		previous = *at;
	waiter->previous = previous;
	waiter->next = *at;
	if (*at)
		(*at)->previous = waiter;
	*at = waiter;
	waiter->queued = true;
	waiter->outcome = ADVISORY_HELD;
	atomic_store(&waiter->due, must_ask(advisory, waiter));
}

void advisory_dequeue_locked(struct advisory *advisory, struct advisory_waiter *waiter)
{
	if (!waiter->queued)
		return;
	if (waiter->previous)
		waiter->previous->next = waiter->next;
	else
		*advisory_waiters(advisory, &waiter->request.key, waiter->request.kind) =
			waiter->next;
	if (waiter->next)
		waiter->next->previous = waiter->previous;
	waiter->queued = false;
}

/* Tries for a waiter. True where it is out of the queue, with an outcome. */
static bool attempt_locked(struct advisory *advisory, struct advisory_waiter *waiter)
{
	int r = advisory_try_locked(advisory, &waiter->request);

	if (r > 0 && r != ADVISORY_CARRY) {
		waiter->outsider = false;
		atomic_store(&waiter->due, must_ask(advisory, waiter));
		return false;
	}
	advisory_dequeue_locked(advisory, waiter);
	waiter->outcome = r;
	atomic_store(&waiter->due, true);
	return true;
}

bool advisory_grant_locked(struct advisory *advisory, const struct advisory_key *key,
			   enum advisory_kind kind)
{
	struct advisory_waiter *next;
	bool due = false;

	for (struct advisory_waiter *at = *advisory_waiters(advisory, key, kind); at; at = next) {
		next = at->next;
		/* An outsider's lock is tried for now and then only, else tries would chase each other. */
		if (advisory_waits_for(at, key, kind) && !at->outsider)
			due |= attempt_locked(advisory, at);
	}
	return due;
}

int advisory_resume(struct advisory *advisory, struct advisory_waiter *waiter, bool cancel)
{
	int r = ADVISORY_HELD;

	pthread_mutex_lock(&advisory->mutex);
	if (waiter->queued && !cancel)
		attempt_locked(advisory, waiter);
	if (!waiter->queued)
		r = waiter->outcome;
	else if (cancel)
		advisory_dequeue_locked(advisory, waiter);
	pthread_mutex_unlock(&advisory->mutex);
	return r;
}

/*
 * Cycles. An owner waits for all who hold something in the way of one of his waits; he may have
 * several, by several threads, and then is taken to wait for each, as the kernel does.
 */
#define CYCLE_OWNERS_MAX 64 /* owners on the way; a longer cycle is not found */

struct cycle {
	struct advisory *advisory;
	uint64_t origin;
	uint64_t owners[CYCLE_OWNERS_MAX];
	size_t n;
	bool found;
};

struct cycle_step {
	struct cycle *cycle;
	const struct advisory_request *request;
};

static void note_owner(struct cycle *cycle, uint64_t owner)
{
	for (size_t i = 0; i < cycle->n; i++)
		if (cycle->owners[i] == owner)
			return;
	if (cycle->n < CYCLE_OWNERS_MAX)
		cycle->owners[cycle->n++] = owner;
}

static bool visit_blocker(uint32_t number, const void *key, void *context)
{
	const struct cycle_step *step = context;
	const struct advisory_request *request = step->request;
	const struct advisory_record *record = advisory_at(step->cycle->advisory, number);
	struct advisory_key own = advisory_key_of(record);
	struct range range = advisory_range(record);

	(void)key;
	if (record->kind == ADVISORY_FLOCK || !advisory_same_file(&own, &request->key) ||
	    advisory_is_owners(record, request) || !range_conflicts(&range, &request->range))
		return false;
	if (record->kind == ADVISORY_POSIX && record->owner == step->cycle->origin)
		step->cycle->found = true;
	else
		note_owner(step->cycle, record->owner);
	return step->cycle->found;
}

static void add_blockers(struct cycle *cycle, const struct advisory_request *request)
{
	struct cycle_step step = {.cycle = cycle, .request = request};

	index_find(&cycle->advisory->by_file, advisory_hash(&request->key, request->kind),
		   visit_blocker, NULL, &step);
}

static void add_blockers_of(struct cycle *cycle, uint64_t owner)
{
	for (size_t i = 0; i < WAITER_BUCKETS && !cycle->found; i++)
		for (const struct advisory_waiter *at = cycle->advisory->waiters[i]; at;
		     at = at->next)
			if (at->request.owner == owner && !at->finite &&
			    !is_flock(at->request.kind))
				add_blockers(cycle, &at->request);
}

bool advisory_is_cycle_locked(struct advisory *advisory, const struct advisory_request *request)
{
	struct cycle cycle = {.advisory = advisory, .origin = request->owner};

	add_blockers(&cycle, request);
	for (size_t i = 0; i < cycle.n && !cycle.found; i++)
		add_blockers_of(&cycle, cycle.owners[i]);
	return cycle.found;
}
