/* SPDX-License-Identifier: MIT */
/*
 * JSON text as a flat table of where its values stand.
 *
 * jansson is not used for what is merged: it loses the text of numbers (1e400 and 0.10 are gone),
 * the escapes of strings, white space, and all but the last of several members of one name. Here
 * every value stays the span of text that it was.
 *
 * Accepted is RFC 8259 in UTF-8, nothing more: no byte order mark, no comments, no commas at an
 * end, no NaN, no lone surrogate (\ud800 alone), and nothing but white space after the value.
 * Several members of one name are accepted here; what they mean is the user's.
 *
 * Nothing in here calls itself: depth costs no stack.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns; not terminated. `at` is NULL where there are none to speak of. */
struct json_text {
	const char *at;
	size_t len;
};

struct json_limits {
	size_t size_bytes; /* of a text; what is over JSON_SIZE_MAX means JSON_SIZE_MAX */
	uint32_t values;   /* of a text, itself and all that are in it */
	uint32_t depth;    /* objects and arrays in each other, itself among them */
};

#define JSON_SIZE_MAX (1u << 30) /* offsets have 32 bits, and numbers of values some to spare */

#define JSON_NONE UINT32_MAX /* no value */

/*
 * A value. Values stand in the order of their text, so those of an object or array follow it, and
 * the first of them, if any, is number + 1.
 */
struct json_span {
	uint32_t key;   /* offset of the member's key, its quote; JSON_NONE where it is no member */
	uint32_t begin; /* offset of the value */
	uint32_t end;   /* offset after it */
	uint32_t next;  /* number of the first value that is not in this one */
	uint32_t mark;  /* 0; for who works with the table */
};

/* Zero-initialised is empty and valid. */
struct json_doc {
	struct json_text text; /* borrowed */
	struct json_span *spans;
	uint32_t count; /* at least 1 once parsed: number 0 is the whole value */
	uint32_t capacity;
};

#define _cleanup_json_doc_ __attribute__((cleanup(json_doc_release)))

void json_doc_release(struct json_doc *doc);

enum json_parse_outcome {
	JSON_PARSED,
	JSON_MALFORMED, /* no JSON, as above */
	JSON_OVER_LIMIT,
};

/*
 * Parses text, which must outlive ret_doc. Returns enum json_parse_outcome or -ENOMEM; ret_doc is
 * written in the first case only, ret_at (an offset where the text is refused, at most its length)
 * in the two others.
 */
int json_doc_parse(struct json_text text, const struct json_limits *limits,
		   struct json_doc *ret_doc, size_t *ret_at);

/* The first byte of a value tells its type: one of { [ " t f n - 0 to 9. */
static inline char json_doc_type(const struct json_doc *doc, uint32_t number)
{
	return doc->text.at[doc->spans[number].begin];
}

/* The text of a value; of JSON_NONE, no text. */
struct json_text json_doc_value(const struct json_doc *doc, uint32_t number);
/* The text of a member's key, with its quotes. */
struct json_text json_doc_key(const struct json_doc *doc, uint32_t number);
