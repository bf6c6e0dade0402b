/* SPDX-License-Identifier: MIT */
/*
 * The stage of a commit in a share: a directory in the share's root, root's alone, in which everything that
 * is to be published lies complete before anything is, and what it replaces afterwards.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "store/store.h"
#include "txn/links.h"
#include "txn/plan.h"

#define STAGE_NAME_SIZE 48
void stage_name(const struct store *store, char ret[STAGE_NAME_SIZE]);

/*
 * Makes the stage anew: what an interrupted commit left is deleted. The fd (readable); -EEXIST where somebody
 * else has that name; or negative errno.
 */
int stage_make(const struct store *store, int lower_fd);
/* The one that is there; -ENOENT. */
int stage_open(const struct store *store, int lower_fd);
/* Deletes it with all that is in it. No stage is success. */
int stage_remove(const struct store *store, int lower_fd);

#define STAGE_OBJECT_SIZE 32
static inline void stage_object_name(size_t number, char ret[STAGE_OBJECT_SIZE])
{
	snprintf(ret, STAGE_OBJECT_SIZE, "%zu", number);
}
/* The former metadata of a directory that gets others. */
static inline void stage_former_name(size_t number, char ret[STAGE_OBJECT_SIZE])
{
	snprintf(ret, STAGE_OBJECT_SIZE, "%zu.old", number);
}

/*
 * Makes what the item is to be in the lower as object `number` of the stage. Of a removal there is nothing
 * to make, and another name of an object that was staged is a link to that one (`links`: of this stage). What a renamed tree takes along must be within the asker's reach (-EACCES). 0 and its inode, or
 * negative errno.
 */
int stage_item(const struct layout_names *names, const struct plan_asker *asker,
	       const struct plan_share *share, const struct plan_item *item, int stage_fd,
	       size_t number, struct links *links, uint64_t *ret_ino);
