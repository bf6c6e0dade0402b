/* SPDX-License-Identifier: MIT */
/*
 * The merged content of a directory of a view: a snapshot of names, each once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "view/resolve.h"
#include "view/view.h"

struct listing_entry {
	const char *name;
	uint64_t ino;  /* of the backing */
	uint8_t type;  /* DT_... */
	uint8_t layer; /* enum layer */
};

struct listing {
	struct listing_entry *entries;
	size_t count;
	char *names; /* owns what the entries' names point to */
};

/* Reads both layers. 0 or negative errno; release with view_listing_release(). */
int view_list(struct layer_dir *dir, struct listing *ret_listing);
void view_listing_release(struct listing *listing);

/* 0 where nothing shows in the directory, -ENOTEMPTY, or another negative errno. */
int view_check_empty(struct layer_dir *dir);
