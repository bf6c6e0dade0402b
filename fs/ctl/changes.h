/* SPDX-License-Identifier: MIT */
/*
 * What a session has changed, over all its shares.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/json.h"
#include "virt/context.h"

struct changes_item {
	char *path; /* on the host */
	mode_t mode;
	char change; /* as struct diff_entry */
};

/* Zero-initialised is empty and valid. */
struct changes {
	struct changes_item *items; /* sorted by path */
	size_t count;
	size_t capacity;
};

/* 0, or -1 with IO_ERROR or INTERNAL_ERROR. Release in either case. */
int changes_collect(struct instance *instance, uint32_t session, struct changes *changes,
		    struct err *err);
void changes_release(struct changes *changes);
/* One change as requests show it. */
json_t *changes_item_json(char letter, const char *path, mode_t mode);
