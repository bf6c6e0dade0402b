/* SPDX-License-Identifier: MIT */
/*
 * Where a path stands to the shares. Pure text; paths are relative to the root ("tmp" for /tmp).
 */
#pragma once

#include <stdint.h>

#include "base/config.h"
#include "virt/name_set.h"

enum share_place {
	SHARE_NOWHERE,
	SHARE_ABOVE, /* a directory on the way to a share */
	SHARE_ROOT,  /* a share's own path */
	SHARE_BELOW, /* inside a share */
};

/*
 * ROOT wins over ABOVE, ABOVE over BELOW (a share inside a share). For ROOT and BELOW *ret_share is
 * the innermost share of the path. Outputs may be NULL.
 */
enum share_place shares_place(const struct config *config, const char *path, uint32_t *ret_share);

/* What follows the share's path in one that lies below it: "a/b"; "" for its own; else NULL. */
const char *shares_rest(const struct share_config *share, const char *path);

/*
 * Adds the components that follow `path` ("": the first ones) on the way to shares: dir_mode for
 * the ones above, root_mode for the shares' own.
 */
void shares_add_next(const struct config *config, const char *path, uint32_t dir_mode,
		     uint32_t root_mode, struct name_set *set);

/* The globs of host sockets that `run` binds into views, as an array (json_t *, new reference). */
void *shares_passthrough(const struct share_config *share);
