/* SPDX-License-Identifier: MIT */
#include "ctl/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "session/usage.h"
#include "virt/listing.h"
#include "virt/shares.h"

static int no_id(const char *name, struct err *err)
{
	_cleanup_buf_ struct buf shown = {0};

	buf_add_shell_quoted(&shown, name);
	err_set(err, ERR_VALIDATION_ERROR, "%.90s is no session id", shown.data ? shown.data : "");
	return err_suggest(err, "An id is 1 to 64 of A-Z a-z 0-9 . _ : - and begins with a letter "
				"or digit; root may write UID/ID");
}

int target_parse(const struct ctl_request *request, const char *name, uid_t *ret_uid,
		 char ret_id[SESSION_ID_SIZE], struct err *err)
{
	const char *slash = strchr(name, '/');
	const char *id = slash ? slash + 1 : name;
	unsigned long long uid = request->uid;

	if (slash) {
		size_t digits = strspn(name, "0123456789");

		if (digits == 0 || digits > 10 || name + digits != slash)
			return no_id(name, err);
		uid = strtoull(name, NULL, 10);
	}
	if (uid >= UINT32_MAX || !path_is_session_id(id))
		return no_id(name, err);
	if (request->uid != 0 && uid != request->uid)
		return err_set(err, ERR_PERMISSION_DENIED,
			       "session %s belongs to another user (uid %llu)", id, uid);
	*ret_uid = (uid_t)uid;
	snprintf(ret_id, SESSION_ID_SIZE, "%s", id);
	return 0;
}

int target_session(struct ctl_request *request, const char *name, uint32_t *ret_session,
		   struct err *err)
{
	char id[SESSION_ID_SIZE];
	uint32_t session;
	uid_t uid = 0;

	if (target_parse(request, name, &uid, id, err))
		return -1;
	snprintf(request->session, sizeof(request->session), "%s", id);
	session = registry_find(request->instance->registry, uid, id);
	if (!session) {
		err_set(err, ERR_NOT_FOUND, "there is no session %s of uid %u", id, uid);
		return err_suggest(err, "List the sessions: sessionfs ls");
	}
	*ret_session = session;
	return 0;
}

void target_path_release(struct target_path *path)
{
	free(path->host);
	*path = (struct target_path){0};
}

/* The path normalised, a new string, and how it lies to the shares; NULL with err. */
static char *parse_path(const struct ctl_request *request, const char *text,
			enum share_place *ret_place, uint32_t *ret_share, struct err *err)
{
	char *host = path_normalise(text);
	_cleanup_buf_ struct buf shown = {0};

	if (!host) {
		buf_add_shell_quoted(&shown, text);
		err_set(err, ERR_VALIDATION_ERROR, "%s is not an absolute path without \"..\"",
			shown.data ? shown.data : "");
		return NULL;
	}
	*ret_place = shares_place(request->instance->config, host + 1, ret_share);
	return host;
}

static int no_share(const char *text, struct err *err)
{
	_cleanup_buf_ struct buf shown = {0};

	buf_add_shell_quoted(&shown, text);
	err_set(err, ERR_VALIDATION_ERROR, "%s lies in no share", shown.data ? shown.data : "");
	return err_suggest(err, "List the shares: sessionfs status");
}

int target_path_parse(const struct ctl_request *request, const char *text,
		      struct target_path *ret_path, struct err *err)
{
	const struct config *config = request->instance->config;
	enum share_place place = SHARE_NOWHERE;
	uint32_t share = 0;
	_cleanup_free_ char *host = parse_path(request, text, &place, &share, err);

	if (!host)
		return -1;
	if (place != SHARE_ROOT && place != SHARE_BELOW)
		return no_share(text, err);
	ret_path->share = share;
	ret_path->rest = shares_rest(&config->shares[share], host + 1);
	ret_path->host = TAKE_PTR(host);
	return 0;
}

int target_prefix_parse(const struct ctl_request *request, const char *text, char **ret_prefix,
			struct err *err)
{
	enum share_place place = SHARE_NOWHERE;
	_cleanup_free_ char *host = parse_path(request, text, &place, NULL, err);

	if (!host)
		return -1;
	if (place == SHARE_NOWHERE && host[1])
		return no_share(text, err);
	*ret_prefix = TAKE_PTR(host);
	return 0;
}

int target_busy(struct ctl_request *request, uint32_t session, const char *what, struct err *err)
{
	struct instance *instance = request->instance;
	const char *id = registry_at(instance->registry, session)->id;
	json_t *runs = listing_runs(instance, session, 0);
	size_t count = json_array_size(runs);

	request_detail_consume(request, "runs", runs);
	err_set(err, ERR_PRECONDITION_FAILED, "cannot %s session %s: %zu run%s in it", what, id,
		count, count == 1 ? " lives" : "s live");
	return err_suggest(err, "End them or wait until they have ended: sessionfs show %s", id);
}

void target_warn_usage(struct ctl_request *request, uint32_t session)
{
	const struct config *config = request->instance->config;
	struct usage usage = usage_get(request->instance->registry, session);
	enum usage_level level = usage_judge(config, &usage);
	_cleanup_buf_ struct buf text = {0};

	if (level == USAGE_BELOW)
		return;
	buf_add_format(&text, "SESSION_NEAR_LIMIT: session %s holds",
		       registry_at(request->instance->registry, session)->id);
	if (config->max_bytes)
		buf_add_format(&text, " %" PRIu64 " of %" PRIu64 " bytes", usage.bytes,
			       config->max_bytes);
	if (config->max_files)
		buf_add_format(&text, "%s %" PRIu64 " of %" PRIu64 " files",
			       config->max_bytes ? " and" : "", usage.files, config->max_files);
	if (level == USAGE_FULL)
		buf_add_format(&text, ": writing to it fails (No space left on device)");
	if (!request->warnings)
		request->warnings = json_array();
	json_array_append_new(request->warnings, json_text(text.data ? text.data : ""));
}
