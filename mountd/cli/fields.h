/* SPDX-License-Identifier: MIT */
/*
 * Reading the daemon's JSON for a person: what is missing is empty, never an error.
 */
#pragma once

#include <stdint.h>

#include "base/json.h"

/* The member's text, "" where there is none. Borrowed. */
static inline const char *field_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static inline int64_t field_integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static inline bool field_flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* The words of an array of strings, with single spaces between. The caller releases `ret`. */
void field_words(const json_t *array, struct buf *ret);
