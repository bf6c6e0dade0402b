/* SPDX-License-Identifier: MIT */
/*
 * locks.json: every held lock that the reader may see, those private to his sessions too.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/path.h"
#include "lock/answer.h"
#include "virt/files.h"
#include "virt/listing.h"
#include "virt/visible.h"

struct held {
	char *path; /* on the host */
	uint32_t lock;
	bool private; /* to a session */
};

struct held_list {
	struct held *items;
	size_t count;
	size_t capacity;
};

static void held_list_release(struct held_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].path);
	free(list->items);
}

static int by_path(const void *a, const void *b)
{
	const struct held *left = a, *right = b;
	int r = strcmp(left->path, right->path);

	return r ? r : (int)(left->lock > right->lock) - (int)(left->lock < right->lock);
}

static bool add(struct held_list *list, uint32_t lock, bool private, const char *path)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 16;
		struct held *items = reallocarray(list->items, capacity, sizeof(*items));

		if (!items)
			return false;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count] =
		(struct held){.path = strdup(path), .lock = lock, .private = private};
	if (!list->items[list->count].path)
		return false;
	list->count++;
	return true;
}

static bool collect(struct instance *instance, uid_t viewer, const char *prefix,
		    struct held_list *list)
{
	struct lock_record record;
	char path[PATH_MAX * 2];

	for (uint32_t i = locks_next(instance->locks, 0); i; i = locks_next(instance->locks, i)) {
		if (!locks_read(instance->locks, i, &record) ||
		    lock_host_path(instance->locks, i, path, sizeof(path)) < 0)
			continue;
		if ((*prefix && !path_is_below(path, prefix)) ||
		    !visible_lock(instance, &record, viewer))
			continue;
		if (!add(list, i, record.session_scope != 0, path))
			return false;
	}
	return true;
}

void *listing_locks(struct instance *instance, uid_t viewer, const char *prefix)
{
	__attribute__((cleanup(held_list_release))) struct held_list list = {0};
	json_t *array;

	if (!collect(instance, viewer, prefix, &list))
		return NULL;
	if (list.count)
		qsort(list.items, list.count, sizeof(*list.items), by_path);
	array = json_array();
	for (size_t i = 0; array && i < list.count; i++) {
		/* NULL: it was released meanwhile. */
		json_t *answer = lock_answer(instance->locks, list.items[i].lock, viewer);

		if (!answer)
			continue;
		json_object_set_new(json_object_get(answer, "lock"), "scope",
				    json_string(list.items[i].private ? "session" : "lower"));
		json_array_append_new(array, answer);
	}
	return array;
}

int locks_file_render(const struct virt_request *request, struct buf *buf)
{
	void *locks = listing_locks(request->instance, request->uid, "");

	return virt_render_json_consume(locks ? json_pack("{s:o}", "locks", locks) : NULL, buf);
}
