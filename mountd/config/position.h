/* SPDX-License-Identifier: MIT */
/*
 * Where a value stands in a JSON text.
 *
 * jansson tells line and column of syntax errors only. What is wrong with a value's meaning is
 * found on the parsed tree; this module walks the text again, by keys and indices, to say where
 * that value was written. The text must have been parsed successfully before.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* One step down: into the member `key` of an object, or, where key is NULL, the array's `index`. */
struct json_step {
	const char *key; /* decoded UTF-8, borrowed */
	size_t index;    /* from 0 */
};

enum position_of {
	POSITION_VALUE, /* first character of the value */
	POSITION_KEY,   /* opening quote of the key that the last step names */
};

struct position {
	size_t line;   /* from 1 */
	size_t column; /* from 1, in characters (code points), not bytes */
};

/*
 * Finds what the steps lead to; none: the whole document. Returns false where the text has no such
 * value (or is no JSON); *ret_position is then untouched.
 */
bool position_find(const char *text, size_t len, const struct json_step *steps, size_t n_steps,
		   enum position_of what, struct position *ret_position);
