/* SPDX-License-Identifier: MIT */
#include "config/position.h"

#include <string.h>

#include "base/json.h"

/* What is left of the text. Every function here leaves `at` within it. */
struct cursor {
	const char *at;
	const char *end;
};

static bool cursor_is(const struct cursor *cursor, char c)
{
	return cursor->at < cursor->end && *cursor->at == c;
}

static bool cursor_take(struct cursor *cursor, char c)
{
	if (!cursor_is(cursor, c))
		return false;
	cursor->at++;
	return true;
}

static void skip_space(struct cursor *cursor)
{
	while (cursor->at < cursor->end && *cursor->at && strchr(" \t\r\n", *cursor->at))
		cursor->at++;
}

/* At the opening quote; ends after the closing one. */
static bool skip_string(struct cursor *cursor)
{
	if (!cursor_take(cursor, '"'))
		return false;
	while (cursor->at < cursor->end) {
		char c = *cursor->at++;

		if (c == '"')
			return true;
		if (c == '\\' && cursor->at < cursor->end)
			cursor->at++;
	}
	return false;
}

static bool skip_value(struct cursor *cursor)
{
	size_t depth = 0;

	do {
		skip_space(cursor);
		if (cursor->at >= cursor->end)
			return false;
		if (*cursor->at == '"') {
			if (!skip_string(cursor))
				return false;
		} else if (strchr("{[", *cursor->at)) {
			depth++;
			cursor->at++;
		} else if (strchr("}]", *cursor->at)) {
			depth--;
			cursor->at++;
		} else if (strchr(",:", *cursor->at)) {
			cursor->at++;
		} else {
			while (cursor->at < cursor->end && *cursor->at &&
			       !strchr(",:]} \t\r\n", *cursor->at))
				cursor->at++;
		}
	} while (depth > 0);
	return true;
}

/* Whether the string between two positions (quotes included) spells `key`. */
static bool string_equals(const char *begin, const char *end, const char *key)
{
	_cleanup_json_ json_t *decoded = NULL;
	size_t len = (size_t)(end - begin);

	if (!memchr(begin, '\\', len))
		return len - 2 == strlen(key) && memcmp(begin + 1, key, len - 2) == 0;
	decoded = json_loadb(begin, len, JSON_DECODE_ANY, NULL);
	return decoded && strcmp(json_string_value(decoded), key) == 0;
}

/* At an object; ends at the value of `key`, whose own place goes to *ret_key. */
static bool enter_key(struct cursor *cursor, const char *key, const char **ret_key)
{
	if (!cursor_take(cursor, '{'))
		return false;
	do {
		const char *begin;
		bool found;

		skip_space(cursor);
		begin = cursor->at;
		if (!skip_string(cursor))
			return false;
		found = string_equals(begin, cursor->at, key);
		skip_space(cursor);
		if (!cursor_take(cursor, ':'))
			return false;
		skip_space(cursor);
		if (found) {
			*ret_key = begin;
			return true;
		}
		if (!skip_value(cursor))
			return false;
		skip_space(cursor);
	} while (cursor_take(cursor, ','));
	return false;
}

/* At an array; ends at its element `index`. */
static bool enter_index(struct cursor *cursor, size_t index)
{
	if (!cursor_take(cursor, '['))
		return false;
	for (size_t i = 0; i < index; i++) {
		if (!skip_value(cursor))
			return false;
		skip_space(cursor);
		if (!cursor_take(cursor, ','))
			return false;
	}
	skip_space(cursor);
	return cursor->at < cursor->end && !cursor_is(cursor, ']');
}

static void position_count(const char *text, const char *at, struct position *ret_position)
{
	struct position position = {.line = 1, .column = 1};

	for (const char *p = text; p < at; p++) {
		if (*p == '\n') {
			position.line++;
			position.column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			position.column++;
		}
	}
	*ret_position = position;
}

bool position_find(const char *text, size_t len, const struct json_step *steps, size_t n_steps,
		   enum position_of what, struct position *ret_position)
{
	struct cursor cursor = {.at = text, .end = text + len};
	const char *key = NULL;

	skip_space(&cursor);
	for (size_t i = 0; i < n_steps; i++) {
		key = NULL;
		if (steps[i].key ? !enter_key(&cursor, steps[i].key, &key)
				 : !enter_index(&cursor, steps[i].index))
			return false;
	}
	if (cursor.at >= cursor.end || (what == POSITION_KEY && !key))
		return false;
	position_count(text, what == POSITION_KEY ? key : cursor.at, ret_position);
	return true;
}
