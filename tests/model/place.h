/* SPDX-License-Identifier: MIT */
/* Names for operations: of a small alphabet, so that operations meet. */
#pragma once

#include "world.h"

#define PLACE_PATH 512

/* A path below the root, or below a directory that is open. */
struct place {
	struct open_dir *dir; /* NULL: the root */
	char path[PLACE_PATH];
};

enum want { WANT_ANY, WANT_THERE, WANT_ABSENT, WANT_FILE, WANT_DIR };

extern const char *const place_names[];
#define PLACE_NAMES 7

/* Picks a place that is mostly what is wanted, by how the model stands. */
void place_pick(struct world *world, enum want want, struct place *ret_place);
int place_fd(const struct world *world, const struct place *place, int side);
/* The directory that holds the last component. */
void place_parent(const struct place *place, struct place *ret_parent);
/* "d2:a/b" */
void place_show(const struct world *world, const struct place *place, char *ret, size_t size);
