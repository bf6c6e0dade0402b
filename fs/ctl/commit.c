/* SPDX-License-Identifier: MIT */
/*
 * The request session.commit: from a session to a plan, from the plan to the shares.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "ctl/changes.h"
#include "ctl/gate.h"
#include "ctl/path_list.h"
#include "ctl/reset.h"
#include "ctl/target.h"
#include "txn/commit.h"

/* What is as young as a plan may be younger: the next tick of the clock of ctimes tells. */
#define PLAN_PAUSE_US 10000
#define PLAN_TRIES 4

/* One after another: the second plans on what the first has made of the shares. */
static pthread_mutex_t commits_mutex = PTHREAD_MUTEX_INITIALIZER;

/* A session's shares that hold changes. */
struct sources {
	struct plan_share shares[SHARES_MAX];
	size_t count;
};

static void sources_release(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		close(sources->shares[i].upper_fd);
		close(sources->shares[i].work_fd);
	}
	sources->count = 0;
}

struct committing {
	struct ctl_request *request;
	struct instance *instance;
	uint32_t session;
	struct layout_names names;
	struct path_list paths;
	struct sources sources;
	struct plan plan;
	bool leans; /* with some paths alone: something leans on another path (txn/diff.h) */
};

static void committing_release(struct committing *committing)
{
	path_list_release(&committing->paths);
	sources_release(&committing->sources);
	plan_release(&committing->plan);
}

static char *host_path(const struct committing *committing, uint32_t share_index, const char *below)
{
	const char *share = committing->instance->config->shares[share_index].path;
	char *path;

	return asprintf(&path, "%s/%s", share[1] ? share : "", below) < 0 ? NULL : path;
}

/* A path that is named comes with the directories above it that the share lacks. */
static bool is_wanted(uint32_t share, const struct diff_entry *entry, void *context)
{
	struct committing *committing = context;
	_cleanup_free_ char *path = host_path(committing, share, entry->path);

	committing->leans |= entry->leans;
	if (!path || path_list_match(&committing->paths, path))
		return true;
	if (!S_ISDIR(entry->mode) || (entry->change != 'A' && entry->change != 'T'))
		return false;
	for (size_t i = 0; i < committing->paths.count; i++)
		if (path_is_below(committing->paths.items[i].host, path))
			return true;
	return false;
}

static int add_share(struct committing *committing, uint32_t share, struct err *err)
{
	struct instance *instance = committing->instance;
	const struct share_config *config = &instance->config->shares[share];
	const struct plan_asker asker = {.uid = committing->request->uid,
					 .gid = committing->request->gid};
	struct plan_share *source = &committing->sources.shares[committing->sources.count];
	int r = registry_peek_upper(instance->registry, committing->session, share,
				    &source->upper_fd, &source->work_fd);

	if (r == -ENOENT)
		return 0;
	if (r == 0) {
		source->share = share;
		source->no_merge = request_flag(committing->request, "no_merge");
		source->empty = config->mode == SHARE_EMPTY;
		source->lower_fd = config->lower_fd;
		committing->sources.count++;
		r = plan_add_share(&committing->plan, &committing->names, source, &asker,
				   committing->paths.all ? NULL : is_wanted, committing);
	}
	if (r < 0)
		return err_set_errno(err, ERR_IO_ERROR, -r,
				     "cannot compare session %s with %s; nothing was changed",
				     committing->request->session, config->path);
	return 0;
}

static const char *verdict_name(enum plan_verdict verdict)
{
	switch (verdict) {
	case PLAN_APPEARED:
		return "appeared";
	case PLAN_REMOVED:
		return "removed";
	case PLAN_FORBIDDEN:
		return "forbidden";
	default:
		return "changed";
	}
}

static json_t *item_json(const struct committing *committing, const struct plan_item *item)
{
	_cleanup_free_ char *path = host_path(committing, item->share, item->path);

	json_t *json = path ? changes_item_json(item->change, path, item->mode) : NULL;

	if (json && item->merged)
		json_object_set_new(json, "merged", json_true());
	if (json && item->clashes) {
		json_t *pointers = json_array();

		for (size_t i = 0; item->clashes[i]; i++)
			json_array_append_new(pointers, json_text(item->clashes[i]));
		json_object_set_new(json, "pointers", pointers);
	}
	return json;
}

static int refuse(const struct committing *committing, enum err_code code, json_t *list_consume,
		  const char *key, struct err *err)
{
	struct ctl_request *request = committing->request;
	const json_t *first = json_array_get(list_consume, 0);
	const char *path = json_string_value(json_object_get(first, "path"));
	size_t count = json_array_size(list_consume);
	_cleanup_buf_ struct buf shown = {0};

	buf_add_shell_quoted(&shown, path ? path : "?");
	if (code == ERR_COMMIT_CONFLICT)
		err_set(err, code,
			"session %s is not committed, nothing was changed: %.300s %s in the share "
			"since the session has it%s",
			request->session, buf_failed(&shown) ? "a path" : shown.data,
			json_string_value(json_object_get(first, "reason")),
			count > 1 ? ", and others" : "");
	else
		err_set(err, code,
			"session %s is not committed, nothing was changed: uid %u may not write "
			"%.300s in the share%s",
			request->session, request->uid, buf_failed(&shown) ? "a path" : shown.data,
			count > 1 ? ", and others" : "");
	request_detail_consume(request, key, list_consume);
	return err_suggest(err,
			   "See both: sessionfs diff %s; drop the session's side of a path: "
			   "sessionfs reset %s PATH; the rest can be committed by its paths",
			   request->session, request->session);
}

/* Lists what stands in the way; -1 where something does. */
static int check(const struct committing *committing, struct err *err)
{
	json_t *conflicts = json_array(), *forbidden = json_array();

	for (size_t i = 0; i < committing->plan.count; i++) {
		const struct plan_item *item = &committing->plan.items[i];
		json_t *json;

		if (item->verdict == PLAN_APPLY)
			continue;
		json = item_json(committing, item);
		json_object_set_new(json, "reason", json_string(verdict_name(item->verdict)));
		json_array_append_new(item->verdict == PLAN_FORBIDDEN ? forbidden : conflicts,
				      json);
	}
	if (json_array_size(conflicts) > 0) {
		json_decref(forbidden);
		return refuse(committing, ERR_COMMIT_CONFLICT, conflicts, "conflicts", err);
	}
	json_decref(conflicts);
	if (json_array_size(forbidden) > 0)
		return refuse(committing, ERR_PERMISSION_DENIED, forbidden, "forbidden", err);
	json_decref(forbidden);
	return 0;
}

/* As commit_apply() where the lower changed meanwhile: -ESTALE. Other errors are told: -1. */
static int apply(struct committing *committing, struct err *err)
{
	struct instance *instance = committing->instance;
	const struct session_record *record = registry_at(instance->registry, committing->session);
	const struct commit_setup setup = {
		.store = instance->store, .config = instance->config, .names = &committing->names};
	size_t at = 0;
	int r;

	if (committing->plan.count == 0)
		return 0;
	r = commit_apply(&setup, &committing->plan, committing->sources.shares,
			 committing->sources.count, record->uid, record->id, &at);
	if (r == -ESTALE) {
		committing->plan.items[at].verdict = PLAN_CHANGED;
		return r;
	}
	if (r == -EBUSY || r == -EBADMSG) {
		err_set(err, ERR_PRECONDITION_FAILED,
			"an earlier commit was interrupted and could not be finished: the daemon's log "
			"says why");
		return err_suggest(err,
				   "Mount with the share that it names; the journal is %s/commit",
				   store_path(instance->store));
	}
	if (r < 0) {
		const struct plan_item *item = &committing->plan.items[at];
		_cleanup_free_ char *path = host_path(committing, item->share, item->path);

		err_set_errno(err, r == -EACCES ? ERR_PERMISSION_DENIED : ERR_IO_ERROR, -r,
			      "session %s is not committed, the share is as it was: %.300s",
			      record->id, path ? path : "");
		if (r == -EXDEV)
			err_suggest(err, "The path is on another file system than its share; mount "
					 "that one as a share of its own");
		return -1;
	}
	if (instance->lower_changed)
		instance->lower_changed(instance->context);
	events_emit_consume(instance->events, record->uid, committing->session, "session_committed",
			    json_pack("{s:s, s:I}", "session", record->id, "changes",
				      (json_int_t)committing->plan.count));
	return 0;
}

/*
 * What a whole session has published is in the shares: it begins anew. But programs outside of runs may have
 * written in it meanwhile, to its views below the mount: then it goes on as it is, and so it does where that
 * cannot be told.
 */
static void begin_anew(const struct committing *published)
{
	__attribute__((cleanup(committing_release))) struct committing again = {
		.request = published->request,
		.instance = published->instance,
		.session = published->session,
		.names = published->names,
		.paths = {.all = true},
	};
	struct err ignored = {0};
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < again.instance->config->n_shares; i++)
		r = add_share(&again, i, &ignored);
	if (r == 0 && again.plan.count == 0 && again.sources.count > 0 &&
	    reset_all(again.instance, again.session, &ignored) < 0)
		log_warning("session %s is committed, but keeps its copies: %s",
			    again.request->session, ignored.message);
}

static json_t *answer(const struct committing *committing, bool dry_run)
{
	json_t *changes = json_array();

	for (size_t i = 0; i < committing->plan.count; i++)
		json_array_append_new(changes, item_json(committing, &committing->plan.items[i]));
	return json_pack("{s:s, s:b, s:o}", "session", committing->request->session, "dry_run",
			 dry_run, "changes", changes);
}

static int plan_session(struct committing *committing, struct err *err)
{
	sources_release(&committing->sources);
	plan_release(&committing->plan);
	for (uint32_t i = 0; i < committing->instance->config->n_shares; i++)
		if (add_share(committing, i, err) < 0)
			return -1;
	/* One of the paths may take away what the others show. */
	if (committing->leans) {
		err_set(err, ERR_PRECONDITION_FAILED,
			"session %s has renamed a directory or a large file: it is committed as a "
			"whole, not by paths",
			committing->request->session);
		return err_suggest(err, "sessionfs commit %s", committing->request->session);
	}
	return check(committing, err);
}

static int commit_session(struct committing *committing, bool dry_run, struct err *err)
{
	int r = plan_session(committing, err);

	if (r == 0 && !dry_run)
		r = apply(committing, err);
	/* It changed between the plan and its turn: another plan says whether that is in the way. */
	for (int tries = 1; r == -ESTALE && tries < PLAN_TRIES; tries++) {
		usleep(PLAN_PAUSE_US);
		r = plan_session(committing, err);
		if (r == 0)
			r = apply(committing, err);
	}
	if (r == -ESTALE)
		return check(committing, err);
	if (r < 0)
		return -1;
	if (!dry_run && committing->paths.all)
		begin_anew(committing);
	committing->request->data = answer(committing, dry_run);
	return CTL_DONE;
}

/* 1 where the request is for a run of that session, whose COMMAND has ended; 0 where for none. */
static int own_runs(const struct ctl_request *request, uint32_t session, uint32_t *ret_own,
		    struct err *err)
{
	const char *id = request_text(request, "run");
	const struct run_record *record;

	*ret_own = 0;
	if (!id)
		return 0;
	record = runs_at(request->instance->runs,
			 runs_find_id(request->instance->runs, request->uid, id));
	if (!record || record->session != session)
		return err_set(err, ERR_NOT_FOUND, "there is no run %.40s in session %s", id,
			       request->session);
	*ret_own = 1;
	return 0;
}

int request_session_commit(struct ctl_request *request, struct err *err)
{
	__attribute__((cleanup(committing_release))) struct committing committing = {
		.request = request, .instance = request->instance};
	bool dry_run = request_flag(request, "dry_run");
	struct gate_change change;
	uint32_t own;
	int r;

	if (target_session(request, request_text(request, "session"), &committing.session, err) <
		    0 ||
	    path_list_parse(request, &committing.paths, err) < 0 ||
	    own_runs(request, committing.session, &own, err) < 0)
		return -1;
	layout_names_init(&committing.names, store_xattr_prefix(request->instance->store));
	if (dry_run)
		return commit_session(&committing, true, err);
	if (!gate_close(request->instance->runs, committing.session, own, &change))
		return target_busy(request, committing.session, "commit", err);
	pthread_mutex_lock(&commits_mutex);
	r = commit_session(&committing, false, err);
	pthread_mutex_unlock(&commits_mutex);
	gate_open(&change);
	return r;
}
