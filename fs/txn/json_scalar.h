/* SPDX-License-Identifier: MIT */
/*
 * What the text of a JSON string or number means.
 *
 * Texts are those that json_doc_parse() has accepted; others give nonsense, and no error.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "txn/json_span.h"

/* Reads what a string says, byte by byte, its escapes decoded to UTF-8. */
struct json_string_reader {
	const char *at;        /* what is read next, at the end the closing quote */
	unsigned char rest[3]; /* of a decoded character, last byte first */
	unsigned n_rest;
};

/* Of the string that begins with the quote at `string`; all here find its end by themselves. */
struct json_string_reader json_string_reader(const char *string);
/* The next byte, 0 to 255, or -1 at the end. */
int json_string_next(struct json_string_reader *reader);

/*
 * By the bytes of what two strings say, as memcmp(): less than, equal to or greater than 0. Looks no
 * further than where they differ: to be compared with many short ones costs a long one nothing.
 */
int json_string_compare(const char *a, const char *b);
/* The first eight bytes of what it says, as a number that sorts as they do; zeros fill it up. */
uint64_t json_string_prefix(const char *string);

/*
 * Whether two numbers are the same decimal number: 1, 1.0, 10e-1 and 1E+0 are, so are 0 and -0.
 * Exact, whatever their size; no floating point. Only where an exponent has more than 18 digits
 * must the texts be the same.
 */
bool json_number_equal(struct json_text a, struct json_text b);
