/* SPDX-License-Identifier: MIT */
/*
 * From a request's text to its operation, with every member checked on the way.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "ctl/request.h"

static const struct ctl_operation operations[] = {
#define REQUEST(name, function, ...) {name, function, {__VA_ARGS__}},
#include "ctl/requests.def"
#undef REQUEST
};

static const char *const type_names[] = {
	[CTL_TEXT] = "a string",
	[CTL_FLAG] = "true or false",
	[CTL_NUMBER] = "an integer, 0 or more",
	[CTL_TEXTS] = "an array of strings",
};

/* Text of the caller's for a message: cut, and without what acts on a terminal. */
#define QUOTE_SIZE 48
static const char *quote(const char *text, char ret[QUOTE_SIZE])
{
	size_t i = 0;

	for (; i < QUOTE_SIZE - 1 && text[i]; i++)
		ret[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	ret[i] = '\0';
	if (text[i])
		memcpy(ret + i - 3, "...", 3);
	return ret;
}

static bool has_type(const json_t *value, enum ctl_type type)
{
	const json_t *item;
	size_t i;

	switch (type) {
	case CTL_TEXT:
		return json_is_string(value);
	case CTL_FLAG:
		return json_is_boolean(value);
	case CTL_NUMBER:
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case CTL_TEXTS:
		break;
	}
	if (!json_is_array(value))
		return false;
	json_array_foreach(value, i, item) if (!json_is_string(item)) return false;
	return true;
}

static const struct ctl_member *find_member(const struct ctl_operation *operation, const char *name)
{
	for (const struct ctl_member *member = operation->members; member->name; member++)
		if (strcmp(member->name, name) == 0)
			return member;
	return NULL;
}

static int suggest_members(const struct ctl_operation *operation, struct err *err)
{
	_cleanup_buf_ struct buf names = {0};

	for (const struct ctl_member *member = operation->members; member->name; member++)
		buf_add_format(&names, ", %s", member->name);
	return err_suggest(err, "Members of %s: op%s", operation->name,
			   names.data ? names.data : "");
}

static int check_members(const struct ctl_operation *operation, json_t *members, struct err *err)
{
	char quoted[QUOTE_SIZE];
	const char *key;
	json_t *value;

	json_object_foreach(members, key, value)
	{
		const struct ctl_member *member = find_member(operation, key);

		if (strcmp(key, "op") == 0)
			continue;
		if (!member) {
			err_set(err, ERR_VALIDATION_ERROR, "%s: unknown member \"%s\"",
				operation->name, quote(key, quoted));
			return suggest_members(operation, err);
		}
		if (!has_type(value, member->type))
			return err_set(err, ERR_VALIDATION_ERROR, "%s: member \"%s\" must be %s",
				       operation->name, key, type_names[member->type]);
	}
	for (const struct ctl_member *member = operation->members; member->name; member++)
		if (member->required && !json_object_get(members, member->name))
			return err_set(err, ERR_VALIDATION_ERROR,
				       "%s: member \"%s\" (%s) is missing", operation->name,
				       member->name, type_names[member->type]);
	return 0;
}

/* A JSON string of any bytes, which no JSON text could hold. NULL: no base64, or a NUL in it. */
static json_t *decode_text(const json_t *encoded)
{
	_cleanup_buf_ struct buf bytes = {0};

	if (!json_is_string(encoded) ||
	    !base64_decode(json_string_value(encoded), json_string_length(encoded), &bytes) ||
	    buf_failed(&bytes) || !bytes.len || memchr(bytes.data, '\0', bytes.len))
		return NULL;
	return json_stringn_nocheck(bytes.data, bytes.len);
}

static json_t *decode_member(const json_t *encoded, enum ctl_type type)
{
	_cleanup_json_ json_t *array = NULL;
	const json_t *item;
	size_t i;

	if (type == CTL_TEXT)
		return decode_text(encoded);
	if (!json_is_array(encoded))
		return NULL;
	array = json_array();
	json_array_foreach(encoded, i, item)
	{
		/* Appending NULL fails. */
		if (json_array_append_new(array, decode_text(item)) < 0)
			return NULL;
	}
	return json_incref(array);
}

/* What is given as NAME_b64 takes the place of NAME, for paths that are not UTF-8. */
static int decode_members(const struct ctl_operation *operation, json_t *members, struct err *err)
{
	for (const struct ctl_member *member = operation->members; member->name; member++) {
		char key[64];
		json_t *encoded, *decoded;

		if (member->type != CTL_TEXT && member->type != CTL_TEXTS)
			continue;
		snprintf(key, sizeof(key), "%s_b64", member->name);
		encoded = json_object_get(members, key);
		if (!encoded)
			continue;
		decoded = decode_member(encoded, member->type);
		if (!decoded)
			return err_set(err, ERR_VALIDATION_ERROR,
				       "%s: member \"%s\" must be %s in base64, without NUL",
				       operation->name, key, type_names[member->type]);
		json_object_set_new(members, member->name, decoded);
		json_object_del(members, key);
	}
	return 0;
}

static int unknown_operation(const char *name, struct err *err)
{
	_cleanup_buf_ struct buf names = {0};
	char quoted[QUOTE_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		buf_add_format(&names, "%s%s", i ? ", " : "", operations[i].name);
	err_set(err, ERR_VALIDATION_ERROR, "unknown op \"%s\"", quote(name, quoted));
	return err_suggest(err, "Known: %s", names.data ? names.data : "");
}

int dispatch_parse(struct ctl_request *request, const char *text, size_t len, struct err *err)
{
	const char *name;

	request->members = json_parse(text, len, "request", err);
	if (!request->members)
		return -1;
	if (!json_is_object(request->members))
		return err_set(err, ERR_VALIDATION_ERROR,
			       "request, line 1, column 1: not a JSON object");
	name = request_text(request, "op");
	if (!name)
		return err_set(err, ERR_VALIDATION_ERROR,
			       "the request has no member \"op\" that is a string");
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		if (strcmp(operations[i].name, name) == 0)
			request->operation = &operations[i];
	if (!request->operation)
		return unknown_operation(name, err);
	if (decode_members(request->operation, request->members, err) < 0)
		return -1;
	return check_members(request->operation, request->members, err);
}

int dispatch_run(struct ctl_request *request, struct err *err)
{
	int r = request->operation->function(request, err);

	if (r == CTL_DONE && !request->data)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	return r;
}
