/* SPDX-License-Identifier: MIT */
#include "session/events.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "support/world.h"

static struct events *events;
static _Atomic int n_woken;

static void woken(void *context)
{
	n_woken++;
	/* No mutex is held: a reader may read at once. */
	(void)events_newest(context ? context : events);
}

static void start(void)
{
	events_free(events);
	events = NULL;
	world_restart();
	cr_assert_eq(events_new(world.events, world.globals, woken, NULL, &events), 0);
}

static void set_up(void)
{
	world_make();
	start();
}

static void tear_down(void)
{
	events_free(events);
	world_free();
}

TestSuite(events, .init = set_up, .fini = tear_down, .timeout = 60);

static void emit(uid_t uid, const char *type)
{
	events_emit_consume(events, uid, 0, type, NULL);
}

static int lines_of(uid_t viewer, uint64_t *sequence)
{
	_cleanup_buf_ struct buf buf = {0};
	int lines = 0;

	events_read(events, viewer, sequence, &buf);
	for (const char *at = buf.data; at && (at = strchr(at, '\n')); at++)
		lines++;
	return lines;
}

Test(events, begin_with_number_time_and_type)
{
	_cleanup_buf_ struct buf buf = {0};
	_cleanup_json_ json_t *json = NULL;
	uint64_t sequence = 0;
	struct err err;

	events_emit_consume(events, 7, 3, "lock.acquired",
			    json_pack("{s:s, s:i}", "path", "/tmp/x", "token", 42));
	events_read(events, 7, &sequence, &buf);
	json = json_parse(buf.data, buf.len, "event", &err);
	cr_assert_not_null(json, "%s: %s", err.message, buf.data);
	cr_expect_eq(strncmp(buf.data, "{\"seq\":1,\"time\":\"", 17), 0, "%s", buf.data);
	cr_expect_not_null(
		strstr(buf.data,
		       "Z\",\"type\":\"lock.acquired\",\"path\":\"/tmp/x\",\"token\":42}\n"),
		"%s", buf.data);
	cr_expect_eq(sequence, 1);
}

Test(events, are_read_once)
{
	uint64_t sequence = 0;

	cr_expect_eq(events_newest(events), 0);
	emit(1, "a");
	emit(1, "b");
	cr_expect_eq(lines_of(1, &sequence), 2);
	cr_expect_eq(lines_of(1, &sequence), 0);
	emit(1, "c");
	cr_expect_eq(lines_of(1, &sequence), 1);
	cr_expect_eq(events_newest(events), 3);
}

Test(events, count_in_bytes_what_was_read_and_more)
{
	_cleanup_buf_ struct buf all = {0}, own = {0};
	uint64_t sequence = 0, of_7 = 0, before;

	cr_expect_eq(events_size_bytes(events), 0);
	for (int i = 0; i < EVENTS_MAX; i++)
		emit(i % 2 ? 7 : 8, "x");
	events_read(events, 0, &sequence, &all);
	cr_expect_eq(events_size_bytes(events), all.len);

	before = events_size_bytes(events);
	events_read(events, 7, &of_7, &own);
	cr_expect_lt(own.len, before);
	own.len = 0;
	emit(7, "y");
	events_read(events, 7, &of_7, &own);
	cr_expect_eq(events_size_bytes(events), before + own.len);
	start();
	cr_expect_eq(events_size_bytes(events), before + own.len, "lost with the worker");
}

Test(events, are_seen_by_whom_they_concern_and_root)
{
	uint64_t sequence = 0;

	emit(1000, "a");
	emit(1001, "b");
	emit(0, "c");
	cr_expect_eq(lines_of(1000, &sequence), 1);
	cr_expect_eq(sequence, 3);
	sequence = 0;
	cr_expect_eq(lines_of(0, &sequence), 3);
	sequence = 0;
	cr_expect_eq(lines_of(4, &sequence), 0);
}

Test(events, reader_that_fell_behind_goes_on_at_the_oldest)
{
	_cleanup_buf_ struct buf buf = {0};
	uint64_t sequence = 5;

	for (int i = 0; i < EVENTS_MAX + 100; i++)
		emit(0, "x");
	events_read(events, 0, &sequence, &buf);
	cr_expect_eq(strncmp(buf.data, "{\"seq\":101,", 11), 0);
	cr_expect_eq(sequence, EVENTS_MAX + 100);
	sequence = 5;
	cr_expect_eq(lines_of(0, &sequence), EVENTS_MAX);
}

Test(events, number_that_was_never_reached_begins_at_the_newest)
{
	uint64_t sequence = 1000;

	emit(0, "a");
	cr_expect_eq(lines_of(0, &sequence), 0);
	cr_expect_eq(sequence, 1);
}

Test(events, too_long_lose_their_longest_members)
{
	_cleanup_buf_ struct buf buf = {0};
	_cleanup_json_ json_t *json = NULL;
	char text[EVENT_TEXT_MAX * 2];
	uint64_t sequence = 0;
	struct err err;

	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	events_emit_consume(events, 0, 0, "a",
			    json_pack("{s:s, s:s, s:[s]}", "path", "/tmp/x", "long", text, "list",
				      text));
	events_read(events, 0, &sequence, &buf);
	cr_assert_not_null(buf.data);
	cr_expect_lt(buf.len, EVENT_TEXT_MAX + 1);
	json = json_parse(buf.data, buf.len, "event", &err);
	cr_assert_not_null(json, "%s", err.message);
	cr_expect_str_eq(json_string_value(json_object_get(json, "path")), "/tmp/x");
	cr_expect_null(json_object_get(json, "long"));
	cr_expect_null(json_object_get(json, "list"));
	cr_expect(json_is_true(json_object_get(json, "truncated")));
}

Test(events, members_do_not_replace_number_time_and_type)
{
	_cleanup_buf_ struct buf buf = {0};
	uint64_t sequence = 0;

	events_emit_consume(events, 0, 0, "a",
			    json_pack("{s:s, s:s, s:i}", "type", "forged", "time", "never", "seq",
				      9));
	events_read(events, 0, &sequence, &buf);
	cr_expect_null(strstr(buf.data, "forged"));
	cr_expect_null(strstr(buf.data, "never"));
	cr_expect_null(strstr(buf.data, "9}"), "%s", buf.data);
}

Test(events, wake_readers)
{
	emit(0, "a");
	emit(0, "b");
	cr_expect_eq(n_woken, 2);
}

Test(events, survive_the_worker)
{
	uint64_t sequence = 0;

	emit(0, "a");
	emit(0, "b");
	start();
	emit(0, "c");
	cr_expect_eq(lines_of(0, &sequence), 3);
	cr_expect_eq(sequence, 3);
}

Test(events, of_a_worker_killed_before_it_counted_are_kept)
{
	uint64_t sequence = 0;

	emit(0, "a");
	emit(0, "b");
	atomic_store(&world.globals->event_next, 2);
	start();
	emit(0, "c");
	cr_expect_eq(lines_of(0, &sequence), 3);
}

Test(events, of_a_worker_killed_while_it_wrote_are_left_out)
{
	struct event_record *record;
	uint64_t sequence = 0;

	emit(0, "a");
	record = arena_at(world.events, 3);
	memset(record->text, '{', sizeof(record->text));
	start();
	cr_expect_eq(lines_of(0, &sequence), 1);
	emit(0, "b");
	cr_expect_eq(lines_of(0, &sequence), 1);
}

#define THREADS 4
#define EACH 500

static void *emitter(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < EACH; i++)
		emit(0, "x");
	return NULL;
}

Test(events, of_many_threads_are_all_read_in_order)
{
	pthread_t threads[THREADS];
	uint64_t sequence = 0;
	int lines = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, emitter, NULL);
	while (lines < THREADS * EACH && sequence < THREADS * EACH)
		lines += lines_of(0, &sequence);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(lines, THREADS * EACH);
}
