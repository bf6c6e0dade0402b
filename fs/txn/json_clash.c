/* SPDX-License-Identifier: MIT */
#include "txn/json_clash.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "txn/json_scalar.h"

void json_clashes_release(struct json_clashes *clashes)
{
	free(clashes->items);
	*clashes = (struct json_clashes){0};
}

void json_merge_report_release(struct json_merge_report *report)
{
	for (size_t i = 0; i < report->n_clashes; i++)
		free(report->clashes[i].pointer);
	free(report->clashes);
	*report = (struct json_merge_report){0};
}

int json_clashes_add(struct json_clashes *clashes, struct json_clash_at clash)
{
	if (clashes->count == clashes->capacity) {
		size_t capacity = clashes->capacity ? clashes->capacity * 2 : 8;
		void *items = reallocarray(clashes->items, capacity, sizeof(*clashes->items));

		if (!items)
			return -ENOMEM;
		clashes->items = items;
		clashes->capacity = capacity;
	}
	clashes->items[clashes->count++] = clash;
	return 0;
}

/* By where they are in ours; those that are not there keep the order of theirs. */
static int by_position(const void *a, const void *b)
{
	const struct json_clash_at *x = a, *y = b;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	if (x->theirs != y->theirs)
		return x->theirs < y->theirs ? -1 : 1;
	return 0;
}

/* A reference token: what the key says, with ~ and / escaped. */
static void add_token(struct buf *pointer, const char *key)
{
	struct json_string_reader reader = json_string_reader(key);
	int byte;

	buf_add_str(pointer, "/");
	while ((byte = json_string_next(&reader)) >= 0) {
		char c = (char)byte;

		if (c == '~' || c == '/')
			buf_add_str(pointer, c == '~' ? "~0" : "~1");
		else
			buf_add(pointer, &c, 1);
	}
}

static void add_pointer(struct buf *pointer, const struct json_doc *doc, uint32_t number)
{
	uint32_t at = 0;

	buf_add_str(pointer, "");
	while (at != number) {
		/* The member that is it, or has it in it. */
		for (at++; doc->spans[at].next <= number;)
			at = doc->spans[at].next;
		add_token(pointer, doc->text.at + doc->spans[at].key);
	}
}

int json_clashes_report(struct json_clashes *clashes, const struct json_doc *base,
			const struct json_doc *ours, const struct json_doc *theirs,
			struct json_merge_report *ret)
{
	size_t pointer_bytes = 0;

	ret->n_all = clashes->count;
	if (clashes->count)
		qsort(clashes->items, clashes->count, sizeof(*clashes->items), by_position);
	ret->clashes = calloc(JSON_MERGE_CLASHES_MAX, sizeof(*ret->clashes));
	if (!ret->clashes)
		return -ENOMEM;
	for (size_t i = 0; i < clashes->count && i < JSON_MERGE_CLASHES_MAX; i++) {
		const struct json_clash_at *at = &clashes->items[i];
		_cleanup_buf_ struct buf pointer = {0};

		if (at->ours != JSON_NONE)
			add_pointer(&pointer, ours, at->ours);
		else
			add_pointer(&pointer, theirs, at->theirs);
		if (buf_failed(&pointer))
			return -ENOMEM;
		pointer_bytes += pointer.len;
		if (pointer_bytes > JSON_MERGE_POINTERS_MAX)
			break;
		ret->clashes[ret->n_clashes] = (struct json_clash){
			.pointer_len = pointer.len,
			.base = json_doc_value(base, at->base),
			.ours = json_doc_value(ours, at->ours),
			.theirs = json_doc_value(theirs, at->theirs),
		};
		ret->clashes[ret->n_clashes++].pointer = TAKE_PTR(pointer.data);
	}
	return 0;
}
