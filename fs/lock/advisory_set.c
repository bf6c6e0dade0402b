/* SPDX-License-Identifier: MIT */
/*
 * Granting: a call as such, and for files of the lower what the real call came to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lock/advisory_table.h"

static bool is_lower(const struct advisory_request *request)
{
	return request->key.session == 0;
}

/* Room for `n` ranges and what range_set() makes of them: the first n, and the rest. */
static int reserve_ranges(struct advisory *advisory, size_t n)
{
	size_t capacity = n + RANGE_SET_MAX(n);
	struct range *grown;

	if (capacity <= advisory->ranges_capacity)
		return 0;
	grown = reallocarray(advisory->ranges, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	advisory->ranges = grown;
	advisory->ranges_capacity = capacity;
	return 0;
}

static bool equal(const struct range *a, const struct range *b)
{
	return a->start == b->start && a->end == b->end && a->type == b->type;
}

/* Marks what stays by number 0, among the first n items. True where the range is one of them. */
static bool keep(struct advisory_list *list, size_t n, const struct range *range)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (list->items[middle].range.start < range->start)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < n && list->items[low].range.start == range->start; low++) {
		if (list->items[low].number && equal(&list->items[low].range, range)) {
			list->items[low].number = 0;
			return true;
		}
	}
	return false;
}

/*
 * What a new record takes besides its range: a part of an old lock keeps who set it, for who unlocks
 * the rest is not told; what is set now, or joined with that, is of who asks.
 */
static struct advisory_request origin_of(struct advisory *advisory,
					 const struct advisory_request *request, size_t n,
					 const struct range *range)
{
	struct advisory_request origin = *request;

	if (range_overlaps(range, &request->range))
		return origin;
	for (size_t i = 0; i < n; i++) {
		const struct advisory_item *item = &advisory->list.items[i];
		const struct advisory_record *record;

		if (!item->number || !range_overlaps(&item->range, range))
			continue;
		record = advisory_at(advisory, item->number);
		origin.handle = record->handle;
		origin.unflushed = record->unflushed;
		origin.first_ino = record->first_ino;
		origin.process = (struct proc_id){(pid_t)record->pid, record->process_start};
		break;
	}
	return origin;
}

/* Adds what is not there yet behind the n items; none of it where there is no room. */
static int add_new(struct advisory *advisory, const struct advisory_request *request, size_t n,
		   const struct range *wanted, size_t n_wanted)
{
	uint32_t number;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_wanted; i++) {
		struct advisory_request origin;

		if (keep(&advisory->list, n, &wanted[i]))
			continue;
		origin = origin_of(advisory, request, n, &wanted[i]);
		r = advisory_add_locked(advisory, &origin, &wanted[i], ADVISORY_STATE_HELD,
					&number);
		if (r == 0) {
			r = advisory_list_add(&advisory->list, &wanted[i], number);
			if (r < 0)
				advisory_remove_locked(advisory, number);
		}
	}
	for (size_t i = n; r < 0 && i < advisory->list.n; i++)
		advisory_remove_locked(advisory, advisory->list.items[i].number);
	return r;
}

int advisory_apply_locked(struct advisory *advisory, const struct advisory_request *request)
{
	size_t others, n, n_wanted;
	struct range *wanted;
	int r = advisory_list_locked(advisory, request, &others);

	n = advisory->list.n;
	if (r == 0)
		r = reserve_ranges(advisory, n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		advisory->ranges[i] = advisory->list.items[i].range;
	wanted = advisory->ranges + n;
	n_wanted = range_set(advisory->ranges, n, &request->range, wanted);
	if (n_wanted > n && others + n_wanted > ADVISORY_PER_FILE_MAX)
		return -ENOLCK;
	r = add_new(advisory, request, n, wanted, n_wanted);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (advisory->list.items[i].number)
			advisory_remove_locked(advisory, advisory->list.items[i].number);
	return r;
}

/* A flock of one type that its owner wants to be of the other. */
static bool is_change_of_flock(struct advisory *advisory, const struct advisory_request *request)
{
	size_t others;

	return request->kind == ADVISORY_FLOCK &&
	       advisory_list_locked(advisory, request, &others) == 0 && advisory->list.n > 0;
}

int advisory_try_locked(struct advisory *advisory, const struct advisory_request *request)
{
	uint32_t number;
	int r;

	if (is_lower(request) && advisory_pending_locked(advisory, request))
		return ADVISORY_BUSY;
	if (request->range.type != RANGE_NONE && advisory_conflict_locked(advisory, request))
		return is_change_of_flock(advisory, request) ? ADVISORY_CONVERT : ADVISORY_HELD;
	if (!is_lower(request)) {
		r = advisory_apply_locked(advisory, request);
		return r < 0 ? r : ADVISORY_DONE;
	}
	r = advisory_add_locked(advisory, request, &request->range, ADVISORY_STATE_PENDING,
				&number);
	return r < 0 ? r : ADVISORY_CARRY;
}

/* Whether setting this type may let somebody else in: a new lock in place of a stronger one does. */
static bool may_release(const struct advisory_request *request)
{
	return request->range.type != RANGE_WRITE;
}

int advisory_set(struct advisory *advisory, const struct advisory_request *request,
		 struct advisory_waiter *waiter)
{
	bool due = false;
	int r;

	pthread_mutex_lock(&advisory->mutex);
	r = advisory_try_locked(advisory, request);
	if (r == ADVISORY_HELD && waiter && !waiter->finite && request->kind == ADVISORY_POSIX &&
	    advisory_is_cycle_locked(advisory, request))
		r = ADVISORY_DEADLOCK;
	if (r == ADVISORY_DONE && may_release(request))
		due = advisory_grant_locked(advisory, &request->key, request->kind);
	if (waiter && (r == ADVISORY_HELD || r == ADVISORY_BUSY)) {
		waiter->request = *request;
		waiter->outsider = false;
		advisory_queue_locked(advisory, waiter);
	}
	pthread_mutex_unlock(&advisory->mutex);
	advisory_tell(advisory, due);
	return r;
}

/* Whether a refused call costs the owner what he had: the kernel takes a flock away before it looks. */
static bool loses(const struct advisory_request *request, int r)
{
	return r == -EAGAIN && request->kind == ADVISORY_FLOCK;
}

bool advisory_keeps(struct advisory *advisory, const struct advisory_request *request, int r)
{
	uint32_t pending;
	size_t others;
	bool keeps;

	if (loses(request, r))
		return false;
	pthread_mutex_lock(&advisory->mutex);
	pending = advisory_pending_locked(advisory, request);
	keeps = !(pending && advisory_at(advisory, pending)->doomed);
	if (keeps && (r < 0 || request->range.type == RANGE_NONE)) {
		keeps = advisory_list_locked(advisory, request, &others) < 0;
		for (size_t i = 0; !keeps && i < advisory->list.n; i++) {
			const struct range *range = &advisory->list.items[i].range;

			keeps = r < 0 || range->start < request->range.start ||
				range->end > request->range.end;
		}
	}
	pthread_mutex_unlock(&advisory->mutex);
	return keeps;
}

/* What the real call came to, in the table. */
static int settle_locked(struct advisory *advisory, const struct advisory_request *request, int r,
			 bool kept)
{
	uint32_t pending = advisory_pending_locked(advisory, request);
	bool doomed = pending && advisory_at(advisory, pending)->doomed;

	if (doomed && kept)
		return ADVISORY_BUSY;
	if (pending)
		advisory_remove_locked(advisory, pending);
	if (doomed || loses(request, r))
		advisory_drop_locked(advisory, request);
	else if (r == 0)
		r = advisory_apply_locked(advisory, request);
	return r;
}

int advisory_settle(struct advisory *advisory, const struct advisory_request *request, int r,
		    struct advisory_waiter *waiter, bool kept)
{
	bool due = false;

	pthread_mutex_lock(&advisory->mutex);
	r = settle_locked(advisory, request, r, kept);
	if (r != ADVISORY_BUSY)
		due = advisory_grant_locked(advisory, &request->key, request->kind);
	if (waiter && r == -EAGAIN) {
		waiter->request = *request;
		waiter->outsider = true;
		advisory_queue_locked(advisory, waiter);
	}
	pthread_mutex_unlock(&advisory->mutex);
	advisory_tell(advisory, due);
	return r;
}
