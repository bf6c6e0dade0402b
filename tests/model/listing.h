/* SPDX-License-Identifier: MIT */
/* What a directory shows. */
#pragma once

#include <dirent.h>
#include <stddef.h>

#include "world.h"

struct listing {
	struct listing_name {
		char *name;
		unsigned char type;
	} * names;
	size_t count;
};

void listing_add(struct listing *listing, const struct dirent *entry);
/* Adds what is left of a stream. */
void listing_read(DIR *stream, struct listing *listing);
void listing_sort(struct listing *listing);
void listing_release(struct listing *listing);
/* Ends the program where they differ. Both are sorted. */
void listing_compare(const struct world *world, const struct listing *view,
		     const struct listing *model, const char *what);

/*
 * What a stream showed, `seen`, of a directory that held `begun` when it was opened by that
 * operation and `ended` at its end: see name_touched().
 */
void listing_check_stream(const struct world *world, const struct listing *begun,
			  const struct listing *ended, const struct listing *seen, uint64_t opened);

/* A name was made, removed or moved by the present operation, in whatever directory. */
void name_touched(const struct world *world, const char *path);
