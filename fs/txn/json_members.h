/* SPDX-License-Identifier: MIT */
/*
 * The members of an object, sorted by what their keys say.
 *
 * Sorted and not hashed: the keys are other people's, and no choice of them makes it slow.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "txn/json_span.h"

struct json_member {
	uint64_t prefix; /* of the key (json_string_prefix) */
	uint32_t number; /* of the value in the document */
};

/* Zero-initialised is empty and valid. */
struct json_members {
	const struct json_doc *doc; /* borrowed */
	struct json_member *items;
	size_t count;
	bool duplicates; /* two keys say the same */
};

#define _cleanup_json_members_ __attribute__((cleanup(json_members_release)))

void json_members_release(struct json_members *members);

/*
 * Lists the members of the object `number` of doc, which is borrowed; of JSON_NONE, none. Those of
 * one key keep the order of the text. Returns 0 or -ENOMEM.
 */
int json_members_list(const struct json_doc *doc, uint32_t number, struct json_members *ret);

/* Compares the keys of two members, of these lists. */
int json_members_compare(const struct json_members *a, size_t i, const struct json_members *b,
			 size_t j);
