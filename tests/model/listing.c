/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"

void listing_add(struct listing *listing, const struct dirent *entry)
{
	struct listing_name *name;

	if (listing->count % 16 == 0) {
		listing->names =
			reallocarray(listing->names, listing->count + 16, sizeof(*listing->names));
		if (!listing->names)
			err(2, "memory");
	}
	name = &listing->names[listing->count++];
	name->type = entry->d_type;
	name->name = strdup(entry->d_name);
	if (!name->name)
		err(2, "memory");
}

void listing_read(DIR *stream, struct listing *listing)
{
	struct dirent *entry;

	while ((entry = readdir(stream)))
		listing_add(listing, entry);
}

static int by_name(const void *a, const void *b)
{
	const struct listing_name *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void listing_sort(struct listing *listing)
{
	if (listing->count)
		qsort(listing->names, listing->count, sizeof(*listing->names), by_name);
}

void listing_release(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		free(listing->names[i].name);
	free(listing->names);
	*listing = (struct listing){0};
}

void listing_compare(const struct world *world, const struct listing *view,
		     const struct listing *model, const char *what)
{
	for (size_t i = 0; i < view->count || i < model->count; i++) {
		if (i >= view->count)
			mismatch(world, "%s: \"%s\" is missing", what, model->names[i].name);
		if (i >= model->count)
			mismatch(world, "%s: \"%s\" is too much", what, view->names[i].name);
		if (strcmp(view->names[i].name, model->names[i].name) != 0)
			mismatch(world, "%s: \"%s\" in the place of \"%s\"", what,
				 view->names[i].name, model->names[i].name);
		if (view->names[i].type != model->names[i].type)
			mismatch(world, "%s: \"%s\" is of type %d, not %d", what,
				 view->names[i].name, view->names[i].type, model->names[i].type);
	}
}

/* By which operation each name was touched last. */
static uint64_t touched[PLACE_NAMES];

void name_touched(const struct world *world, const char *path)
{
	for (size_t i = 0; i < PLACE_NAMES; i++) {
		size_t len = strlen(place_names[i]), at = strlen(path);

		while (at > 0 && path[at - 1] == '/')
			at--;
		if (at >= len && memcmp(path + at - len, place_names[i], len) == 0)
			touched[i] = world->number;
	}
}

static uint64_t touched_by(const char *name)
{
	for (size_t i = 0; i < PLACE_NAMES; i++)
		if (strcmp(name, place_names[i]) == 0)
			return touched[i];
	return 0;
}

static size_t times_in(const struct listing *listing, const char *name)
{
	size_t times = 0;

	for (size_t i = 0; i < listing->count; i++)
		times += strcmp(listing->names[i].name, name) == 0;
	return times;
}

void listing_check_stream(const struct world *world, const struct listing *begun,
			  const struct listing *ended, const struct listing *seen, uint64_t opened)
{
	for (size_t i = 0; i < seen->count; i++) {
		const char *name = seen->names[i].name;

		if (touched_by(name) > opened)
			continue;
		if (times_in(seen, name) > 1)
			mismatch(world, "a stream shows \"%s\" twice", name);
		if (!times_in(begun, name))
			mismatch(world, "a stream shows \"%s\", which never was there", name);
	}
	for (size_t i = 0; i < begun->count; i++) {
		const char *name = begun->names[i].name;

		if (touched_by(name) <= opened && times_in(ended, name) && !times_in(seen, name))
			mismatch(world, "a stream does not show \"%s\"", name);
	}
}
