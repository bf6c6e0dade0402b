/* SPDX-License-Identifier: MIT */
/*
 * What happened, as a bounded ring of JSON lines in the arena: read through the virtual file
 * `events`, which shows each user only what concerns him.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"

#define EVENTS_MAX 4096
#define EVENT_TEXT_MAX 1000

struct event_record {
	struct arena_record head;  /* state 1 */
	uint32_t uid;              /* whom it concerns */
	uint32_t session;          /* 0: none */
	_Atomic uint64_t sequence; /* stored last; slot = sequence % EVENTS_MAX + 1 */
	char text[EVENT_TEXT_MAX]; /* one JSON object, no newline */
};

struct events;
/* woken() is called after each event, outside any mutex (readers that poll are waiting). */
int events_new(struct arena_table *table, struct arena_globals *globals,
	       void (*woken)(void *context), void *context, struct events **ret_events);
void events_free(struct events *events);

/*
 * Emits {"seq":N,"time":"...","type":TYPE, <the object's members>}: takes `members` (a json_t
 * object as void*, so that this header needs no JSON; NULL: none), always. A text over
 * EVENT_TEXT_MAX loses its longest members.
 */
void events_emit_consume(struct events *events, uid_t uid, uint32_t session, const char *type,
			 void *members);

/*
 * Appends to buf, one a line, the events after *sequence that `viewer` may see (root: all), and
 * moves *sequence to the newest. A reader that fell behind goes on at the oldest.
 */
void events_read(struct events *events, uid_t viewer, uint64_t *sequence, struct buf *buf);
/* The newest sequence number, 0 where there is none. */
uint64_t events_newest(struct events *events);
/*
 * Bytes of all events so far, those that are not kept any more too: never less than what a reader
 * has read, and it grows by what he can read next. So `tail -f` takes the stream for a log.
 */
uint64_t events_size_bytes(struct events *events);
