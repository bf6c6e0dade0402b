/* SPDX-License-Identifier: MIT */
/*
 * How a JSON text is laid out, and values of another text written in that layout.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "txn/json_span.h"

struct json_style {
	bool lines;             /* some value begins a line */
	struct json_text unit;  /* one step of indentation; of use where `lines` */
	struct json_text line;  /* "\n" or "\r\n" */
	struct json_text colon; /* with the white space around it */
	struct json_text comma; /* with the white space after it, between values on one line */
};

/*
 * The style of a text, each part taken from the first place that shows it. A text without members
 * and elements has none: but for its line ends it gets that of `other` (NULL: none; then two
 * spaces, as json_render_pretty() has it). The parts are borrowed from the texts or constant.
 */
struct json_style json_style_of(const struct json_doc *doc, const struct json_doc *other);

/*
 * The white space before a value, or before its key, where nothing else is before it on its line;
 * the whole value (number 0) counts as indented by nothing. False where something else is.
 */
bool json_style_indent(const struct json_doc *doc, uint32_t number, struct json_text *ret_indent);

/* A text that is written up to a size. */
struct json_writer {
	struct buf *out;
	size_t limit_bytes;
	bool over; /* it was not enough: the text is incomplete, and nothing more is added */
};

void json_writer_put(struct json_writer *writer, struct json_text text);

struct json_place {
	bool lines;              /* containers may be laid out in lines, not only on this one */
	struct json_text indent; /* of the line; of use where `lines` */
};

/*
 * Writes value `number` of doc in that style; the text of scalars and keys stays as it is. Objects
 * and arrays that doc has on one line stay on one, unless doc has no lines at all. Takes no more
 * than the depth of the value in memory, and no stack. Returns 0 or -ENOMEM.
 */
int json_style_write(struct json_writer *writer, const struct json_style *style,
		     struct json_place place, const struct json_doc *doc, bool doc_lines,
		     uint32_t number);
