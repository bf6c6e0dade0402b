/* SPDX-License-Identifier: MIT */
#include "support/ask.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/schema.h"

json_t *ask_on(struct ctl *ctl, pid_t tid, uid_t uid, const char *request)
{
	_cleanup_buf_ struct buf answer = {0};
	uint64_t deadline;
	char piece[4096];
	struct err err;
	json_t *json;
	ssize_t n;

	cr_assert_eq(ctl_write(ctl, request, strlen(request)), (ssize_t)strlen(request));
	while ((n = ctl_read(ctl, tid, uid, uid, piece, sizeof(piece), &deadline)) > 0)
		buf_add(&answer, piece, (size_t)n);
	cr_assert_eq(n, 0);
	json = json_parse(answer.data, answer.len, "answer", &err);
	cr_assert(json, "%s", err.message);
	schema_check_envelope(json);
	return json;
}

json_t *ask(uid_t uid, const char *request)
{
	struct ctl *ctl = ctl_new(&instance);
	json_t *json = ask_on(ctl, getpid(), uid, request);

	ctl_free(ctl);
	return json;
}

const json_t *at(const json_t *json, const char *path)
{
	char key[64];

	while (json && *path) {
		size_t len = strcspn(path, ".");

		memcpy(key, path, len);
		key[len] = '\0';
		json = json_is_array(json) ? json_array_get(json, strtoul(key, NULL, 10))
					   : json_object_get(json, key);
		path += len + (path[len] == '.');
	}
	return json;
}

const char *text_at(const json_t *json, const char *path)
{
	const char *text = json_string_value(at(json, path));

	return text ? text : "";
}

const char *code_of(const json_t *envelope)
{
	return text_at(envelope, "error.code");
}
