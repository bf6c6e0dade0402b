/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "ctl/request.h"

#define SCHEMA_VERSION "1.0"

static json_t *error_json(const struct ctl_request *request, const struct err *err)
{
	json_t *error = json_object();

	json_object_set_new(error, "code", json_string(err_code_name(err->code)));
	if (request->reason)
		json_object_set_new(error, "reason", json_string(request->reason));
	json_object_set_new(error, "exit_code", json_integer(err_code_exit(err->code)));
	json_object_set_new(error, "message", json_text(err->message));
	if (err->suggestion[0])
		json_object_set_new(error, "suggestion", json_text(err->suggestion));
	json_object_set_new(error, "retryable", json_boolean(err_code_retryable(err->code)));
	if (request->details)
		json_object_update(error, request->details);
	return error;
}

static json_t *meta_json(const struct ctl_request *request)
{
	uint64_t taken_ns = clock_boot_ns() - request->started_boot_ns;
	json_t *meta = json_object();
	char id[48];

	/* The process is in it: a later worker counts from 1 again. */
	snprintf(id, sizeof(id), "c-%x-%" PRIu64, (unsigned int)getpid(), request->serial);
	json_object_set_new(meta, "duration_ms",
			    json_integer((json_int_t)(taken_ns / NSEC_PER_MSEC)));
	json_object_set_new(meta, "schema_version", json_string(SCHEMA_VERSION));
	json_object_set_new(meta, "tool_version", json_string(SESSIONFS_VERSION));
	json_object_set_new(meta, "request_id", json_string(id));
	json_object_set_new(meta, "session",
			    request->session[0] ? json_string(request->session) : json_null());
	json_object_set_new(meta, "exit_source", json_string("sessionfs"));
	return meta;
}

void envelope_render(const struct ctl_request *request, const struct err *err, struct buf *buf)
{
	_cleanup_json_ json_t *envelope = json_object();

	json_object_set_new(envelope, "ok", json_boolean(!err));
	json_object_set_new(envelope, "data", err ? json_null() : json_incref(request->data));
	json_object_set_new(envelope, "error", err ? error_json(request, err) : json_null());
	json_object_set_new(envelope, "warnings",
			    request->warnings ? json_incref(request->warnings) : json_array());
	json_object_set_new(envelope, "meta", meta_json(request));
	json_render_line(envelope, buf);
}
