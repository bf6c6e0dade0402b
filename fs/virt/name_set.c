/* SPDX-License-Identifier: MIT */
#include "virt/name_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

struct name_set_item {
	char *name;
	uint32_t mode;
};

void name_set_release(struct name_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->items[i].name);
	free(set->items);
	*set = (struct name_set){0};
}

void name_set_add(struct name_set *set, const char *name, size_t len, uint32_t mode)
{
	char *copy;

	if (set->count == set->capacity) {
		size_t capacity = set->capacity ? set->capacity * 2 : 16;
		struct name_set_item *items =
			reallocarray(set->items, capacity, sizeof(*set->items));

		if (!items) {
			set->error = -ENOMEM;
			return;
		}
		set->items = items;
		set->capacity = capacity;
	}
	copy = strndup(name, len);
	if (!copy) {
		set->error = -ENOMEM;
		return;
	}
	set->items[set->count++] = (struct name_set_item){.name = copy, .mode = mode};
}

static int by_name(const void *a, const void *b)
{
	const struct name_set_item *left = a, *right = b;
	int r = strcmp(left->name, right->name);

	/* Directories last: the first of equal names is the one that is shown. */
	return r ? r : S_ISDIR(left->mode) - S_ISDIR(right->mode);
}

int name_set_emit(struct name_set *set, virt_list_fn fn, void *context)
{
	if (set->error)
		return set->error;
	if (set->count)
		qsort(set->items, set->count, sizeof(*set->items), by_name);
	for (size_t i = 0; i < set->count; i++) {
		if (i > 0 && strcmp(set->items[i - 1].name, set->items[i].name) == 0)
			continue;
		if (fn(set->items[i].name, set->items[i].mode, context) != 0)
			break;
	}
	return 0;
}
