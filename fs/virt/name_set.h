/* SPDX-License-Identifier: MIT */
/*
 * A directory listing in the making: names in any order, some of them more than once.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "virt/files.h"

/* Zero-initialised is empty and valid. */
struct name_set {
	struct name_set_item *items;
	size_t count;
	size_t capacity;
	int error; /* -ENOMEM once an addition failed */
};

#define _cleanup_name_set_ __attribute__((cleanup(name_set_release)))

void name_set_release(struct name_set *set);
/* Adds the first len bytes of name. A failure shows in name_set_emit(). */
void name_set_add(struct name_set *set, const char *name, size_t len, uint32_t mode);
/*
 * Calls fn for each name once, sorted; of one that is both a directory and a file, the file. 0,
 * also where fn ended it, or -ENOMEM.
 */
int name_set_emit(struct name_set *set, virt_list_fn fn, void *context);
