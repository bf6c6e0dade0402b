/* SPDX-License-Identifier: MIT */
#include "txn/links.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/grow.h"

struct link_item {
	uint64_t dev;
	uint64_t ino;
	size_t number;
};

void links_release(struct links *links)
{
	index_release(&links->index);
	free(links->items);
	*links = (struct links){0};
}

/* Numbers in the index begin with 1. */
static bool is_item(uint32_t number, const void *key, void *context)
{
	const struct links *links = context;
	const struct link_item *item = &links->items[number - 1], *wanted = key;

	return item->dev == wanted->dev && item->ino == wanted->ino;
}

int links_meet(struct links *links, const struct stat *st, size_t number, size_t *ret_number)
{
	const struct link_item item = {.dev = st->st_dev, .ino = st->st_ino, .number = number};
	const uint64_t key[2] = {item.dev, item.ino};
	uint64_t hash = XXH3_64bits(key, sizeof(key));
	uint32_t found;
	int r;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return 0;
	found = index_find(&links->index, hash, is_item, &item, links);
	if (found) {
		*ret_number = links->items[found - 1].number;
		return 1;
	}
	r = GROW(links);
	if (r < 0)
		return r;
	links->items[links->count++] = item;
	return index_add(&links->index, hash, (uint32_t)links->count);
}
