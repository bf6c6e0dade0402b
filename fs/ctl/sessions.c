/* SPDX-License-Identifier: MIT */
/*
 * Requests on sessions as wholes: session.show, session.create, session.remove.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "ctl/changes.h"
#include "ctl/gate.h"
#include "ctl/target.h"
#include "session/usage.h"
#include "virt/listing.h"
#include "virt/paths.h"

int request_session_show(struct ctl_request *request, struct err *err)
{
	struct changes changes = {0};
	uint32_t session;
	int r;

	if (target_session(request, request_text(request, "session"), &session, err) < 0)
		return -1;
	r = changes_collect(request->instance, session, &changes, err);
	if (r == 0 && usage_limited(request->instance->config))
		(void)usage_count(request->instance->registry, session);
	if (r == 0) {
		target_warn_usage(request, session);
		request->data = listing_session(request->instance, session);
		if (request->data)
			json_object_set_new(request->data, "changes",
					    json_integer((json_int_t)changes.count));
	}
	changes_release(&changes);
	return r;
}

int request_session_create(struct ctl_request *request, struct err *err)
{
	struct instance *instance = request->instance;
	const char *name = request_text(request, "session");
	uid_t uid = request->uid;
	uint32_t session;
	bool created;

	if (!name)
		registry_fresh_id(instance->registry, uid, request->session);
	else if (target_parse(request, name, &uid, request->session, err) < 0)
		return -1;
	if (registry_open(instance->registry, uid, request->session, 0, &session, &created, err) <
	    0)
		return -1;
	if (created)
		events_emit_consume(instance->events, uid, session, "session_created",
				    json_pack("{s:s}", "session", request->session));
	request->data = json_pack("{s:s, s:I, s:b, s:o}", "session", request->session, "uid",
				  (json_int_t)uid, "created", created, "view",
				  session_path_json(instance, session));
	return CTL_DONE;
}

/* What is to be removed: each session once, all announced before the first goes. */
struct removal {
	uint32_t *sessions;
	struct gate_change *changes;
	size_t count;
	size_t closed; /* of `changes` */
};

static void removal_release(struct removal *removal)
{
	for (size_t i = 0; i < removal->closed; i++)
		gate_open(&removal->changes[i]);
	free(removal->sessions);
	free(removal->changes);
}

static bool has(const struct removal *removal, uint32_t session)
{
	for (size_t i = 0; i < removal->count; i++)
		if (removal->sessions[i] == session)
			return true;
	return false;
}

static int plan_removal(struct ctl_request *request, struct removal *removal, struct err *err)
{
	const json_t *names = request_array(request, "sessions");
	const json_t *name;
	size_t i;

	removal->sessions = calloc(json_array_size(names) + 1, sizeof(*removal->sessions));
	removal->changes = calloc(json_array_size(names) + 1, sizeof(*removal->changes));
	if (!removal->sessions || !removal->changes)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	json_array_foreach(names, i, name)
	{
		uint32_t session;

		if (target_session(request, json_string_value(name), &session, err) < 0)
			return -1;
		if (!has(removal, session))
			removal->sessions[removal->count++] = session;
	}
	for (; removal->closed < removal->count; removal->closed++) {
		uint32_t session = removal->sessions[removal->closed];

		if (!gate_close(request->instance->runs, session, 0,
				&removal->changes[removal->closed]))
			return target_busy(request, session, "remove", err);
	}
	return 0;
}

static int remove_session(struct instance *instance, uint32_t session, json_t *removed,
			  struct err *err)
{
	const struct session_record *record = registry_at(instance->registry, session);
	char id[SESSION_ID_SIZE];
	uid_t uid = record->uid;

	snprintf(id, sizeof(id), "%s", record->id);
	if (registry_remove(instance->registry, session, err) < 0)
		return -1;
	if (instance->session_changed)
		instance->session_changed(session, true, instance->context);
	events_emit_consume(instance->events, uid, session, "session_removed",
			    json_pack("{s:s}", "session", id));
	json_array_append_new(removed, json_string(id));
	return 0;
}

int request_session_remove(struct ctl_request *request, struct err *err)
{
	__attribute__((cleanup(removal_release))) struct removal removal = {0};
	json_t *removed = json_array();
	int r = plan_removal(request, &removal, err);

	for (size_t i = 0; r == 0 && i < removal.count; i++)
		r = remove_session(request->instance, removal.sessions[i], removed, err);
	if (removal.count != 1)
		request->session[0] = '\0';
	if (r < 0) {
		if (json_array_size(removed) == 0) {
			json_decref(removed);
			return -1;
		}
		/* What is gone already is told too. */
		request_detail_consume(request, "exit_code", json_integer(EXIT_CODE_PARTIAL));
		request_detail_consume(request, "removed", removed);
		return -1;
	}
	request->data = json_pack("{s:o}", "removed", removed);
	return CTL_DONE;
}
