/* SPDX-License-Identifier: MIT */
#include "support/schema.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static bool valid(const json_t *root, const json_t *schema, const json_t *json);

static bool has_type(const json_t *json, const char *type)
{
	return (strcmp(type, "object") == 0 && json_is_object(json)) ||
	       (strcmp(type, "array") == 0 && json_is_array(json)) ||
	       (strcmp(type, "string") == 0 && json_is_string(json)) ||
	       (strcmp(type, "boolean") == 0 && json_is_boolean(json)) ||
	       (strcmp(type, "integer") == 0 && json_is_integer(json)) ||
	       (strcmp(type, "number") == 0 && json_is_number(json)) ||
	       (strcmp(type, "null") == 0 && json_is_null(json));
}

static bool is_one_of(const json_t *root, const json_t *schemas, const json_t *json)
{
	const json_t *schema;
	size_t i, matches = 0;

	json_array_foreach(schemas, i, schema) matches += valid(root, schema, json);
	return matches == 1;
}

static bool is_in(const json_t *values, const json_t *json)
{
	const json_t *value;
	size_t i;

	json_array_foreach(values, i, value) if (json_equal(value, json)) return true;
	return false;
}

static bool valid_object(const json_t *root, const json_t *schema, const json_t *json)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *key_text;
	const char *key;
	json_t *value;
	size_t i;

	json_array_foreach(
		json_object_get(schema, "required"), i,
		key_text) if (!json_object_get(json, json_string_value(key_text))) return false;
	json_object_foreach((json_t *)(uintptr_t)json, key, value)
	{
		const json_t *property = json_object_get(properties, key);

		if (!property && json_is_false(json_object_get(schema, "additionalProperties")))
			return false;
		if (property && !valid(root, property, value))
			return false;
	}
	return true;
}

/* "#/definitions/NAME" */
static const json_t *follow(const json_t *root, const char *ref)
{
	const char *name = strrchr(ref, '/') + 1;

	return json_object_get(json_object_get(root, "definitions"), name);
}

static bool valid(const json_t *root, const json_t *schema, const json_t *json)
{
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	const char *type = json_string_value(json_object_get(schema, "type"));
	const json_t *one_of = json_object_get(schema, "oneOf");
	const json_t *values = json_object_get(schema, "enum");
	const json_t *minimum = json_object_get(schema, "minimum");
	const json_t *items = json_object_get(schema, "items");
	const json_t *item;
	size_t i;

	if (ref)
		return valid(root, follow(root, ref), json);
	if ((type && !has_type(json, type)) || (one_of && !is_one_of(root, one_of, json)) ||
	    (values && !is_in(values, json)))
		return false;
	if (minimum && json_is_number(json) && json_number_value(json) < json_number_value(minimum))
		return false;
	if (json_is_object(json))
		return valid_object(root, schema, json);
	if (items)
		json_array_foreach(json, i, item) if (!valid(root, items, item)) return false;
	return true;
}

/* Beside the repository, which this file is in. */
static json_t *load_envelope_schema(void)
{
	_cleanup_free_ char *root = strdup(__FILE__);
	_cleanup_buf_ struct buf path = {0};
	char *end = strstr(root, "tests/support/");

	cr_assert(end);
	*end = '\0';
	buf_add_format(&path, "%s../shared/schemas/response-envelope.json", root);
	return json_load_file(path.data, 0, NULL);
}

void schema_check_envelope(const json_t *json)
{
	static const char *const keys[] = {"ok", "data", "error", "warnings", "meta"};
	_cleanup_json_ json_t *schema = load_envelope_schema();
	_cleanup_free_ char *text = json_dumps(json, 0);

	cr_assert(json_is_object(json));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		cr_assert(json_object_get(json, keys[i]), "no %s in %s", keys[i], text);
	if (schema)
		cr_assert(valid(schema, schema, json), "by the schema no envelope: %s", text);
}
