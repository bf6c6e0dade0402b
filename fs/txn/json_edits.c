/* SPDX-License-Identifier: MIT */
#include "txn/json_edits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "txn/json_style.h"

/* At one offset they come in this order. */
enum kind {
	INSERT_AFTER, /* after the member that precedes it in theirs */
	INSERT_LAST,  /* without such a one */
	REMOVE,
	REPLACE,
};

struct json_edit {
	uint32_t begin; /* of what goes, in ours */
	uint32_t end;
	uint32_t number; /* the value of ours that is replaced; the object that is inserted to */
	uint32_t their_number;
	uint32_t sequence; /* order of creation */
	uint8_t kind;      /* enum kind */
	bool comma;        /* of an insertion: one is before it */
	bool lead;         /* of an insertion: the white space before it is not there yet */
	bool close;        /* of an insertion: nor is that after it, which is before the brace */
};

void json_edits_release(struct json_edits *edits)
{
	free(edits->items);
	*edits = (struct json_edits){0};
}

static int add(struct json_edits *edits, struct json_edit edit)
{
	if (edits->count == edits->capacity) {
		size_t capacity = edits->capacity ? edits->capacity * 2 : 16;
		void *items = reallocarray(edits->items, capacity, sizeof(*edits->items));

		if (!items)
			return -ENOMEM;
		edits->items = items;
		edits->capacity = capacity;
	}
	edit.sequence = (uint32_t)edits->count;
	edits->items[edits->count++] = edit;
	return 0;
}

static int add_removal(struct json_edits *edits, uint32_t begin, uint32_t end)
{
	return add(edits, (struct json_edit){.kind = REMOVE, .begin = begin, .end = end});
}

int json_edits_replace(struct json_edits *edits, const struct json_doc *ours, uint32_t number,
		       uint32_t their_number)
{
	const struct json_span *span = &ours->spans[number];

	return add(edits, (struct json_edit){.kind = REPLACE,
					     .begin = span->begin,
					     .end = span->end,
					     .number = number,
					     .their_number = their_number});
}

/*
 * Removes the marked members: each from the end of the one before it, so that the separators of
 * those that stay are theirs; those before the first that stays up to that one's key. Where none
 * stays (ret_last is JSON_NONE then), that is left to the caller.
 */
static int remove_marked(struct json_edits *edits, const struct json_doc *ours, uint32_t number,
			 uint32_t *ret_last)
{
	const struct json_span *spans = ours->spans;
	uint32_t first = number + 1, before = JSON_NONE, last = JSON_NONE;
	int r = 0;

	for (uint32_t i = first; i < spans[number].next && !r; before = i, i = spans[i].next) {
		if (spans[i].mark == JSON_MARK_REMOVED) {
			if (last != JSON_NONE)
				r = add_removal(edits, spans[before].end, spans[i].end);
			continue;
		}
		if (last == JSON_NONE && i != first)
			r = add_removal(edits, spans[first].key, spans[i].key);
		last = i;
	}
	*ret_last = last;
	return r;
}

/* The number of a member's last sibling. */
static uint32_t last_member(const struct json_doc *doc, uint32_t number)
{
	uint32_t last = number + 1;

	while (doc->spans[last].next < doc->spans[number].next)
		last = doc->spans[last].next;
	return last;
}

static int insert_marked(struct json_edits *edits, const struct json_doc *ours, uint32_t number,
			 const struct json_doc *theirs, uint32_t their_number, uint32_t last)
{
	const struct json_span *object = &ours->spans[number];
	bool empty = object->next == number + 1;
	struct json_edit edit = {.kind = INSERT_LAST,
				 .number = number,
				 .comma = last != JSON_NONE,
				 .lead = last != JSON_NONE || empty};
	int r = 0;

	if (last != JSON_NONE)
		edit.begin = ours->spans[last].end;
	else
		edit.begin = empty ? object->begin + 1 : ours->spans[number + 1].key;
	for (uint32_t i = their_number + 1; i < theirs->spans[their_number].next && !r;
	     i = theirs->spans[i].next) {
		uint32_t mark = theirs->spans[i].mark;

		if (mark == JSON_MARK_ABSENT)
			continue;
		if (mark != JSON_MARK_INSERTED) {
			edit.kind = INSERT_AFTER;
			edit.begin = ours->spans[mark].end;
			continue;
		}
		edit.end = edit.begin;
		edit.their_number = i;
		r = add(edits, edit);
		edit.comma = edit.lead = true;
	}
	if (!r && empty)
		edits->items[edits->count - 1].close = true;
	return r;
}

static bool has_inserted(const struct json_doc *theirs, uint32_t their_number)
{
	for (uint32_t i = their_number + 1; i < theirs->spans[their_number].next;
	     i = theirs->spans[i].next)
		if (theirs->spans[i].mark == JSON_MARK_INSERTED)
			return true;
	return false;
}

int json_edits_members(struct json_edits *edits, const struct json_doc *ours, uint32_t number,
		       const struct json_doc *theirs, uint32_t their_number)
{
	const struct json_span *spans = ours->spans, *object = &spans[number];
	bool empty = object->next == number + 1;
	bool inserted = has_inserted(theirs, their_number);
	uint32_t last;
	int r = remove_marked(edits, ours, number, &last);

	/* Nothing stays: neither does the white space, unless what is inserted has use for it. */
	if (!r && last == JSON_NONE)
		r = inserted && !empty ? add_removal(edits, spans[number + 1].key,
						     spans[last_member(ours, number)].end)
				       : add_removal(edits, object->begin + 1, object->end - 1);
	if (!r && inserted)
		r = insert_marked(edits, ours, number, theirs, their_number, last);
	return r;
}

/* The new text in the making. */
struct splice {
	struct json_writer writer;
	const struct json_doc *ours, *theirs;
	struct json_style style; /* of ours */
	bool their_lines;
};

static int write_replacement(struct splice *splice, const struct json_edit *edit)
{
	struct json_place place = {.indent = {0}};

	place.lines = json_style_indent(splice->ours, edit->number, &place.indent) &&
		      splice->style.lines;
	return json_style_write(&splice->writer, &splice->style, place, splice->theirs,
				splice->their_lines, edit->their_number);
}

/* The white space after an object's comma, and where values stand that follow it. */
static struct json_place member_place(const struct splice *splice, uint32_t object)
{
	const struct json_doc *ours = splice->ours;
	const struct json_span *spans = ours->spans;
	uint32_t first = object + 1, second;
	struct json_place place = {.indent = {0}};

	if (first == spans[object].next) {
		place.lines = json_style_indent(ours, object, &place.indent) && splice->style.lines;
		return place;
	}
	second = spans[first].next;
	place.lines = json_style_indent(ours, second < spans[object].next ? second : first,
					&place.indent);
	return place;
}

static int write_insertion(struct splice *splice, const struct json_edit *edit)
{
	static const struct json_text comma = {",", 1};
	const struct json_span *object = &splice->ours->spans[edit->number];
	bool empty = object->next == edit->number + 1;
	struct json_place place = member_place(splice, edit->number), inner = place;
	_cleanup_buf_ struct buf indent = {0};
	struct json_writer *writer = &splice->writer;
	int r;

	if (empty && place.lines) {
		buf_add(&indent, place.indent.at, place.indent.len);
		buf_add(&indent, splice->style.unit.at, splice->style.unit.len);
		if (buf_failed(&indent))
			return -ENOMEM;
		inner.indent = (struct json_text){indent.data, indent.len};
	}
	if (edit->comma)
		json_writer_put(writer, place.lines ? comma : splice->style.comma);
	if (edit->lead && place.lines) {
		json_writer_put(writer, splice->style.line);
		json_writer_put(writer, inner.indent);
	}
	json_writer_put(writer, json_doc_key(splice->theirs, edit->their_number));
	json_writer_put(writer, splice->style.colon);
	r = json_style_write(writer, &splice->style, inner, splice->theirs, splice->their_lines,
			     edit->their_number);
	if (edit->close && place.lines) {
		json_writer_put(writer, splice->style.line);
		json_writer_put(writer, place.indent);
	}
	return r;
}

static int by_offset(const void *a, const void *b)
{
	const struct json_edit *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->sequence < y->sequence ? -1 : 1;
}

int json_edits_apply(struct json_edits *edits, const struct json_doc *ours,
		     const struct json_doc *theirs, size_t limit_bytes, struct buf *ret)
{
	struct splice splice = {.writer = {.out = ret, .limit_bytes = limit_bytes},
				.ours = ours,
				.theirs = theirs,
				.style = json_style_of(ours, theirs),
				.their_lines = json_style_of(theirs, NULL).lines};
	uint32_t done = 0;
	int r = 0;

	if (edits->count)
		qsort(edits->items, edits->count, sizeof(*edits->items), by_offset);
	for (size_t i = 0; i < edits->count && !r && !splice.writer.over; i++) {
		const struct json_edit *edit = &edits->items[i];

		json_writer_put(&splice.writer,
				(struct json_text){ours->text.at + done, edit->begin - done});
		if (edit->kind == REPLACE)
			r = write_replacement(&splice, edit);
		else if (edit->kind != REMOVE)
			r = write_insertion(&splice, edit);
		done = edit->end;
	}
	json_writer_put(&splice.writer,
			(struct json_text){ours->text.at + done, ours->text.len - done});
	if (r || buf_failed(ret))
		return -ENOMEM;
	return splice.writer.over ? JSON_EDITS_OVER_LIMIT : JSON_EDITS_DONE;
}
