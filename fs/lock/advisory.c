/* SPDX-License-Identifier: MIT */
/*
 * The table's life, its records and indexes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lock/advisory_table.h"

_Static_assert(sizeof(struct advisory_record) % 8 == 0, "arena records are multiples of 8");

static bool is_flock(enum advisory_kind kind)
{
	return kind == ADVISORY_FLOCK;
}

uint64_t advisory_hash(const struct advisory_key *key, enum advisory_kind kind)
{
	uint64_t parts[3] = {(uint64_t)key->session << 32 | key->share, key->dev, key->ino};

	return XXH3_64bits_withSeed(parts, sizeof(parts), is_flock(kind));
}

static uint64_t hash_of_record(const struct advisory_record *record)
{
	struct advisory_key key = advisory_key_of(record);

	return advisory_hash(&key, (enum advisory_kind)record->kind);
}

uint64_t advisory_handle_hash(uint64_t handle)
{
	return XXH3_64bits(&handle, sizeof(handle));
}

struct advisory_key advisory_key_of(const struct advisory_record *record)
{
	return (struct advisory_key){.session = record->session,
				     .share = record->share,
				     .dev = record->dev,
				     .ino = record->ino};
}

static bool is_of_file(const struct advisory_record *record, const struct advisory_key *key,
		       enum advisory_kind kind)
{
	struct advisory_key own = advisory_key_of(record);

	return is_flock((enum advisory_kind)record->kind) == is_flock(kind) &&
	       advisory_same_file(&own, key);
}

/* An open file's owner number is that of its place in memory, which the next one may have at once. */
bool advisory_is_owners(const struct advisory_record *record,
			const struct advisory_request *request)
{
	if (record->kind != request->kind)
		return false;
	return request->kind == ADVISORY_POSIX ? record->owner == request->owner
					       : record->handle == request->handle;
}

int advisory_index_locked(struct advisory *advisory, uint32_t number)
{
	const struct advisory_record *record = advisory_at(advisory, number);

	if (user_counts_add(&advisory->users, record->uid) < 0)
		return -ENOMEM;
	if (index_add(&advisory->by_file, hash_of_record(record), number) < 0) {
		user_counts_remove(&advisory->users, record->uid);
		return -ENOMEM;
	}
	if (index_add(&advisory->by_handle, advisory_handle_hash(record->handle), number) < 0) {
		index_remove(&advisory->by_file, hash_of_record(record), number);
		user_counts_remove(&advisory->users, record->uid);
		return -ENOMEM;
	}
	if (!is_flock((enum advisory_kind)record->kind))
		atomic_fetch_add(&advisory->posix_count, 1);
	return 0;
}

void advisory_unindex_locked(struct advisory *advisory, uint32_t number)
{
	const struct advisory_record *record = advisory_at(advisory, number);

	index_remove(&advisory->by_file, hash_of_record(record), number);
	index_remove(&advisory->by_handle, advisory_handle_hash(record->handle), number);
	user_counts_remove(&advisory->users, record->uid);
	if (!is_flock((enum advisory_kind)record->kind))
		atomic_fetch_sub(&advisory->posix_count, 1);
}

static bool may_add(struct advisory *advisory, uint32_t uid)
{
	return !user_counts_reached(&advisory->users, uid, ADVISORY_PER_USER_MAX);
}

int advisory_add_locked(struct advisory *advisory, const struct advisory_request *request,
			const struct range *range, enum advisory_state state, uint32_t *ret_number)
{
	uint32_t number = may_add(advisory, request->uid) ? arena_alloc(advisory->table) : 0;
	struct advisory_record *record;
	int r;

	if (!number)
		return -ENOLCK;
	record = advisory_at(advisory, number);
	record->session = request->key.session;
	record->share = request->key.share;
	record->dev = request->key.dev;
	record->ino = request->key.ino;
	record->first_ino = request->first_ino ? request->first_ino : request->key.ino;
	record->start = range->start;
	record->end = range->end;
	record->type = (uint8_t)range->type;
	record->kind = (uint8_t)request->kind;
	record->unflushed = request->unflushed;
	record->owner = request->owner;
	record->handle = request->handle;
	record->uid = request->uid;
	record->pid = (uint32_t)request->process.pid;
	record->process_start = request->process.start_ticks;
	r = advisory_index_locked(advisory, number);
	if (r < 0) {
		arena_free(advisory->table, number);
		return r;
	}
	arena_publish(advisory->table, number, state);
	*ret_number = number;
	return 0;
}

void advisory_remove_locked(struct advisory *advisory, uint32_t number)
{
	advisory_unindex_locked(advisory, number);
	arena_free(advisory->table, number);
}

struct file_search {
	struct advisory *advisory;
	const struct advisory_request *request;
	size_t others;
	int r;
};

bool advisory_is_in_the_way(const struct advisory *advisory, uint32_t number,
			    const struct advisory_request *request)
{
	const struct advisory_record *record = advisory_at(advisory, number);
	struct range range = advisory_range(record);

	return is_of_file(record, &request->key, request->kind) &&
	       !advisory_is_owners(record, request) && range_conflicts(&range, &request->range);
}

static bool visit_conflict(uint32_t number, const void *key, void *context)
{
	return advisory_is_in_the_way(context, number, key);
}

uint32_t advisory_conflict_locked(struct advisory *advisory, const struct advisory_request *request)
{
	return index_find(&advisory->by_file, advisory_hash(&request->key, request->kind),
			  visit_conflict, request, advisory);
}

static bool visit_pending(uint32_t number, const void *key, void *context)
{
	const struct advisory_record *record = advisory_at(context, number);
	const struct advisory_request *request = key;

	return atomic_load(&record->head.state) == ADVISORY_STATE_PENDING &&
	       is_of_file(record, &request->key, request->kind) &&
	       advisory_is_owners(record, request);
}

uint32_t advisory_pending_locked(struct advisory *advisory, const struct advisory_request *request)
{
	return index_find(&advisory->by_file, advisory_hash(&request->key, request->kind),
			  visit_pending, request, advisory);
}

int advisory_list_add(struct advisory_list *list, const struct range *range, uint32_t number)
{
	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 16;
		struct advisory_item *grown = reallocarray(list->items, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->items = grown;
		list->capacity = capacity;
	}
	list->items[list->n++] = (struct advisory_item){*range, number};
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct advisory_item *left = a, *right = b;

	return (left->range.start > right->range.start) - (left->range.start < right->range.start);
}

static bool visit_list(uint32_t number, const void *key, void *context)
{
	struct file_search *search = context;
	const struct advisory_record *record = advisory_at(search->advisory, number);
	struct range range = advisory_range(record);

	(void)key;
	if (!is_of_file(record, &search->request->key, search->request->kind))
		return false;
	if (atomic_load(&record->head.state) != ADVISORY_STATE_HELD ||
	    !advisory_is_owners(record, search->request)) {
		search->others++;
		return false;
	}
	search->r = advisory_list_add(&search->advisory->list, &range, number);
	return search->r < 0;
}

int advisory_list_locked(struct advisory *advisory, const struct advisory_request *request,
			 size_t *ret_others)
{
	struct file_search search = {.advisory = advisory, .request = request};

	advisory->list.n = 0;
	index_find(&advisory->by_file, advisory_hash(&request->key, request->kind), visit_list,
		   NULL, &search);
	if (advisory->list.n > 1)
		qsort(advisory->list.items, advisory->list.n, sizeof(struct advisory_item),
		      by_start);
	*ret_others = search.others;
	return search.r;
}

int advisory_new(struct arena_table *table, void (*woken)(void *context), void *context,
		 struct advisory **ret_advisory)
{
	struct advisory *advisory = calloc(1, sizeof(*advisory));
	int r = 0;

	if (!advisory)
		return -ENOMEM;
	advisory->table = table;
	advisory->woken = woken;
	advisory->context = context;
	pthread_mutex_init(&advisory->mutex, NULL);
	for (uint32_t number = 0; r == 0 && (number = arena_next(table, number));) {
		/* A call that the last worker did not end; it is sent again. */
		if (atomic_load(&advisory_at(advisory, number)->head.state) ==
		    ADVISORY_STATE_PENDING)
			arena_free(table, number);
		else
			r = advisory_index_locked(advisory, number);
	}
	if (r < 0) {
		advisory_free(advisory);
		return r;
	}
	*ret_advisory = advisory;
	return 0;
}

void advisory_free(struct advisory *advisory)
{
	if (!advisory)
		return;
	index_release(&advisory->by_file);
	index_release(&advisory->by_handle);
	user_counts_release(&advisory->users);
	free(advisory->list.items);
	free(advisory->ranges);
	pthread_mutex_destroy(&advisory->mutex);
	free(advisory);
}

uint32_t advisory_next(struct advisory *advisory, uint32_t number,
		       struct advisory_record *ret_record)
{
	pthread_mutex_lock(&advisory->mutex);
	number = arena_next(advisory->table, number);
	if (number)
		memcpy(ret_record, advisory_at(advisory, number), sizeof(*ret_record));
	pthread_mutex_unlock(&advisory->mutex);
	return number;
}

uint32_t advisory_count(const struct advisory *advisory)
{
	return arena_count(advisory->table);
}
