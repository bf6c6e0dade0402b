/* SPDX-License-Identifier: MIT */
#include "txn/json_merge.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "txn/json_clash.h"
#include "txn/json_edits.h"
#include "txn/json_equal.h"
#include "txn/json_members.h"

#define N_SIDES 3 /* JSON_BASE, JSON_OURS, JSON_THEIRS */

/* Down to this depth objects are skipped whose texts are the same; below it would take too long. */
#define SAME_TEXT_DEPTH 16

/* A mark of theirs, of a value that ours has removed: the clash with the number in the other bits. */
#define MARK_CLASH 0x80000000u

/* The values of one key, or the whole ones. */
struct triple {
	uint32_t at[N_SIDES]; /* JSON_NONE where it is absent */
};

struct task {
	struct triple objects; /* base may be absent */
	uint32_t depth;
};

struct merge {
	struct json_doc docs[N_SIDES];
	struct task *tasks; /* objects that are still to be merged */
	size_t n_tasks;
	size_t capacity;
	struct json_edits edits;
	struct json_clashes clashes;
};

static void merge_release(struct merge *merge)
{
	for (size_t i = 0; i < N_SIDES; i++)
		json_doc_release(&merge->docs[i]);
	free(merge->tasks);
	json_edits_release(&merge->edits);
	json_clashes_release(&merge->clashes);
}

static int push(struct merge *merge, const struct triple *objects, uint32_t depth)
{
	if (merge->n_tasks == merge->capacity) {
		size_t capacity = merge->capacity ? merge->capacity * 2 : 16;
		void *tasks = reallocarray(merge->tasks, capacity, sizeof(*merge->tasks));

		if (!tasks)
			return -ENOMEM;
		merge->tasks = tasks;
		merge->capacity = capacity;
	}
	merge->tasks[merge->n_tasks++] = (struct task){*objects, depth};
	return 0;
}

static bool is_object(const struct merge *merge, const struct triple *triple, size_t side)
{
	return triple->at[side] != JSON_NONE &&
	       json_doc_type(&merge->docs[side], triple->at[side]) == '{';
}

static int equal(const struct merge *merge, const struct triple *triple, size_t a, size_t b)
{
	return json_span_equal(&merge->docs[a], triple->at[a], &merge->docs[b], triple->at[b]);
}

static int add_clash(struct merge *merge, const struct triple *triple)
{
	uint32_t ours = triple->at[JSON_OURS], theirs = triple->at[JSON_THEIRS], position = 0;

	if (ours != JSON_NONE)
		position = merge->docs[JSON_OURS].spans[ours].begin;
	else
		merge->docs[JSON_THEIRS].spans[theirs].mark = MARK_CLASH |
							      (uint32_t)merge->clashes.count;
	return json_clashes_add(&merge->clashes,
				(struct json_clash_at){.base = triple->at[JSON_BASE],
						       .ours = ours,
						       .theirs = theirs,
						       .position = position});
}

/* Decides about a single value. Returns 0 or -ENOMEM. */
static int merge_single(struct merge *merge, const struct triple *triple)
{
	uint32_t ours = triple->at[JSON_OURS], theirs = triple->at[JSON_THEIRS];
	int r = equal(merge, triple, JSON_OURS, JSON_THEIRS);

	if (r == 0)
		r = equal(merge, triple, JSON_BASE, JSON_THEIRS);
	if (r)
		return r < 0 ? r : 0;
	r = equal(merge, triple, JSON_BASE, JSON_OURS);
	if (r < 0)
		return r;
	if (r == 0)
		return add_clash(merge, triple);
	if (ours == JSON_NONE)
		merge->docs[JSON_THEIRS].spans[theirs].mark = JSON_MARK_INSERTED;
	else if (theirs == JSON_NONE)
		merge->docs[JSON_OURS].spans[ours].mark = JSON_MARK_REMOVED;
	else
		return json_edits_replace(&merge->edits, &merge->docs[JSON_OURS], ours, theirs);
	return 0;
}

static int merge_key(struct merge *merge, const struct triple *triple, uint32_t depth)
{
	if (triple->at[JSON_OURS] != JSON_NONE && triple->at[JSON_THEIRS] != JSON_NONE)
		merge->docs[JSON_THEIRS].spans[triple->at[JSON_THEIRS]].mark =
			triple->at[JSON_OURS];
	if (is_object(merge, triple, JSON_OURS) && is_object(merge, triple, JSON_THEIRS) &&
	    (triple->at[JSON_BASE] == JSON_NONE || is_object(merge, triple, JSON_BASE)))
		return push(merge, triple, depth);
	return merge_single(merge, triple);
}

/* The values of the next key, in the order of keys; false where there is none left. */
static bool next_key(const struct json_members lists[N_SIDES], size_t done[N_SIDES],
		     struct triple *ret)
{
	size_t first = N_SIDES;
	bool is_first[N_SIDES] = {false};

	for (size_t i = 0; i < N_SIDES; i++) {
		int order = -1;

		if (done[i] == lists[i].count)
			continue;
		if (first < N_SIDES)
			order = json_members_compare(&lists[i], done[i], &lists[first],
						     done[first]);
		if (order > 0)
			continue;
		if (order < 0) {
			first = i;
			for (size_t j = 0; j < i; j++)
				is_first[j] = false;
		}
		is_first[i] = true;
	}
	for (size_t i = 0; i < N_SIDES; i++)
		ret->at[i] = is_first[i] ? lists[i].items[done[i]++].number : JSON_NONE;
	return first < N_SIDES;
}

/* Where those clashes belong that ours has removed. */
static void place_clashes(struct merge *merge, const struct triple *objects)
{
	const struct json_doc *theirs = &merge->docs[JSON_THEIRS];
	const struct json_span *ours = merge->docs[JSON_OURS].spans;
	uint32_t object = objects->at[JSON_THEIRS];
	uint32_t position = ours[objects->at[JSON_OURS]].end - 1;

	for (uint32_t i = object + 1; i < theirs->spans[object].next; i = theirs->spans[i].next) {
		uint32_t mark = theirs->spans[i].mark;

		if (mark == JSON_MARK_ABSENT || mark == JSON_MARK_INSERTED)
			continue;
		if (mark & MARK_CLASH)
			merge->clashes.items[mark & ~MARK_CLASH].position = position;
		else
			position = ours[mark].end;
	}
}

static int merge_members(struct merge *merge, const struct task *task,
			 const struct json_members lists[N_SIDES])
{
	const struct triple *objects = &task->objects;
	size_t done[N_SIDES] = {0}, n_clashes = merge->clashes.count;
	bool members_change = false;
	struct triple triple;

	while (next_key(lists, done, &triple)) {
		int r = merge_key(merge, &triple, task->depth + 1);

		if (r < 0)
			return r;
		members_change |= triple.at[JSON_OURS] == JSON_NONE ||
				  triple.at[JSON_THEIRS] == JSON_NONE;
	}
	/* From the first clash on there will be no new text. */
	if (merge->clashes.count > n_clashes)
		place_clashes(merge, objects);
	if (!members_change || merge->clashes.count)
		return 0;
	return json_edits_members(&merge->edits, &merge->docs[JSON_OURS], objects->at[JSON_OURS],
				  &merge->docs[JSON_THEIRS], objects->at[JSON_THEIRS]);
}

static bool same_text(const struct merge *merge, const struct triple *triple, size_t a, size_t b)
{
	return json_span_same_text(&merge->docs[a], triple->at[a], &merge->docs[b], triple->at[b]);
}

static int merge_objects(struct merge *merge, const struct task *task)
{
	struct json_members lists[N_SIDES] = {0};
	bool duplicates = false;
	int r = 0;

	if (task->depth <= SAME_TEXT_DEPTH &&
	    (same_text(merge, &task->objects, JSON_OURS, JSON_THEIRS) ||
	     same_text(merge, &task->objects, JSON_BASE, JSON_THEIRS)))
		return 0;
	for (size_t i = 0; i < N_SIDES && !r; i++) {
		r = json_members_list(&merge->docs[i], task->objects.at[i], &lists[i]);
		duplicates |= lists[i].duplicates;
	}
	if (!r)
		r = duplicates ? merge_single(merge, &task->objects)
			       : merge_members(merge, task, lists);
	for (size_t i = 0; i < N_SIDES; i++)
		json_members_release(&lists[i]);
	return r;
}

/* Returns 0, enum json_merge_outcome with the refusal in ret, or -ENOMEM. */
static int parse(struct json_text text, const struct json_limits *limits, enum json_merge_side side,
		 struct json_doc *ret_doc, struct json_merge_report *ret)
{
	size_t offset = 0;
	int r = json_doc_parse(text, limits, ret_doc, &offset);

	if (r < 0)
		return r;
	if (r == JSON_PARSED && json_doc_type(ret_doc, 0) == '{')
		return 0;
	ret->side = side;
	ret->offset = offset;
	return r == JSON_OVER_LIMIT ? JSON_MERGE_TOO_BIG : JSON_MERGE_NOT_JSON;
}

static int merge_docs(struct merge *merge, const struct json_limits *limits, struct buf *ret_text,
		      struct json_merge_report *ret)
{
	struct json_doc *docs = merge->docs;
	int r = push(merge, &(struct triple){{0, 0, 0}}, 1);

	while (!r && merge->n_tasks) {
		struct task task = merge->tasks[--merge->n_tasks];

		r = merge_objects(merge, &task);
	}
	if (r)
		return r;
	if (merge->clashes.count) {
		r = json_clashes_report(&merge->clashes, &docs[JSON_BASE], &docs[JSON_OURS],
					&docs[JSON_THEIRS], ret);
		return r < 0 ? r : JSON_MERGE_CLASH;
	}
	r = json_edits_apply(&merge->edits, &docs[JSON_OURS], &docs[JSON_THEIRS],
			     limits->size_bytes, ret_text);
	if (r != JSON_EDITS_OVER_LIMIT)
		return r;
	ret->side = JSON_RESULT;
	ret->offset = ret_text->len;
	return JSON_MERGE_TOO_BIG;
}

int json_merge(const struct json_text *base, const struct json_text *ours,
	       const struct json_text *theirs, const struct json_limits *limits,
	       struct buf *ret_text, struct json_merge_report *ret_report)
{
	static const struct json_limits usual = {JSON_MERGE_SIZE_MAX, JSON_MERGE_VALUES_MAX,
						 JSON_MERGE_DEPTH_MAX};
	const struct json_text *texts[N_SIDES] = {base, ours, theirs};
	_cleanup_json_doc_ struct json_doc result = {0};
	struct merge merge = {0};
	int r = 0;

	if (!limits)
		limits = &usual;
	for (size_t i = 0; i < N_SIDES && !r; i++)
		r = parse(*texts[i], limits, (enum json_merge_side)i, &merge.docs[i], ret_report);
	if (!r)
		r = merge_docs(&merge, limits, ret_text, ret_report);
	merge_release(&merge);
	if (r)
		return r;
	/* A defect in here must never replace somebody's file by what cannot be read. */
	r = parse((struct json_text){ret_text->data, ret_text->len}, limits, JSON_RESULT, &result,
		  ret_report);
	return r == JSON_MERGE_NOT_JSON ? -EBADMSG : r;
}
