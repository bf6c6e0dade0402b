/* SPDX-License-Identifier: MIT */
/*
 * One share as configured: values checked one by one, for the configuration file and --share
 * alike.
 *
 * Errors are VALIDATION_ERROR about the value alone; who calls says where it stood.
 */
#pragma once

#include <stdint.h>

#include "base/config.h"
#include "base/err.h"

/* Defaults; lower_fd is -1. */
void share_init(struct share_config *share);
void share_release(struct share_config *share);

/* Sets the path: must be absolute, without "..", and not "/". */
int share_set_path(struct share_config *share, const char *path, struct err *err);
int share_set_mode(struct share_config *share, const char *name, struct err *err);
/* "release" or "report". */
int share_set_stale(struct share_config *share, const char *text, struct err *err);

/* Globs: relative to the share, well-formed; "!" in front excludes (not of passthrough). */
int share_add_lock(struct share_config *share, const char *glob, struct err *err);
int share_add_merge(struct share_config *share, const char *glob, struct err *err);
int share_add_passthrough(struct share_config *share, const char *glob, struct err *err);

/* Adds a copy of text. Returns 0 or -1 (INTERNAL_ERROR, out of memory). */
int string_list_add(struct string_list *list, const char *text, struct err *err);
void string_list_release(struct string_list *list);

/*
 * Parses the value of --share:
 *
 *	PATH[,mode=MODE][,lock=GLOB]...[,merge=GLOB]...[,passthrough=GLOB]...
 *	    [,lock_timeout_ms=N][,stale=release|report]
 *
 * A comma in a path or glob is written "\,". A relative path begins at the working directory,
 * and is resolved.
 * Errors name "--share" and the offending part.
 */
int share_parse_option(const char *text, struct share_config *ret_share, struct err *err);
