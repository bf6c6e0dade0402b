/* SPDX-License-Identifier: MIT */
/*
 * A configuration text while it is read: knows at which value the reader is, so that whatever is
 * found wrong there is reported as "<file>, line L, column C: <key>: <reason>".
 *
 * Objects are read by tables of keys (source_object); a reader of a value calls the typed getters,
 * which fail by themselves where the type is wrong.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "config/position.h"

#define SOURCE_DEPTH_MAX 8

struct source {
	const char *name; /* as shown in errors; borrowed */
	const char *text;
	size_t len;
	struct json_step steps[SOURCE_DEPTH_MAX]; /* from the top to the value being read */
	size_t depth;
};

/* One key of an object: reads its value into target. Returns 0, or -1 with err set. */
struct source_key {
	const char *name;
	int (*read)(struct source *source, json_t *value, void *target, struct err *err);
};

/*
 * Reads an object by its keys, in the order of the text; a key that is not in the table is an
 * error that names the nearest one that is. Returns 0 or -1.
 */
int source_object(struct source *source, json_t *object, const struct source_key *keys,
		  size_t n_keys, void *target, struct err *err);

/* Calls read for each element of an array. Returns 0 or -1. */
int source_array(struct source *source, json_t *array,
		 int (*read)(struct source *source, json_t *value, void *target, struct err *err),
		 void *target, struct err *err);

/* Typed getters. Returns 0 or -1; the string is borrowed from value. */
int source_string(struct source *source, json_t *value, const char **ret_text, struct err *err);
int source_integer(struct source *source, json_t *value, int64_t min, int64_t max,
		   int64_t *ret_number, struct err *err);

/* Reports the value at hand (VALIDATION_ERROR). Returns -1. */
int source_fail(struct source *source, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts the place of the value at hand before a message that err already has. Returns -1. */
int source_fail_with(struct source *source, struct err *err);
/* "<file>, line L, column C" of the value at hand. */
void source_place(const struct source *source, char *ret, size_t size);
