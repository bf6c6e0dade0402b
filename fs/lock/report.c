/* SPDX-License-Identifier: MIT */
/*
 * How a lock's end is told: an event, the released() callback, and a memory of the last few for
 * those who were denied a lock that was gone when they asked who had it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "lock/table.h"

static const char *const end_events[] = {
	[LOCK_END_RELEASED] = "lock_released",
	[LOCK_END_LOST] = "lock_lost",
	[LOCK_END_FREED] = "lock_freed",
	[LOCK_END_STALE] = "lock_stale",
	[LOCK_END_REPLACED] = NULL,
};

struct lock_report *lock_report_new(const struct lock_record *record, enum lock_end end,
				    const struct lock_party *by)
{
	size_t record_size = offsetof(struct lock_record, path) + strlen(record->path) + 1;
	size_t size = offsetof(struct lock_report, record) + record_size;
	struct lock_report *report = malloc(size);

	if (!report)
		return NULL;
	memset(report, 0, offsetof(struct lock_report, record));
	/* The head's atomic state is of no use in a copy. */
	memcpy((char *)&report->record + sizeof(record->head),
	       (const char *)record + sizeof(record->head), record_size - sizeof(record->head));
	memset(&report->record.head, 0, sizeof(report->record.head));
	report->end = end;
	if (by) {
		report->has_by = true;
		report->by = *by;
	}
	return report;
}

void lock_report_add(struct lock_report **list, struct lock_report *report)
{
	if (!report)
		return;
	report->next = *list;
	*list = report;
}

void lock_report_free(struct lock_report *report)
{
	free(report);
}

bool lock_party_is_holder(const struct lock_party *by, const struct lock_record *record)
{
	if (record->run || by->run)
		return record->run == by->run;
	return record->session == by->session;
}

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_text(text) : json_null();
}

static json_t *describe(const struct locks *locks, const struct lock_record *record)
{
	const char *share = locks->setup.config->shares[record->share].path;
	_cleanup_buf_ struct buf path = {0};
	json_t *json = json_object();

	buf_add_format(&path, "%s/%s", share[1] ? share : "", record->path);
	if (!buf_failed(&path))
		json_set_text(json, "path", path.data);
	json_object_set_new(json, "idiom",
			    json_text(lock_idiom_name((enum lock_idiom)record->idiom)));
	json_object_set_new(json, "fencing_token",
			    record->token ? json_integer((json_int_t)record->token) : json_null());
	json_object_set_new(json, "session", text_or_null(record->session_id));
	json_object_set_new(json, "run", text_or_null(record->run_id));
	json_object_set_new(json, "pid",
			    record->creator.pid ? json_integer(record->creator.pid) : json_null());
	return json;
}

void *lock_party_json(const struct lock_party *by)
{
	json_t *json;

	if (!by)
		return json_text("outsider");
	json = json_object();
	json_object_set_new(json, "session", text_or_null(by->session_id));
	json_object_set_new(json, "run", text_or_null(by->run_id));
	json_object_set_new(json, "pid", by->pid ? json_integer(by->pid) : json_null());
	json_object_set_new(json, "name", text_or_null(by->comm));
	return json;
}

static void emit(struct locks *locks, const struct lock_report *report)
{
	const struct lock_record *record = &report->record;
	uint64_t held_ns = report->at_boot_ns > record->acquired_boot_ns
				   ? report->at_boot_ns - record->acquired_boot_ns
				   : 0;
	json_t *members;

	if (!end_events[report->end])
		return;
	members = describe(locks, record);
	json_object_set_new(members, "held_ms",
			    json_integer((json_int_t)(held_ns / NSEC_PER_MSEC)));
	if (report->end == LOCK_END_LOST)
		json_object_set_new(members, "by",
				    lock_party_json(report->has_by ? &report->by : NULL));
	events_emit_consume(locks->setup.events, record->uid, record->session,
			    end_events[report->end], members);
}

void lock_event_denied(struct locks *locks, const struct lock_record *record,
		       const struct lock_party *by, enum lock_idiom idiom)
{
	json_t *members = describe(locks, record);

	json_object_set_new(members, "denied_idiom", json_text(lock_idiom_name(idiom)));
	json_object_set_new(members, "denied", lock_party_json(by));
	events_emit_consume(locks->setup.events, by->uid, by->session, "lock_denied", members);
}

static void remember_consume(struct locks *locks, struct lock_report *report)
{
	struct lock_report *oldest;
	struct lock_key key = table_key_of(&report->record);

	report->next = NULL;
	report->hash = table_key_hash(&key);
	pthread_mutex_lock(&locks->mutex);
	if (report->end == LOCK_END_LOST)
		lost_note_locked(locks, report);
	oldest = locks->recent[locks->recent_next];
	locks->recent[locks->recent_next] = report;
	locks->recent_next = (locks->recent_next + 1) % LOCK_RECENT_MAX;
	pthread_mutex_unlock(&locks->mutex);
	free(oldest);
}

void lock_reports_emit_consume(struct locks *locks, struct lock_report *list)
{
	bool any = list != NULL;

	while (list) {
		struct lock_report *next = list->next;

		if (list->at_boot_ns == 0)
			list->at_boot_ns = clock_boot_ns();
		emit(locks, list);
		if (list->end == LOCK_END_STALE)
			free(list);
		else
			remember_consume(locks, list);
		list = next;
	}
	if (any && locks->setup.released)
		locks->setup.released(locks->setup.context);
}
