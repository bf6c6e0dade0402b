/* SPDX-License-Identifier: MIT */
#include "txn/json_equal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "txn/json_members.h"
#include "txn/json_scalar.h"

struct pair {
	uint32_t a, b;
};

struct comparison {
	const struct json_doc *a_doc, *b_doc;
	struct pair *pairs; /* containers that are still to be compared */
	size_t count;
	size_t capacity;
};

static int push(struct comparison *comparison, uint32_t a, uint32_t b)
{
	if (comparison->count == comparison->capacity) {
		size_t capacity = comparison->capacity ? comparison->capacity * 2 : 32;
		struct pair *pairs = reallocarray(comparison->pairs, capacity, sizeof(*pairs));

		if (!pairs)
			return -ENOMEM;
		comparison->pairs = pairs;
		comparison->capacity = capacity;
	}
	comparison->pairs[comparison->count++] = (struct pair){a, b};
	return 1;
}

static bool is_number(char type)
{
	return type == '-' || (type >= '0' && type <= '9');
}

/* Scalars at once, containers later. */
static int compare(struct comparison *comparison, uint32_t a, uint32_t b)
{
	char type = json_doc_type(comparison->a_doc, a);
	char b_type = json_doc_type(comparison->b_doc, b);
	struct json_text a_text, b_text;

	if (type != b_type && !(is_number(type) && is_number(b_type)))
		return 0;
	if (type == '{' || type == '[')
		return push(comparison, a, b);
	a_text = json_doc_value(comparison->a_doc, a);
	b_text = json_doc_value(comparison->b_doc, b);
	if (type == '"')
		return json_string_compare(a_text.at, b_text.at) == 0;
	return is_number(type) ? json_number_equal(a_text, b_text) : 1;
}

static int compare_elements(struct comparison *comparison, struct pair pair)
{
	const struct json_span *a = comparison->a_doc->spans, *b = comparison->b_doc->spans;
	uint32_t i = pair.a + 1, j = pair.b + 1;

	while (i < a[pair.a].next && j < b[pair.b].next) {
		int r = compare(comparison, i, j);

		if (r <= 0)
			return r;
		i = a[i].next;
		j = b[j].next;
	}
	return i == a[pair.a].next && j == b[pair.b].next;
}

static int compare_members(struct comparison *comparison, struct pair pair)
{
	_cleanup_json_members_ struct json_members a = {0}, b = {0};
	int r = json_members_list(comparison->a_doc, pair.a, &a);

	if (!r)
		r = json_members_list(comparison->b_doc, pair.b, &b);
	if (r)
		return r;
	if (a.count != b.count)
		return 0;
	for (size_t i = 0; i < a.count; i++) {
		if (json_members_compare(&a, i, &b, i) != 0)
			return 0;
		r = compare(comparison, a.items[i].number, b.items[i].number);
		if (r <= 0)
			return r;
	}
	return 1;
}

bool json_span_same_text(const struct json_doc *a_doc, uint32_t a, const struct json_doc *b_doc,
			 uint32_t b)
{
	struct json_text x = json_doc_value(a_doc, a), y = json_doc_value(b_doc, b);

	if (!x.at || !y.at)
		return x.at == y.at;
	return x.len == y.len && memcmp(x.at, y.at, x.len) == 0;
}

int json_span_equal(const struct json_doc *a_doc, uint32_t a, const struct json_doc *b_doc,
		    uint32_t b)
{
	struct comparison comparison = {.a_doc = a_doc, .b_doc = b_doc};
	int r;

	if (json_span_same_text(a_doc, a, b_doc, b))
		return 1;
	if (a == JSON_NONE || b == JSON_NONE)
		return 0;
	r = compare(&comparison, a, b);
	while (r > 0 && comparison.count) {
		struct pair pair = comparison.pairs[--comparison.count];

		r = json_doc_type(a_doc, pair.a) == '{' ? compare_members(&comparison, pair)
							: compare_elements(&comparison, pair);
	}
	free(comparison.pairs);
	return r;
}
