/* SPDX-License-Identifier: MIT */
#include "config/source.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/suggest.h"

#define SOURCE_KEYS_MAX 16

static const char *type_name(json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a number";
	case JSON_REAL:
		return "a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

/* "shares[0].mode", "" for the whole document. */
static void source_path(const struct source *source, char *ret, size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < source->depth && used < size; i++) {
		const struct json_step *step = &source->steps[i];
		int n;

		if (step->key)
			n = snprintf(ret + used, size - used, "%s%.64s", i ? "." : "", step->key);
		else
			n = snprintf(ret + used, size - used, "[%zu]", step->index);
		used += (size_t)n;
	}
}

static void source_place_of(const struct source *source, enum position_of what, char *ret,
			    size_t size)
{
	struct position position = {.line = 1, .column = 1};

	position_find(source->text, source->len, source->steps, source->depth, what, &position);
	snprintf(ret, size, "%.480s, line %zu, column %zu", source->name, position.line,
		 position.column);
}

void source_place(const struct source *source, char *ret, size_t size)
{
	source_place_of(source, POSITION_VALUE, ret, size);
}

int source_fail_with(struct source *source, struct err *err)
{
	char place[560], path[160];
	struct err inner = *err;

	source_place(source, place, sizeof(place));
	source_path(source, path, sizeof(path));
	err_set(err, inner.code, "%s: %s%s%s", place, path, path[0] ? ": " : "", inner.message);
	if (inner.suggestion[0])
		err_suggest(err, "%s", inner.suggestion);
	return -1;
}

int source_fail(struct source *source, struct err *err, const char *format, ...)
{
	char reason[512];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	err_set(err, ERR_VALIDATION_ERROR, "%s", reason);
	return source_fail_with(source, err);
}

static int fail_unknown_key(struct source *source, const char *key, const struct source_key *keys,
			    size_t n_keys, struct err *err)
{
	const char *names[SOURCE_KEYS_MAX];
	const char *nearest;
	char place[560];

	for (size_t i = 0; i < n_keys && i < SOURCE_KEYS_MAX; i++)
		names[i] = keys[i].name;
	nearest = suggest_nearest(key, names, n_keys < SOURCE_KEYS_MAX ? n_keys : SOURCE_KEYS_MAX);
	source_place_of(source, POSITION_KEY, place, sizeof(place));
	err_set(err, ERR_VALIDATION_ERROR, "%s: unknown key \"%.64s\"", place, key);
	if (nearest)
		return err_suggest(err, "Did you mean \"%s\"?", nearest);
	return -1;
}

static const struct source_key *key_find(const char *name, const struct source_key *keys,
					 size_t n_keys)
{
	for (size_t i = 0; i < n_keys; i++) {
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	}
	return NULL;
}

int source_object(struct source *source, json_t *object, const struct source_key *keys,
		  size_t n_keys, void *target, struct err *err)
{
	const char *name;
	json_t *value;
	int r = 0;

	if (!json_is_object(object))
		return source_fail(source, err, "must be an object, not %s", type_name(object));
	json_object_foreach(object, name, value)
	{
		const struct source_key *key = key_find(name, keys, n_keys);

		source->steps[source->depth++] = (struct json_step){.key = name};
		r = key ? key->read(source, value, target, err)
			: fail_unknown_key(source, name, keys, n_keys, err);
		source->depth--;
		if (r < 0)
			break;
	}
	return r;
}

int source_array(struct source *source, json_t *array,
		 int (*read)(struct source *source, json_t *value, void *target, struct err *err),
		 void *target, struct err *err)
{
	int r = 0;

	if (!json_is_array(array))
		return source_fail(source, err, "must be an array, not %s", type_name(array));
	for (size_t i = 0; i < json_array_size(array) && r == 0; i++) {
		source->steps[source->depth++] = (struct json_step){.index = i};
		r = read(source, json_array_get(array, i), target, err);
		source->depth--;
	}
	return r;
}

int source_string(struct source *source, json_t *value, const char **ret_text, struct err *err)
{
	if (!json_is_string(value))
		return source_fail(source, err, "must be a string, not %s", type_name(value));
	*ret_text = json_string_value(value);
	return 0;
}

int source_integer(struct source *source, json_t *value, int64_t min, int64_t max,
		   int64_t *ret_number, struct err *err)
{
	if (!json_is_integer(value))
		return source_fail(source, err, "must be a whole number, not %s", type_name(value));
	if (json_integer_value(value) < min || json_integer_value(value) > max)
		return source_fail(source, err, "must be between %" PRId64 " and %" PRId64, min,
				   max);
	*ret_number = json_integer_value(value);
	return 0;
}
