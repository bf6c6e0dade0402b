/* SPDX-License-Identifier: MIT */
/*
 * sessions.json: the sessions that the reader may see, with the runs that live in them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "lock/redact.h"
#include "lock/text.h"
#include "session/usage.h"
#include "virt/files.h"
#include "virt/listing.h"
#include "virt/paths.h"

/* argv as it may be shown. A run's record holds it NUL-separated, ended by two. */
static json_t *command_json(const char *command)
{
	json_t *array = json_array();
	struct redact_state state = {0};
	const char *end = command + RUN_COMMAND_MAX;

	for (const char *arg = command; arg < end && *arg; arg += strlen(arg) + 1) {
		_cleanup_buf_ struct buf shown = {0};
		_cleanup_buf_ struct buf clean = {0};

		redact_argument(&state, arg, &shown);
		text_sanitise(shown.data ? shown.data : "", &clean);
		json_array_append_new(array, json_text(clean.data ? clean.data : ""));
	}
	return array;
}

void *listing_run(struct instance *instance, uint32_t run, uid_t viewer)
{
	const struct run_record *record = runs_at(instance->runs, run);
	bool own;
	json_t *json;

	if (!record)
		return json_null();
	own = viewer == 0 || viewer == record->uid;
	json = json_pack("{s:s, s:s, s:I, s:I, s:o}", "run", record->id, "session",
			 registry_at(instance->registry, record->session)->id, "uid",
			 (json_int_t)record->uid, "pid", (json_int_t)record->leader.pid,
			 "started_at", json_time(record->started_real_ns));
	if (json && own) {
		json_object_set_new(json, "command", command_json(record->command));
		json_set_text(json, "cwd", record->cwd);
	}
	return json;
}

void *listing_runs(struct instance *instance, uint32_t session, uid_t viewer)
{
	json_t *array = json_array();

	for (uint32_t i = runs_next(instance->runs, 0); array && i;
	     i = runs_next(instance->runs, i)) {
		const struct run_record *record = runs_at(instance->runs, i);

		if (!record || (session && record->session != session))
			continue;
		if (viewer == 0 || record->uid == viewer)
			json_array_append_new(array, listing_run(instance, i, viewer));
	}
	return array;
}

/* 0 is no limit. */
static json_t *limit_json(uint64_t limit)
{
	return limit ? json_integer((json_int_t)limit) : json_null();
}

static json_t *usage_json(struct instance *instance, uint32_t session)
{
	struct usage usage = usage_get(instance->registry, session);

	return json_pack("{s:I, s:o, s:I, s:o}", "bytes", (json_int_t)usage.bytes, "max_bytes",
			 limit_json(instance->config->max_bytes), "files", (json_int_t)usage.files,
			 "max_files", limit_json(instance->config->max_files));
}

/* What the list holds of a session; its runs are added by the caller. */
static json_t *session_json(struct instance *instance, uint32_t session)
{
	const struct session_record *record = registry_at(instance->registry, session);
	json_t *json;

	json = json_pack("{s:s, s:I, s:o, s:o, s:b, s:b, s:o, s:[]}", "session", record->id, "uid",
			 (json_int_t)record->uid, "created_at", json_time(record->created_real_ns),
			 "used_at", json_time(record->used_real_ns), "ephemeral",
			 (record->flags & SESSION_EPHEMERAL) != 0, "posix_session",
			 (record->flags & SESSION_POSIX) != 0, "view",
			 session_path_json(instance, session), "runs");
	/* Nothing is counted where nothing is limited. */
	if (json && usage_limited(instance->config))
		json_object_set_new(json, "usage", usage_json(instance, session));
	return json;
}

static void add_views(struct instance *instance, uint32_t session, json_t *json)
{
	json_t *views = json_object();

	for (size_t i = 0; i < instance->config->n_shares; i++) {
		const struct share_config *share = &instance->config->shares[i];
		_cleanup_buf_ struct buf path = {0};
		_cleanup_json_ json_t *key = json_text(share->path);

		buf_add_session_path(&path, instance, session);
		buf_add_format(&path, "/%s", share_relative(share));
		if (key && !buf_failed(&path))
			json_object_set_new(views, json_string_value(key), json_text(path.data));
	}
	json_object_set_new(json, "views", views);
}

void *listing_session(struct instance *instance, uint32_t session)
{
	json_t *json = session_json(instance, session);

	if (!json)
		return NULL;
	/* Whoever may see a session sees all runs in it, root's too. */
	json_object_set_new(json, "runs", listing_runs(instance, session, 0));
	add_views(instance, session, json);
	return json;
}

/* A session of the list. */
struct item {
	const struct session_record *record;
	uint32_t session;
	json_t *json;
};

static int by_uid_and_id(const void *a, const void *b)
{
	const struct session_record *left = ((const struct item *)a)->record;
	const struct session_record *right = ((const struct item *)b)->record;

	if (left->uid != right->uid)
		return left->uid < right->uid ? -1 : 1;
	return strcmp(left->id, right->id);
}

/* The sessions for the viewer, sorted. Returns how many; SIZE_MAX when out of memory. */
static size_t collect(struct registry *registry, uid_t viewer, struct item **ret_items)
{
	size_t capacity = registry_count(registry) + 64, count = 0;
	struct item *items = calloc(capacity, sizeof(*items));

	if (!items)
		return SIZE_MAX;
	/* Sessions that are made meanwhile may be left out. */
	for (uint32_t i = registry_next(registry, 0); i && count < capacity;
	     i = registry_next(registry, i)) {
		const struct session_record *record = registry_at(registry, i);

		if (viewer == 0 || record->uid == viewer)
			items[count++] = (struct item){.record = record, .session = i};
	}
	if (count)
		qsort(items, count, sizeof(*items), by_uid_and_id);
	*ret_items = items;
	return count;
}

static int item_by_session(const void *a, const void *b)
{
	uint32_t left = ((const struct item *)a)->session;
	uint32_t right = ((const struct item *)b)->session;

	return left < right ? -1 : left > right;
}

/* Adds each run to its session, in one pass over the runs. Reorders the items. */
static void add_runs(struct instance *instance, struct item *items, size_t count)
{
	if (count)
		qsort(items, count, sizeof(*items), item_by_session);
	for (uint32_t i = runs_next(instance->runs, 0); count && i;
	     i = runs_next(instance->runs, i)) {
		const struct run_record *run = runs_at(instance->runs, i);
		struct item key = {.session = run ? run->session : 0};
		struct item *item = bsearch(&key, items, count, sizeof(*items), item_by_session);

		if (item)
			json_array_append_new(json_object_get(item->json, "runs"),
					      listing_run(instance, i, 0));
	}
}

void *listing_sessions(struct instance *instance, uid_t viewer)
{
	_cleanup_free_ struct item *items = NULL;
	size_t count = collect(instance->registry, viewer, &items);
	json_t *array = count == SIZE_MAX ? NULL : json_array();

	if (!array)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		items[i].json = session_json(instance, items[i].session);
		json_array_append_new(array, items[i].json);
	}
	add_runs(instance, items, count);
	return array;
}

int sessions_file_render(const struct virt_request *request, struct buf *buf)
{
	void *sessions = listing_sessions(request->instance, request->uid);

	return virt_render_json_consume(sessions ? json_pack("{s:o}", "sessions", sessions) : NULL,
					buf);
}
