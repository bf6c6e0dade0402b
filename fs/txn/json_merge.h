/* SPDX-License-Identifier: MIT */
/*
 * The three-way merge of JSON objects by key (SPEC section 7): for merge files, commit and isolated
 * runs. It only computes: no files, no locks, no state.
 *
 * BASE is what both sides began with, OURS what the one who merges has made of it, THEIRS what has
 * become of it meanwhile. The rules, key by key, in nested objects too:
 *
 *	- What one side alone has added, removed or changed is taken. What both have made the same
 *	  (txn/json_equal.h says what is the same) is no clash.
 *	- A value that both have changed differently is a clash; so is one that one side has removed
 *	  and the other changed, an object in which anything was changed among them.
 *	- Values are merged inside where ours and theirs are objects, and base is one or has nothing
 *	  there: two new objects of one name are joined as if base had had an empty one.
 *	- Everything else is a single value: arrays, scalars, what changes its type, and an object
 *	  that has several members of one name on any of the three sides. Nothing of it is merged, so
 *	  none of these members is lost unseen.
 *
 * The new text is that of ours, but for what comes from theirs: order, indentation, line ends,
 * separators and the end of the file stay as they are, and numbers and strings keep their exact
 * text on both sides. A member that theirs has added follows the nearest member that precedes it in
 * theirs and is in the new text; it comes last where there is none. If ours and theirs mean the same,
 * or theirs is as base, the new text is ours byte by byte.
 *
 * Takes O(n log n) and no stack that grows with the texts. Memory: up to 40 bytes for each value of
 * each text, 32 more for each member of the object at hand; measured some 350 MiB at
 * the limits, 40 MiB for texts of 16 MiB with 100,000 members that are small objects.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "txn/json_span.h"

#define JSON_MERGE_SIZE_MAX (16u << 20)  /* bytes of each text, of the new one too */
#define JSON_MERGE_VALUES_MAX (4u << 20) /* values in each */
#define JSON_MERGE_DEPTH_MAX 512         /* the outermost object is 1 */
#define JSON_MERGE_CLASHES_MAX 32        /* that are listed */
#define JSON_MERGE_POINTERS_MAX 65536    /* bytes of their pointers together */

enum json_merge_outcome {
	JSON_MERGED,
	JSON_MERGE_CLASH,
	JSON_MERGE_NOT_JSON, /* a text is no JSON (txn/json_span.h), or no object */
	JSON_MERGE_TOO_BIG,  /* a text, or what would come out, is over a limit */
};

enum json_merge_side { JSON_BASE, JSON_OURS, JSON_THEIRS, JSON_RESULT };

struct json_clash {
	char *pointer; /* RFC 6901, "" for the whole text; NUL-terminated, and may have NUL in it */
	size_t pointer_len;
	/* Texts of the values, borrowed from those that were merged; `at` is NULL where it is absent. */
	struct json_text base, ours, theirs;
};

/* Why there is no new text. Zero-initialised is empty and valid. */
struct json_merge_report {
	/* JSON_MERGE_CLASH: in the order of ours; those that ours has not, where they would be put. */
	struct json_clash *clashes;
	size_t n_clashes; /* listed, at most JSON_MERGE_CLASHES_MAX */
	size_t n_all;     /* there are so many; more than n_clashes: the list is truncated */
	/* JSON_MERGE_NOT_JSON, JSON_MERGE_TOO_BIG: the first text that is refused, and where in it. */
	enum json_merge_side side;
	size_t offset;
};

#define _cleanup_json_merge_report_ __attribute__((cleanup(json_merge_report_release)))

void json_merge_report_release(struct json_merge_report *report);

/*
 * Merges. `limits` NULL: the ones above. ret_text and ret_report are empty when given; the first
 * holds the new text after JSON_MERGED, and nothing of use otherwise, the second is filled after the
 * other outcomes. The caller releases both. Returns enum json_merge_outcome, or negative errno:
 * -ENOMEM; -EBADMSG, where what has come out is no JSON, and this code has a defect.
 */
int json_merge(const struct json_text *base, const struct json_text *ours,
	       const struct json_text *theirs, const struct json_limits *limits,
	       struct buf *ret_text, struct json_merge_report *ret_report);
