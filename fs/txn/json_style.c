/* SPDX-License-Identifier: MIT */
#include "txn/json_style.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define TEXT(literal) ((struct json_text){literal, sizeof(literal) - 1})

static uint32_t begin_of(const struct json_span *span)
{
	return span->key != JSON_NONE ? span->key : span->begin;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* What is longer is no indentation; else looking at it again and again could take very long. */
#define SPACE_MAX 256

/* The white space before an offset, its end where it is longer than that. */
static struct json_text space_before(const struct json_doc *doc, uint32_t end)
{
	uint32_t begin = end;

	while (begin && end - begin < SPACE_MAX && is_space(doc->text.at[begin - 1]))
		begin--;
	return (struct json_text){doc->text.at + begin, end - begin};
}

bool json_style_indent(const struct json_doc *doc, uint32_t number, struct json_text *ret_indent)
{
	struct json_text space;
	const char *newline;

	if (number == 0) {
		*ret_indent = TEXT("");
		return true;
	}
	space = space_before(doc, begin_of(&doc->spans[number]));
	newline = memrchr(space.at, '\n', space.len);
	if (!newline)
		return false;
	ret_indent->at = newline + 1;
	ret_indent->len = (size_t)(space.at + space.len - ret_indent->at);
	return true;
}

/* The line end that stands first in a text; none where there is none. */
static struct json_text first_line_end(struct json_text text)
{
	const char *newline = memchr(text.at, '\n', text.len);

	if (!newline)
		return (struct json_text){0};
	return newline > text.at && newline[-1] == '\r' ? TEXT("\r\n") : TEXT("\n");
}

/* What is between a member's key and its value. */
static struct json_text colon_of(const struct json_doc *doc, uint32_t number)
{
	struct json_text key = json_doc_key(doc, number);
	const char *value = doc->text.at + doc->spans[number].begin;
	struct json_text colon = {key.at + key.len, (size_t)(value - (key.at + key.len))};

	return memchr(colon.at, '\n', colon.len) ? TEXT(": ") : colon;
}

/* Learns from the value `number` what is not known yet. */
static void learn(struct json_style *style, const struct json_doc *doc, uint32_t number)
{
	const struct json_span *span = &doc->spans[number];
	struct json_text space, indent;

	if (!style->colon.at && span->key != JSON_NONE)
		style->colon = colon_of(doc, number);
	if (json_style_indent(doc, number, &indent)) {
		if (!style->lines)
			style->unit = indent;
		style->lines = true;
	} else if (!style->comma.at) {
		space = space_before(doc, begin_of(span));
		if (space.at[-1] == ',')
			style->comma = (struct json_text){space.at - 1, space.len + 1};
	}
}

struct json_style json_style_of(const struct json_doc *doc, const struct json_doc *other)
{
	struct json_style style = {.unit = TEXT("  "), .line = first_line_end(doc->text)};

	if (doc->count == 1 && other) {
		struct json_text line = style.line;

		style = json_style_of(other, NULL);
		if (line.at)
			style.line = line;
		return style;
	}
	for (uint32_t i = 1; i < doc->count; i++)
		learn(&style, doc, i);
	if (!style.line.at)
		style.line = TEXT("\n");
	if (!style.colon.at)
		style.colon = TEXT(": ");
	if (!style.comma.at)
		style.comma = is_space(style.colon.at[style.colon.len - 1]) ? TEXT(", ")
									    : TEXT(",");
	return style;
}

void json_writer_put(struct json_writer *writer, struct json_text text)
{
	if (writer->over || text.len > writer->limit_bytes - writer->out->len)
		writer->over = true;
	else
		buf_add(writer->out, text.at, text.len);
}

/* A value that is being written. */
struct writing {
	struct json_writer *writer;
	const struct json_style *style;
	struct json_place place;
	const struct json_doc *doc;
	bool doc_lines;
	struct container {
		uint32_t number;
		bool lines;
	} * open;
	size_t depth;
	size_t capacity;
};

static void new_line(struct writing *writing, size_t depth)
{
	json_writer_put(writing->writer, writing->style->line);
	json_writer_put(writing->writer, writing->place.indent);
	while (depth-- && !writing->writer->over)
		json_writer_put(writing->writer, writing->style->unit);
}

static int open_container(struct writing *writing, uint32_t number)
{
	const struct json_doc *doc = writing->doc;
	bool lines = writing->depth ? writing->open[writing->depth - 1].lines
				    : writing->place.lines;
	struct json_text indent;

	if (writing->depth == writing->capacity) {
		size_t capacity = writing->capacity ? writing->capacity * 2 : 16;
		void *open = reallocarray(writing->open, capacity, sizeof(*writing->open));

		if (!open)
			return -ENOMEM;
		writing->open = open;
		writing->capacity = capacity;
	}
	lines = lines && (!writing->doc_lines || json_style_indent(doc, number + 1, &indent));
	writing->open[writing->depth++] = (struct container){number, lines};
	json_writer_put(writing->writer,
			(struct json_text){doc->text.at + doc->spans[number].begin, 1});
	return 0;
}

static void close_container(struct writing *writing)
{
	const struct container *container = &writing->open[--writing->depth];
	const struct json_doc *doc = writing->doc;

	if (container->lines)
		new_line(writing, writing->depth);
	json_writer_put(writing->writer,
			(struct json_text){doc->text.at + doc->spans[container->number].end - 1,
					   1});
}

/* What comes between a value that is in a container and what was written before it. */
static void separate(struct writing *writing, uint32_t number)
{
	const struct container *container = &writing->open[writing->depth - 1];
	bool first = number == container->number + 1;

	if (container->lines) {
		if (!first)
			json_writer_put(writing->writer, TEXT(","));
		new_line(writing, writing->depth);
	} else if (!first) {
		json_writer_put(writing->writer, writing->style->comma);
	}
	if (writing->doc->spans[number].key != JSON_NONE) {
		json_writer_put(writing->writer, json_doc_key(writing->doc, number));
		json_writer_put(writing->writer, writing->style->colon);
	}
}

static int write_value(struct writing *writing, uint32_t number)
{
	const struct json_doc *doc = writing->doc;
	char type = json_doc_type(doc, number);

	if (type != '{' && type != '[')
		json_writer_put(writing->writer, json_doc_value(doc, number));
	else if (doc->spans[number].next == number + 1)
		json_writer_put(writing->writer, type == '{' ? TEXT("{}") : TEXT("[]"));
	else
		return open_container(writing, number);
	return 0;
}

int json_style_write(struct json_writer *writer, const struct json_style *style,
		     struct json_place place, const struct json_doc *doc, bool doc_lines,
		     uint32_t number)
{
	struct writing writing = {.writer = writer,
				  .style = style,
				  .place = place,
				  .doc = doc,
				  .doc_lines = doc_lines};
	uint32_t end = doc->spans[number].next;
	int r = 0;

	for (uint32_t i = number; i < end && !r && !writer->over; i++) {
		if (writing.depth)
			separate(&writing, i);
		r = write_value(&writing, i);
		while (!r && writing.depth &&
		       doc->spans[writing.open[writing.depth - 1].number].next == i + 1)
			close_container(&writing);
	}
	free(writing.open);
	return r;
}
