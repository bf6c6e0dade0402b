/* SPDX-License-Identifier: MIT */
/*
 * Whether two JSON values say the same.
 *
 *	- White space and the order of the members of an object do not count.
 *	- Strings are compared with their escapes decoded, byte by byte (no Unicode normalisation).
 *	- Numbers are compared by json_number_equal(): 1 and 1.0 are equal.
 *	- Members of one name: the same number of them, equal in their order.
 */
#pragma once

#include <stdbool.h>

#include "txn/json_span.h"

/*
 * Compares value a of a_doc with value b of b_doc; JSON_NONE is equal to itself alone. Takes
 * O(n log n) and no stack. Returns 1, 0 or -ENOMEM.
 */
int json_span_equal(const struct json_doc *a_doc, uint32_t a, const struct json_doc *b_doc,
		    uint32_t b);

/* Whether two values have the same text: a quick look, that needs no memory. */
bool json_span_same_text(const struct json_doc *a_doc, uint32_t a, const struct json_doc *b_doc,
			 uint32_t b);
