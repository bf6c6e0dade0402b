/* SPDX-License-Identifier: MIT */
#include "txn/json_span.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

/* What may come next. */
enum expect {
	EXPECT_FIRST, /* the first member or element, or the end of the container */
	EXPECT_ITEM,  /* a member or element, or the whole value */
	EXPECT_NEXT,  /* what follows a value */
};

struct parser {
	const unsigned char *at; /* what is read next */
	const unsigned char *end;
	struct json_doc *doc;
	const struct json_limits *limits;
	uint32_t open; /* the innermost container; while it is open, its `next` is the one around it */
	uint32_t depth;
};

void json_doc_release(struct json_doc *doc)
{
	free(doc->spans);
	*doc = (struct json_doc){0};
}

static uint32_t offset(const struct parser *parser)
{
	return (uint32_t)(parser->at - (const unsigned char *)parser->doc->text.at);
}

/* The next byte; NUL, which nothing accepts, at the end. */
static unsigned char peek(const struct parser *parser)
{
	return parser->at < parser->end ? *parser->at : '\0';
}

static bool accept(struct parser *parser, char c)
{
	if (peek(parser) != (unsigned char)c)
		return false;
	parser->at++;
	return true;
}

static void skip_space(struct parser *parser)
{
	while (parser->at < parser->end && (*parser->at == ' ' || *parser->at == '\n' ||
					    *parser->at == '\r' || *parser->at == '\t'))
		parser->at++;
}

static bool skip_digits(struct parser *parser)
{
	const unsigned char *begin = parser->at;

	while (peek(parser) >= '0' && peek(parser) <= '9')
		parser->at++;
	return parser->at > begin;
}

static bool skip_number(struct parser *parser)
{
	accept(parser, '-');
	if (!accept(parser, '0') && !skip_digits(parser))
		return false;
	if (accept(parser, '.') && !skip_digits(parser))
		return false;
	if (accept(parser, 'e') || accept(parser, 'E')) {
		if (!accept(parser, '+'))
			accept(parser, '-');
		return skip_digits(parser);
	}
	return true;
}

static bool skip_word(struct parser *parser, const char *word)
{
	for (; *word; word++)
		if (!accept(parser, *word))
			return false;
	return true;
}

/* The four digits of \uXXXX; -1 where they are none. */
static int hex4(struct parser *parser)
{
	int value = 0;

	for (int i = 0; i < 4; i++, parser->at++) {
		unsigned char c = peek(parser);

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			value = value << 4 | ((c | 32) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* After a backslash. */
static bool skip_escape(struct parser *parser)
{
	unsigned char c = peek(parser);
	int code;

	if (c == '\0' || !strchr("\"\\/bfnrtu", c))
		return false;
	parser->at++;
	if (c != 'u')
		return true;
	code = hex4(parser);
	if (code < 0 || (code >= 0xdc00 && code < 0xe000))
		return false;
	if (code < 0xd800 || code >= 0xe000)
		return true;
	code = skip_word(parser, "\\u") ? hex4(parser) : -1;
	return code >= 0xdc00 && code < 0xe000;
}

/* Most of most texts. */
static void skip_plain(struct parser *parser)
{
	const unsigned char *at = parser->at;

	while (at < parser->end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
		at++;
	parser->at = at;
}

static bool skip_string(struct parser *parser)
{
	if (!accept(parser, '"'))
		return false;
	for (skip_plain(parser); !accept(parser, '"'); skip_plain(parser)) {
		size_t len;

		if (peek(parser) < 0x20)
			return false;
		if (accept(parser, '\\')) {
			if (!skip_escape(parser))
				return false;
			continue;
		}
		len = json_utf8_sequence(parser->at, (size_t)(parser->end - parser->at));
		if (!len)
			return false;
		parser->at += len;
	}
	return true;
}

static bool skip_scalar(struct parser *parser)
{
	switch (peek(parser)) {
	case '"':
		return skip_string(parser);
	case 't':
		return skip_word(parser, "true");
	case 'f':
		return skip_word(parser, "false");
	case 'n':
		return skip_word(parser, "null");
	default:
		return skip_number(parser);
	}
}

static int add(struct parser *parser, uint32_t key, uint32_t *ret_number)
{
	struct json_doc *doc = parser->doc;

	if (doc->count >= parser->limits->values)
		return JSON_OVER_LIMIT;
	if (doc->count == doc->capacity) {
		uint32_t capacity = doc->capacity ? doc->capacity * 2 : 64;
		struct json_span *spans = reallocarray(doc->spans, capacity, sizeof(*spans));

		if (!spans)
			return -ENOMEM;
		doc->spans = spans;
		doc->capacity = capacity;
	}
	*ret_number = doc->count++;
	doc->spans[*ret_number] =
		(struct json_span){.key = key, .begin = offset(parser), .next = doc->count};
	return 0;
}

static int open_container(struct parser *parser, uint32_t number)
{
	if (parser->depth >= parser->limits->depth)
		return JSON_OVER_LIMIT;
	parser->depth++;
	parser->doc->spans[number].next = parser->open;
	parser->open = number;
	parser->at++;
	return 0;
}

static void close_container(struct parser *parser)
{
	struct json_span *span = &parser->doc->spans[parser->open];

	parser->at++;
	parser->depth--;
	parser->open = span->next;
	span->end = offset(parser);
	span->next = parser->doc->count;
}

static bool in_object(const struct parser *parser)
{
	return parser->open != JSON_NONE && json_doc_type(parser->doc, parser->open) == '{';
}

/* A member with its key, an element, or the whole value; of a container only its beginning. */
static int item(struct parser *parser, enum expect *ret_expect)
{
	uint32_t key = JSON_NONE, number;
	int r;

	if (in_object(parser)) {
		key = offset(parser);
		if (!skip_string(parser))
			return JSON_MALFORMED;
		skip_space(parser);
		if (!accept(parser, ':'))
			return JSON_MALFORMED;
		skip_space(parser);
	}
	r = add(parser, key, &number);
	if (r)
		return r;
	if (peek(parser) == '{' || peek(parser) == '[') {
		*ret_expect = EXPECT_FIRST;
		return open_container(parser, number);
	}
	*ret_expect = EXPECT_NEXT;
	if (!skip_scalar(parser))
		return JSON_MALFORMED;
	parser->doc->spans[number].end = offset(parser);
	return 0;
}

static int parse(struct parser *parser)
{
	enum expect expect = EXPECT_ITEM;
	int r = 0;

	do {
		skip_space(parser);
		if (expect != EXPECT_ITEM && parser->open == JSON_NONE)
			return parser->at == parser->end ? JSON_PARSED : JSON_MALFORMED;
		if (expect != EXPECT_ITEM && peek(parser) == (in_object(parser) ? '}' : ']')) {
			close_container(parser);
			expect = EXPECT_NEXT;
		} else if (expect == EXPECT_NEXT) {
			if (!accept(parser, ','))
				return JSON_MALFORMED;
			expect = EXPECT_ITEM;
		} else {
			r = item(parser, &expect);
		}
	} while (!r);
	return r;
}

int json_doc_parse(struct json_text text, const struct json_limits *limits,
		   struct json_doc *ret_doc, size_t *ret_at)
{
	_cleanup_json_doc_ struct json_doc doc = {.text = text};
	struct parser parser = {
		.at = (const unsigned char *)text.at,
		.end = (const unsigned char *)text.at + text.len,
		.doc = &doc,
		.limits = limits,
		.open = JSON_NONE,
	};
	int r;

	if (text.len > limits->size_bytes || text.len > JSON_SIZE_MAX) {
		*ret_at = 0;
		return JSON_OVER_LIMIT;
	}
	r = text.len ? parse(&parser) : JSON_MALFORMED;
	if (r > 0)
		*ret_at = text.len ? offset(&parser) : 0;
	if (r)
		return r;
	*ret_doc = doc;
	doc = (struct json_doc){0};
	return 0;
}

struct json_text json_doc_value(const struct json_doc *doc, uint32_t number)
{
	const struct json_span *span;

	if (number == JSON_NONE)
		return (struct json_text){0};
	span = &doc->spans[number];
	return (struct json_text){doc->text.at + span->begin, span->end - span->begin};
}

struct json_text json_doc_key(const struct json_doc *doc, uint32_t number)
{
	const char *key = doc->text.at + doc->spans[number].key;
	const char *end = key + 1;

	while (*end != '"')
		end += *end == '\\' ? 2 : 1;
	return (struct json_text){key, (size_t)(end + 1 - key)};
}
