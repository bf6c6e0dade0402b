/* SPDX-License-Identifier: MIT */
#include "supervisor/ready.h"

#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"

static json_t *error_json(const struct err *err)
{
	json_t *error = json_pack("{s:s, s:i, s:o}", "code", err_code_name(err->code), "exit_code",
				  (int)err_code_exit(err->code), "message",
				  json_text(err->message));

	if (error && err->suggestion[0])
		json_set_text(error, "suggestion", err->suggestion);
	if (error)
		json_object_set_new(error, "retryable",
				    json_boolean(err_code_retryable(err->code)));
	return error;
}

/* Takes data and error; the one that does not apply is json_null(). */
static void say_consume(struct ready *ready, bool ok, json_t *data, json_t *error)
{
	_cleanup_buf_ struct buf line = {0};
	_cleanup_json_ json_t *envelope = NULL;
	char request_id[32];

	snprintf(request_id, sizeof(request_id), "m-%d", (int)getpid());
	envelope = json_pack("{s:b, s:o*, s:o*, s:[], s:{s:I, s:s, s:s, s:s, s:n, s:s}}", "ok", ok,
			     "data", data, "error", error, "warnings", "meta", "duration_ms",
			     (json_int_t)((clock_boot_ns() - ready->started_ns) / NSEC_PER_MSEC),
			     "schema_version", "1.0", "tool_version", SESSIONFS_VERSION,
			     "request_id", request_id, "session", "exit_source", "sessionfs");
	if (!envelope)
		return;
	json_render_line(envelope, &line);
	if (!buf_failed(&line))
		sys_write_all(ready->fd, line.data, line.len);
}

static void ready_close(struct ready *ready)
{
	ready->said = true;
	if (ready->fd > STDERR_FILENO)
		close(ready->fd);
	ready->fd = -1;
}

void ready_succeed_consume(struct ready *ready, json_t *data)
{
	if (ready->fd >= 0 && !ready->said)
		say_consume(ready, true, data, json_null());
	else
		json_decref(data);
	ready_close(ready);
}

int ready_fail(struct ready *ready, const struct err *err)
{
	if (ready->fd >= 0 && !ready->said) {
		say_consume(ready, false, json_null(), error_json(err));
	} else if (!ready->said) {
		fprintf(stderr, "sessionfs: %s\n", err->message);
		if (err->suggestion[0])
			fprintf(stderr, "%s\n", err->suggestion);
	}
	ready_close(ready);
	return (int)err_code_exit(err->code);
}
