/* SPDX-License-Identifier: MIT */
#include "session/events.h"

#include <errno.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"

struct events {
	struct arena_table *table;
	struct arena_globals *globals;
	void (*woken)(void *context);
	void *context;
	pthread_mutex_t mutex; /* guards the records and event_next */
};

static struct event_record *slot_of(struct events *events, uint64_t sequence)
{
	return arena_at(events->table, (uint32_t)(sequence % EVENTS_MAX) + 1);
}

int events_new(struct arena_table *table, struct arena_globals *globals,
	       void (*woken)(void *context), void *context, struct events **ret_events)
{
	struct events *events = calloc(1, sizeof(*events));
	uint64_t next = atomic_load(&globals->event_next);

	if (!events)
		return -ENOMEM;
	events->table = table;
	events->globals = globals;
	events->woken = woken;
	events->context = context;
	pthread_mutex_init(&events->mutex, NULL);
	if (!next)
		next = 1;
	/* A worker may have died between its last record and the count. */
	if (atomic_load(&slot_of(events, next)->sequence) == next)
		next++;
	atomic_store(&globals->event_next, next);
	*ret_events = events;
	return 0;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	pthread_mutex_destroy(&events->mutex);
	free(events);
}

/* Deletes the member with the longest text, but for time and type. false: none is left. */
static bool drop_longest(json_t *object)
{
	const char *longest = NULL;
	size_t longest_len = 0;
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		size_t len = json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);

		if (!strcmp(key, "time") || !strcmp(key, "type") || !strcmp(key, "truncated"))
			continue;
		if (!longest || len > longest_len) {
			longest = key;
			longest_len = len;
		}
	}
	if (!longest)
		return false;
	json_object_del(object, longest);
	json_object_set_new(object, "truncated", json_true());
	return true;
}

/*
 * Renders the event without its number, which is given out last: numbers must be stored in order,
 * and rendering takes long. Returns false where memory is out.
 */
static bool render(const char *type, json_t *members, size_t max, struct buf *buf)
{
	_cleanup_json_ json_t *object = json_object();

	json_object_set_new(object, "time", json_time(clock_real_ns()));
	json_object_set_new(object, "type", json_text(type));
	if (members)
		json_object_update_missing(object, members);
	/* The number is ours to give. */
	json_object_del(object, "seq");
	do {
		buf->len = 0;
		json_render_line(object, buf);
		if (buf_failed(buf) || !buf->len)
			return false;
		buf->data[--buf->len] = 0; /* the newline */
	} while (buf->len > max && drop_longest(object));
	return buf->len <= max;
}

void events_emit_consume(struct events *events, uid_t uid, uint32_t session, const char *type,
			 void *members)
{
	_cleanup_json_ json_t *object = members;
	_cleanup_buf_ struct buf text = {0};
	struct event_record *record;
	uint64_t sequence;

	if (!render(type, object, EVENT_TEXT_MAX - sizeof("{\"seq\":18446744073709551615,"), &text))
		return;
	pthread_mutex_lock(&events->mutex);
	sequence = atomic_load(&events->globals->event_next);
	record = slot_of(events, sequence);
	atomic_store(&record->sequence, 0);
	record->uid = uid;
	record->session = session;
	snprintf(record->text, sizeof(record->text), "{\"seq\":%llu,%s",
		 (unsigned long long)sequence, text.data + 1);
	atomic_store(&record->head.state, 1);
	atomic_fetch_add(&events->globals->event_bytes, strlen(record->text) + 1);
	atomic_store(&record->sequence, sequence);
	atomic_store(&events->globals->event_next, sequence + 1);
	pthread_mutex_unlock(&events->mutex);
	if (events->woken)
		events->woken(events->context);
}

void events_read(struct events *events, uid_t viewer, uint64_t *sequence, struct buf *buf)
{
	uint64_t end;
	uint64_t from;

	pthread_mutex_lock(&events->mutex);
	end = atomic_load(&events->globals->event_next);
	from = *sequence + 1;
	if (end > EVENTS_MAX && from < end - EVENTS_MAX)
		from = end - EVENTS_MAX;
	for (; from < end; from++) {
		const struct event_record *record = slot_of(events, from);

		/* Not equal: a worker died while it wrote this one. */
		if (atomic_load(&record->sequence) != from ||
		    (viewer != 0 && viewer != record->uid))
			continue;
		buf_add_str(buf, record->text);
		buf_add_str(buf, "\n");
	}
	pthread_mutex_unlock(&events->mutex);
	*sequence = end - 1;
}

uint64_t events_newest(struct events *events)
{
	return atomic_load(&events->globals->event_next) - 1;
}

uint64_t events_size_bytes(struct events *events)
{
	return atomic_load(&events->globals->event_bytes);
}
