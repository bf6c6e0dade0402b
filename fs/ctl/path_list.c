/* SPDX-License-Identifier: MIT */
#include "ctl/path_list.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/path.h"

void path_list_release(struct path_list *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		target_path_release(&paths->items[i]);
	free(paths->items);
}

int path_list_parse(const struct ctl_request *request, struct path_list *paths, struct err *err)
{
	const json_t *array = request_array(request, "paths");
	const json_t *text;
	size_t i;

	paths->all = !array;
	paths->items = calloc(json_array_size(array) + 1, sizeof(*paths->items));
	if (!paths->items)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	json_array_foreach(array, i, text)
	{
		if (target_path_parse(request, json_string_value(text), &paths->items[i], err) < 0)
			return -1;
		paths->count++;
	}
	return 0;
}

bool path_list_match(const struct path_list *paths, const char *path)
{
	if (paths->all)
		return true;
	for (size_t i = 0; i < paths->count; i++)
		if (path_is_below(path, paths->items[i].host))
			return true;
	return false;
}
