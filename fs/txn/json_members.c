/* SPDX-License-Identifier: MIT */
#include "txn/json_members.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "txn/json_scalar.h"

void json_members_release(struct json_members *members)
{
	free(members->items);
	*members = (struct json_members){0};
}

static const char *key_of(const struct json_doc *doc, uint32_t number)
{
	return doc->text.at + doc->spans[number].key;
}

static int compare(const struct json_doc *a_doc, const struct json_member *a,
		   const struct json_doc *b_doc, const struct json_member *b)
{
	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	return json_string_compare(key_of(a_doc, a->number), key_of(b_doc, b->number));
}

int json_members_compare(const struct json_members *a, size_t i, const struct json_members *b,
			 size_t j)
{
	return compare(a->doc, &a->items[i], b->doc, &b->items[j]);
}

static int by_key(const void *a, const void *b, void *context)
{
	const struct json_member *x = a, *y = b;
	int r = compare(context, x, context, y);

	if (r)
		return r;
	return x->number < y->number ? -1 : x->number > y->number;
}

static bool is_sorted(const struct json_members *members)
{
	for (size_t i = 1; i < members->count; i++)
		if (json_members_compare(members, i - 1, members, i) > 0)
			return false;
	return true;
}

int json_members_list(const struct json_doc *doc, uint32_t number, struct json_members *ret)
{
	_cleanup_json_members_ struct json_members members = {.doc = doc};
	uint32_t end = number == JSON_NONE ? 0 : doc->spans[number].next;

	for (uint32_t i = number + 1; i < end; i = doc->spans[i].next)
		members.count++;
	if (members.count) {
		struct json_member *item = malloc(members.count * sizeof(*item));

		if (!item)
			return -ENOMEM;
		members.items = item;
		for (uint32_t i = number + 1; i < end; i = doc->spans[i].next)
			*item++ = (struct json_member){json_string_prefix(key_of(doc, i)), i};
	}
	if (!is_sorted(&members))
		qsort_r(members.items, members.count, sizeof(*members.items), by_key,
			(void *)(uintptr_t)doc);
	for (size_t i = 1; i < members.count && !members.duplicates; i++)
		members.duplicates = json_members_compare(&members, i - 1, &members, i) == 0;
	*ret = members;
	members = (struct json_members){0};
	return 0;
}
