/* SPDX-License-Identifier: MIT */
#include "lock/range.h"

/* Inserts a range where its start belongs. The list has room for it. */
static size_t insert(struct range *list, size_t n, struct range range)
{
	size_t at = n;

	for (; at > 0 && list[at - 1].start > range.start; at--)
		list[at] = list[at - 1];
	list[at] = range;
	return n + 1;
}

/* Equal neighbours become one. */
static size_t join(struct range *list, size_t n)
{
	size_t last = 0;

	if (n == 0)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (list[i].type == list[last].type && list[i].start <= list[last].end + 1) {
			if (list[i].end > list[last].end)
				list[last].end = list[i].end;
		} else {
			list[++last] = list[i];
		}
	}
	return last + 1;
}

size_t range_set(const struct range *held, size_t n, const struct range *wanted, struct range *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct range left = held[i], right = held[i];

		if (!range_overlaps(&held[i], wanted)) {
			count = insert(ret, count, held[i]);
			continue;
		}
		if (held[i].start < wanted->start) {
			left.end = wanted->start - 1;
			count = insert(ret, count, left);
		}
		if (held[i].end > wanted->end) {
			right.start = wanted->end + 1;
			count = insert(ret, count, right);
		}
	}
	if (wanted->type != RANGE_NONE)
		count = insert(ret, count, *wanted);
	return join(ret, count);
}
