/* SPDX-License-Identifier: MIT */
/*
 * Requests on what a session has changed: session.diff and session.reset.
 */
#include "ctl/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "base/json.h"
#include "base/path.h"
#include "base/sys.h"
#include "ctl/gate.h"
#include "ctl/path_list.h"
#include "ctl/reset.h"
#include "ctl/target.h"
#include "txn/diff.h"

#define _cleanup_changes_ __attribute__((cleanup(changes_release)))

void changes_release(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		free(changes->items[i].path);
	free(changes->items);
	*changes = (struct changes){0};
}

/* Where diff_walk() is at. */
struct collector {
	struct changes *changes;
	const char *share;
};

static int collect_entry(const struct diff_entry *entry, void *context)
{
	struct collector *collector = context;
	struct changes *changes = collector->changes;
	char *path;
	int r;

	r = GROW(changes);
	if (r < 0)
		return r;
	if (asprintf(&path, "%s/%s", collector->share, entry->path) < 0)
		return -ENOMEM;
	changes->items[changes->count++] =
		(struct changes_item){.path = path, .mode = entry->mode, .change = entry->change};
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct changes_item *left = a, *right = b;

	return strcmp(left->path, right->path);
}

static int collect_share(struct instance *instance, uint32_t session, uint32_t share,
			 const struct layout_names *names, struct changes *changes)
{
	const struct share_config *config = &instance->config->shares[share];
	struct collector collector = {.changes = changes, .share = config->path};
	_cleanup_close_ int upper = -1;
	int r = registry_peek_upper(instance->registry, session, share, &upper, NULL);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return diff_walk(names, upper, config->mode == SHARE_EMPTY ? -1 : config->lower_fd,
			 collect_entry, &collector);
}

int changes_collect(struct instance *instance, uint32_t session, struct changes *changes,
		    struct err *err)
{
	struct layout_names names;

	layout_names_init(&names, store_xattr_prefix(instance->store));
	for (uint32_t i = 0; i < instance->config->n_shares; i++) {
		int r = collect_share(instance, session, i, &names, changes);

		if (r < 0)
			return err_set_errno(err, ERR_IO_ERROR, -r,
					     "cannot read the changes of session %s to %s",
					     registry_at(instance->registry, session)->id,
					     instance->config->shares[i].path);
	}
	if (changes->count)
		qsort(changes->items, changes->count, sizeof(*changes->items), by_path);
	return 0;
}

json_t *changes_item_json(char letter, const char *path, mode_t mode)
{
	const char change[2] = {letter, '\0'};
	json_t *json = json_object();

	json_object_set_new(json, "change", json_string(change));
	json_set_text(json, "path", path);
	json_object_set_new(json, "type", json_string(diff_type_name(mode)));
	return json;
}

int request_session_diff(struct ctl_request *request, struct err *err)
{
	_cleanup_path_list_ struct path_list paths = {0};
	_cleanup_changes_ struct changes changes = {0};
	uint32_t session;
	json_t *array;

	if (target_session(request, request_text(request, "session"), &session, err) < 0 ||
	    path_list_parse(request, &paths, err) < 0 ||
	    changes_collect(request->instance, session, &changes, err) < 0)
		return -1;
	array = json_array();
	for (size_t i = 0; i < changes.count; i++)
		if (path_list_match(&paths, changes.items[i].path))
			json_array_append_new(array, changes_item_json(changes.items[i].change,
								       changes.items[i].path,
								       changes.items[i].mode));
	request->data = json_pack("{s:s, s:o}", "session", request->session, "changes", array);
	return CTL_DONE;
}

/* Drops what was named, with the session's gate closed. */
static int reset_session(struct ctl_request *request, uint32_t session,
			 const struct path_list *paths, size_t *ret_dropped, struct err *err)
{
	_cleanup_changes_ struct changes changes = {0};
	size_t dropped = 0;

	if (changes_collect(request->instance, session, &changes, err) < 0)
		return -1;
	for (size_t i = 0; i < changes.count; i++)
		dropped += path_list_match(paths, changes.items[i].path);
	*ret_dropped = dropped;
	if (!request_array(request, "paths"))
		return reset_all(request->instance, session, err);
	for (size_t i = 0; i < paths->count; i++)
		if (reset_path(request->instance, session, &paths->items[i], err) < 0)
			return -1;
	registry_raise_epoch(request->instance->registry, session);
	reset_announce(request->instance, session);
	return 0;
}

int request_session_reset(struct ctl_request *request, struct err *err)
{
	_cleanup_path_list_ struct path_list paths = {0};
	struct gate_change change;
	uint32_t session;
	size_t dropped = 0;
	int r;

	if (target_session(request, request_text(request, "session"), &session, err) < 0 ||
	    path_list_parse(request, &paths, err) < 0)
		return -1;
	if (!gate_close(request->instance->runs, session, 0, &change))
		return target_busy(request, session, "reset", err);
	r = reset_session(request, session, &paths, &dropped, err);
	gate_open(&change);
	if (r == 0)
		request->data = json_pack("{s:s, s:I}", "session", request->session, "dropped",
					  (json_int_t)dropped);
	return r;
}
