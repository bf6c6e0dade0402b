/* SPDX-License-Identifier: MIT */
/*
 * A JSON text with values replaced, members removed and members inserted, the rest left as it is.
 *
 * The changes are collected in any order: those of values one by one, those of an object's list of
 * members at once, from marks. Then the new text is written.
 */
#pragma once

#include "base/buf.h"
#include "txn/json_span.h"

/* Marks of members of ours. */
#define JSON_MARK_REMOVED 1u /* it goes */
/* Marks of members of theirs; any other is the number of the member of ours that is there for it. */
#define JSON_MARK_ABSENT 0u          /* ours has none, and gets none */
#define JSON_MARK_INSERTED JSON_NONE /* ours has none, and gets it */

/* Zero-initialised is empty and valid. */
struct json_edits {
	struct json_edit *items;
	size_t count;
	size_t capacity;
};

void json_edits_release(struct json_edits *edits);

/* Value `number` of ours becomes value `their_number` of theirs. Returns 0 or -ENOMEM. */
int json_edits_replace(struct json_edits *edits, const struct json_doc *ours, uint32_t number,
		       uint32_t their_number);

/*
 * What the marks say becomes of the members of object `number` of ours, compared with object
 * `their_number` of theirs. An inserted member goes after the nearest one that precedes it in
 * theirs and is in the new text; to the end where there is none. Returns 0 or -ENOMEM.
 */
int json_edits_members(struct json_edits *edits, const struct json_doc *ours, uint32_t number,
		       const struct json_doc *theirs, uint32_t their_number);

enum json_edits_outcome {
	JSON_EDITS_DONE,
	JSON_EDITS_OVER_LIMIT,
};

/*
 * Appends the new text to ret, of at most limit_bytes. What comes from theirs is laid out as its
 * neighbours in ours are. Sorts the edits. Returns enum json_edits_outcome, with ret incomplete
 * in the second case, or -ENOMEM.
 */
int json_edits_apply(struct json_edits *edits, const struct json_doc *ours,
		     const struct json_doc *theirs, size_t limit_bytes, struct buf *ret);
