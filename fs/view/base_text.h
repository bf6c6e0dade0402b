/* SPDX-License-Identifier: MIT */
/*
 * What a JSON file of the lower said when the upper took its name over: what a commit merges on. Kept
 * beside the upper (STORE_BASES, docs/format.md), under a name that path and identity (struct layout_base) give,
 * so that a text is never taken for that of another state of the file.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "view/view.h"

/* Larger files are not kept: some names are taken over while the kernel keeps everybody out of the directory. */
#define BASE_TEXT_MAX (1u << 20)

/*
 * Keeps it where it is a file called *.json of that size, which `lower` describes. What fails is not told: the
 * file cannot be merged then.
 */
void base_text_keep(struct layer_dir *dir, const char *name, const struct stat *lower);

/* 0 and the text appended, or -ENOENT where none is kept; path is relative to the share. */
int base_text_read(int work_fd, const char *path, const struct layout_base *base,
		   struct buf *ret_text);

/* Whether a file of that name is one. */
bool base_text_is_wanted(const char *name);
