/* SPDX-License-Identifier: MIT */
/*
 * JSON on top of jansson: what its users here share. Includes <jansson.h>, so that json_t is
 * available to whoever may use it.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define _cleanup_json_ __attribute__((cleanup(json_cleanup)))
static inline void json_cleanup(json_t **json)
{
	json_decref(*json);
}

/*
 * Length of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7: no overlong form, no
 * surrogate, nothing over U+10FFFF), or 0. `left` bytes are there, at least 1.
 */
size_t json_utf8_sequence(const unsigned char *at, size_t left);

/*
 * A JSON string of any bytes: invalid UTF-8, NUL and surrogates become U+FFFD.
 * `ret_lossless` (may be NULL) tells whether nothing had to be replaced.
 */
json_t *json_text_n(const char *bytes, size_t len, bool *ret_lossless);
json_t *json_text(const char *str);

/* Sets `key` to the text, and `<key>_b64` to the raw bytes where the text is not lossless. */
void json_set_text(json_t *object, const char *key, const char *str);

/* Nanoseconds since the epoch as ISO 8601 text. */
json_t *json_time(uint64_t real_ns);

/* Renders pretty (2 spaces) with keys in insertion order, and a final newline. */
void json_render_pretty(const json_t *json, struct buf *buf);
/* Renders on one line without white space, and a final newline. */
void json_render_line(const json_t *json, struct buf *buf);

/*
 * Parses text; duplicate keys are refused. On failure returns NULL and sets err
 * (VALIDATION_ERROR) to "<what>, line L, column C: <reason>".
 */
json_t *json_parse(const char *text, size_t len, const char *what, struct err *err);

/* Base64 (RFC 4648) of bytes. NULL when out of memory; the caller frees. */
char *base64_encode(const void *bytes, size_t len);
/* Appends the bytes; false where the text is no base64 of that form, padding included. */
bool base64_decode(const char *text, size_t len, struct buf *ret_bytes);
