/* SPDX-License-Identifier: MIT */
/*
 * The clashes of a merge, and what is reported of them.
 */
#pragma once

#include "txn/json_merge.h"

struct json_clash_at {
	uint32_t base, ours, theirs; /* values; JSON_NONE where there is none */
	uint32_t position;           /* an offset in ours, for their order */
};

/* Zero-initialised is empty and valid. */
struct json_clashes {
	struct json_clash_at *items;
	size_t count;
	size_t capacity;
};

void json_clashes_release(struct json_clashes *clashes);

/* Adds one; its number is clashes->count - 1 then. Returns 0 or -ENOMEM. */
int json_clashes_add(struct json_clashes *clashes, struct json_clash_at clash);

/* Sorts them and lists them in ret, which is empty when given. Returns 0 or -ENOMEM. */
int json_clashes_report(struct json_clashes *clashes, const struct json_doc *base,
			const struct json_doc *ours, const struct json_doc *theirs,
			struct json_merge_report *ret);
