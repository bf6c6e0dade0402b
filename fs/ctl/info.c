/* SPDX-License-Identifier: MIT */
/*
 * Requests that only look: status, sessions, whoami, events, umount.check.
 */
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "ctl/request.h"
#include "virt/listing.h"

/* {key: value}; takes value, NULL is out of memory. */
static json_t *wrap(const char *key, json_t *value)
{
	return value ? json_pack("{s:o}", key, value) : NULL;
}

int request_status(struct ctl_request *request, struct err *err)
{
	(void)err;
	request->data = listing_status(request->instance);
	return CTL_DONE;
}

int request_sessions(struct ctl_request *request, struct err *err)
{
	(void)err;
	request->data = wrap("sessions", listing_sessions(request->instance, request->uid));
	return CTL_DONE;
}

int request_whoami(struct ctl_request *request, struct err *err)
{
	(void)err;
	request->data = listing_whoami(request->instance, request->tid, request->uid, request->gid);
	return CTL_DONE;
}

/* The lines of a buffer, each a JSON object, as an array. */
static json_t *lines_json(const struct buf *lines)
{
	json_t *array = json_array();
	size_t at = 0;

	while (at < lines->len) {
		const char *line = lines->data + at;
		const char *end = memchr(line, '\n', lines->len - at);
		size_t len = end ? (size_t)(end - line) : lines->len - at;
		json_t *event = json_loadb(line, len, 0, NULL);

		if (event)
			json_array_append_new(array, event);
		at += len + 1;
	}
	return array;
}

int request_events(struct ctl_request *request, struct err *err)
{
	uint64_t sequence = request_number(request, "after", 0);
	_cleanup_buf_ struct buf lines = {0};

	events_read(request->instance->events, request->uid, &sequence, &lines);
	if (buf_failed(&lines))
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	request->data =
		json_pack("{s:o, s:I}", "events", lines_json(&lines), "next", (json_int_t)sequence);
	return CTL_DONE;
}

int request_umount_check(struct ctl_request *request, struct err *err)
{
	json_t *runs;

	if (request->uid != 0 && request->uid != geteuid())
		return err_set(err, ERR_PERMISSION_DENIED,
			       "only who mounted %s may unmount it, and root",
			       request->instance->config->mountpoint);
	runs = listing_runs(request->instance, 0, 0);
	if (json_array_size(runs) > 0 && !request_flag(request, "force")) {
		size_t count = json_array_size(runs);

		request_detail_consume(request, "runs", runs);
		err_set(err, ERR_PRECONDITION_FAILED, "%zu run%s on %s", count,
			count == 1 ? " lives" : "s live", request->instance->config->mountpoint);
		return err_suggest(
			err, "Wait until they have ended, or end them: sessionfs umount --force");
	}
	request->data = wrap("runs", runs);
	return CTL_DONE;
}
