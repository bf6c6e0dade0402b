/* SPDX-License-Identifier: MIT */
#include "ctl/request.h"

#include <stdlib.h>

void request_release(struct ctl_request *request)
{
	if (request->abandon)
		request->abandon(request);
	free(request->waits_path);
	json_decref(request->members);
	json_decref(request->data);
	json_decref(request->details);
	json_decref(request->warnings);
	*request = (struct ctl_request){0};
}

const char *request_text(const struct ctl_request *request, const char *name)
{
	return json_string_value(json_object_get(request->members, name));
}

bool request_flag(const struct ctl_request *request, const char *name)
{
	return json_is_true(json_object_get(request->members, name));
}

uint64_t request_number(const struct ctl_request *request, const char *name, uint64_t fallback)
{
	const json_t *value = json_object_get(request->members, name);

	return value ? (uint64_t)json_integer_value(value) : fallback;
}

const json_t *request_array(const struct ctl_request *request, const char *name)
{
	return json_object_get(request->members, name);
}

void request_detail_consume(struct ctl_request *request, const char *key, json_t *value)
{
	if (!request->details)
		request->details = json_object();
	json_object_set_new(request->details, key, value);
}
