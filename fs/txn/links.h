/* SPDX-License-Identifier: MIT */
/*
 * Files of several names, met while a tree is copied: which one was the first.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/index.h"

/* Zero-initialised is empty and valid. */
struct links {
	struct link_item *items;
	size_t count;
	size_t capacity;
	struct index index;
};
#define _cleanup_links_ __attribute__((cleanup(links_release)))
void links_release(struct links *links);

/*
 * 1 and the number that the file was met with first, in ret_number; else 0, and where it has several names the
 * number is noted as that. Directories are never met twice. -ENOMEM.
 */
int links_meet(struct links *links, const struct stat *st, size_t number, size_t *ret_number);
