/* SPDX-License-Identifier: MIT */
/*
 * Requests of `sessionfs run`: run.begin, run.finish and run.end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/proc.h"
#include "ctl/gate.h"
#include "ctl/reset.h"
#include "ctl/target.h"
#include "lock/answer.h"
#include "virt/listing.h"
#include "virt/shares.h"

#define LEFTOVER_MAX 64 /* processes that run.finish names */

/* The session that a run is to live in, and why that one. */
struct choice {
	uint32_t session;
	uid_t uid; /* the session's */
	bool created;
	char identified_by[96]; /* "option", "fresh", or as identity_of() has it */
};

/* 1: the variable names a session, 0: it is unset, -1: its value is no id. */
static int check_variable(const char *block, size_t len, const char *name, struct err *err)
{
	const char *value = proc_environ_find(block, len, name);
	char id[SESSION_ID_SIZE];

	if (!value || !*value)
		return 0;
	if (identity_expand(name, block, len, id))
		return 1;
	err_set(err, ERR_VALIDATION_ERROR, "the value of %s is no session id", name);
	return err_suggest(err, "An id is 1 to 64 of A-Z a-z 0-9 . _ : - and begins with a letter "
				"or digit; unset the variable, or give --session ID");
}

/*
 * The first variable that is set must hold an id, for else the run would silently live in another
 * session. A template is no variable: what it makes counts as unset where it is no id.
 */
static int check_variables(const struct ctl_request *request, struct err *err)
{
	static const char *const known[] = {"SESSIONFS_SESSION", "TOOL_SESSION_ID",
					    "AGENT_SESSION_ID"};
	const struct string_list *more = &request->instance->config->identify_environment;
	_cleanup_free_ char *block = NULL;
	struct proc_id id;
	size_t len;
	int r = 0;

	if (request->tid <= 0 || proc_identify(request->tid, &id) < 0 ||
	    proc_environ_read(id.pid, &block, &len) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(known); i++)
		r = check_variable(block, len, known[i], err);
	for (size_t i = 0; r == 0 && i < more->count; i++)
		r = check_variable(block, len, more->items[i], err);
	return r < 0 ? -1 : 0;
}

/* The id of the new run's session, in choice and request->session; its flags. */
static int choose_id(struct ctl_request *request, struct choice *choice, uint32_t *ret_flags,
		     struct err *err)
{
	struct instance *instance = request->instance;
	const char *name = request_text(request, "session");
	struct actor actor;

	*ret_flags = 0;
	choice->uid = request->uid;
	if (name) {
		snprintf(choice->identified_by, sizeof(choice->identified_by), "option");
		return target_parse(request, name, &choice->uid, request->session, err);
	}
	if (!request_flag(request, "fresh")) {
		if (check_variables(request, err) < 0)
			return -1;
		if (identity_of(instance->identity, request->tid, request->uid, request->gid,
				&actor) == 0 &&
		    strcmp(actor.identified_by, "posix-session") != 0 && actor.session_id[0]) {
			/* In a run that root began in a user's session, that session's uid. */
			if (actor.run)
				choice->uid = registry_at(instance->registry, actor.session)->uid;
			memcpy(request->session, actor.session_id, sizeof(request->session));
			memcpy(choice->identified_by, actor.identified_by,
			       sizeof(choice->identified_by));
			return 0;
		}
	}
	registry_fresh_id(instance->registry, request->uid, request->session);
	snprintf(choice->identified_by, sizeof(choice->identified_by), "fresh");
	*ret_flags = SESSION_EPHEMERAL;
	return 0;
}

static int choose_session(struct ctl_request *request, struct choice *choice, struct err *err)
{
	struct instance *instance = request->instance;
	uint32_t flags;

	if (choose_id(request, choice, &flags, err) < 0)
		return -1;
	if (registry_open(instance->registry, choice->uid, request->session, flags,
			  &choice->session, &choice->created, err) < 0)
		return -1;
	if (choice->created)
		events_emit_consume(instance->events, choice->uid, choice->session,
				    "session_created",
				    json_pack("{s:s, s:s}", "session", request->session,
					      "identified_by", choice->identified_by));
	return 0;
}

/* argv, NUL-separated. */
static int command_text(const struct ctl_request *request, struct buf *command, struct err *err)
{
	const json_t *array = request_array(request, "command");
	const json_t *arg;
	size_t i;

	json_array_foreach(array, i, arg)
	{
		buf_add(command, json_string_value(arg), json_string_length(arg) + 1);
	}
	if (buf_failed(command))
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	if (!command->len)
		return err_set(err, ERR_VALIDATION_ERROR, "run.begin: member \"command\" is empty");
	return 0;
}

static json_t *shares_json(const struct ctl_request *request, const struct choice *choice)
{
	const struct config *config = request->instance->config;
	json_t *array = json_array();

	for (size_t i = 0; i < config->n_shares; i++) {
		const struct share_config *share = &config->shares[i];
		_cleanup_buf_ struct buf view = {0};
		json_t *json = json_object();

		buf_add_format(&view, "sessions/%u/%s/%s", choice->uid, request->session,
			       share_relative(share));
		json_set_text(json, "path", share->path);
		json_set_text(json, "view", view.data ? view.data : "");
		json_object_set_new(json, "mode", json_string(share_mode_name(share->mode)));
		json_object_set_new(json, "passthrough", shares_passthrough(share));
		json_array_append_new(array, json);
	}
	return array;
}

/* A session that was made for a run that did not begin is not left behind. */
static void drop_created(struct instance *instance, const struct choice *choice)
{
	struct gate_change change;
	struct err ignored = {0};

	if (!choice->created || !gate_close(instance->runs, choice->session, 0, &change))
		return;
	if (registry_has_changes(instance->registry, choice->session) == 0 &&
	    registry_remove(instance->registry, choice->session, &ignored) == 0 &&
	    instance->session_changed)
		instance->session_changed(choice->session, true, instance->context);
	gate_open(&change);
}

/* What ends with a change of the whole session begins only where no other run lives in it. */
static int check_on_exit(const struct ctl_request *request, bool *ret_alone, struct err *err)
{
	const char *on_exit = request_text(request, "on_exit");

	*ret_alone = on_exit && (strcmp(on_exit, "reset") == 0 || strcmp(on_exit, "commit") == 0);
	if (on_exit && !*ret_alone && strcmp(on_exit, "keep") != 0)
		return err_set(err, ERR_VALIDATION_ERROR,
			       "run.begin: member \"on_exit\" must be \"keep\", \"reset\" or "
			       "\"commit\"");
	return 0;
}

static int begin_run(struct ctl_request *request, const struct choice *choice,
		     const struct buf *command, bool alone, uint32_t *ret_run, struct err *err)
{
	struct instance *instance = request->instance;
	const char *cwd = request_text(request, "cwd");
	const struct gate_run run = {
		.session = choice->session,
		.uid = request->uid,
		.tid = request->tid,
		.command = command->data,
		.command_len = command->len,
		.cwd = cwd ? cwd : "",
		.alone = alone,
	};

	if (gate_begin_run(instance->registry, instance->runs, &run, ret_run, err) == 0)
		return 0;
	if (alone && runs_in_session(instance->runs, choice->session) > 0)
		request_detail_consume(request, "runs", listing_runs(instance, choice->session, 0));
	drop_created(instance, choice);
	return -1;
}

int request_run_begin(struct ctl_request *request, struct err *err)
{
	struct instance *instance = request->instance;
	_cleanup_buf_ struct buf command = {0};
	const uint64_t lock_timeout_ms =
		request_number(request, "lock_timeout_ms", RUN_LOCK_TIMEOUT_RULE);
	struct choice choice = {0};
	const struct run_record *record;
	uint32_t run;
	bool alone;

	if (ctl_run(request->ctl))
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "this descriptor of ctl has begun a run already");
	if (lock_timeout_ms != RUN_LOCK_TIMEOUT_RULE && lock_timeout_ms > SHARE_LOCK_TIMEOUT_MAX_MS)
		return err_set(err, ERR_VALIDATION_ERROR,
			       "run.begin: member \"lock_timeout_ms\" must be at most %d",
			       SHARE_LOCK_TIMEOUT_MAX_MS);
	if (check_on_exit(request, &alone, err) < 0 || command_text(request, &command, err) < 0 ||
	    choose_session(request, &choice, err) < 0 ||
	    begin_run(request, &choice, &command, alone, &run, err) < 0)
		return -1;
	runs_set_lock_timeout(instance->runs, run, lock_timeout_ms);
	ctl_adopt_run(request->ctl, run);
	record = runs_at(instance->runs, run);
	events_emit_consume(instance->events, choice.uid, choice.session, "run_began",
			    json_pack("{s:s, s:s, s:I}", "run", record->id, "session",
				      request->session, "pid", (json_int_t)record->leader.pid));
	request->data = json_pack(
		"{s:s, s:s, s:I, s:b, s:b, s:s, s:o}", "run", record->id, "session",
		request->session, "uid", (json_int_t)choice.uid, "created", choice.created,
		"ephemeral",
		(registry_at(instance->registry, choice.session)->flags & SESSION_EPHEMERAL) != 0,
		"identified_by", choice.identified_by, "shares", shares_json(request, &choice));
	return CTL_DONE;
}

static json_t *leftover_json(struct instance *instance, uint32_t run)
{
	pid_t pids[LEFTOVER_MAX];
	size_t count = runs_processes(instance->runs, run, pids, LEFTOVER_MAX);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		char name[17];

		if (proc_comm(pids[i], name) < 0)
			continue;
		json_array_append_new(array, json_pack("{s:I, s:o}", "pid", (json_int_t)pids[i],
						       "name", json_text(name)));
	}
	return array;
}

static int reset_after(struct ctl_request *request, uint32_t session, struct err *err)
{
	struct gate_change change;
	int r;

	if (!gate_close(request->instance->runs, session, 1, &change))
		return target_busy(request, session, "reset", err);
	r = reset_all(request->instance, session, err);
	gate_open(&change);
	return r;
}

int request_run_finish(struct ctl_request *request, struct err *err)
{
	struct instance *instance = request->instance;
	const char *id = request_text(request, "run");
	uint32_t run = runs_find_id(instance->runs, request->uid, id);
	const struct run_record *record = runs_at(instance->runs, run);
	const struct session_record *session;
	json_t *conflict = NULL;
	int changes;

	if (!record)
		return err_set(err, ERR_NOT_FOUND, "there is no run %.40s of uid %u", id,
			       request->uid);
	session = registry_at(instance->registry, record->session);
	memcpy(request->session, session->id, sizeof(request->session));
	/* Whatever COMMAND says: it went on as if it had the lock. */
	conflict = lock_loss_of_run(instance->locks, run, request->uid);
	if (!conflict && request_flag(request, "command_failed"))
		conflict = lock_conflict_of_run(instance->locks, run, request->uid);
	if (request_flag(request, "reset") && reset_after(request, record->session, err) < 0) {
		json_decref(conflict);
		return -1;
	}
	changes = registry_has_changes(instance->registry, record->session);
	target_warn_usage(request, record->session);
	request->data = json_pack("{s:s, s:s, s:o, s:o, s:{s:b, s:b}}", "run", record->id,
				  "session", session->id, "conflict",
				  conflict ? conflict : json_null(), "leftover",
				  leftover_json(instance, run), "kept", "changes", changes != 0,
				  "ephemeral", (session->flags & SESSION_EPHEMERAL) != 0);
	return CTL_DONE;
}

int request_run_end(struct ctl_request *request, struct err *err)
{
	struct instance *instance = request->instance;
	uint32_t run = ctl_run(request->ctl);
	const struct run_record *record = runs_at(instance->runs, run);
	struct proc_id caller;

	if (!record)
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "this descriptor of ctl has begun no run");
	if (proc_identify(request->tid, &caller) < 0 || caller.pid != record->leader.pid)
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "only the process that began run %s ends it", record->id);
	request->data = json_pack("{s:s}", "run", record->id);
	runs_leave(instance->runs, run);
	ctl_adopt_run(request->ctl, 0);
	return CTL_DONE;
}
