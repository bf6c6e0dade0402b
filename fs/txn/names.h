/* SPDX-License-Identifier: MIT */
/*
 * Names: of several directories as one sorted set, or in the order in which they came.
 */
#pragma once

#include <stddef.h>

/* Zero-initialised is empty and valid. */
struct names {
	char **items;
	size_t count;
	size_t capacity;
};

#define _cleanup_names_ __attribute__((cleanup(names_release)))

void names_release(struct names *names);
/* Adds a copy of the name. 0 or -ENOMEM. */
int names_add(struct names *names, const char *name);
/* Adds a directory's names but "." and ".."; fd is borrowed, -1 adds nothing. 0, negative errno. */
int names_read(struct names *names, int fd);
/* Sorts by bytes and drops what is there twice. */
void names_sort(struct names *names);
