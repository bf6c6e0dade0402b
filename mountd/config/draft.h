/* SPDX-License-Identifier: MIT */
/*
 * A configuration in the making: later sources override earlier ones, and each share remembers
 * where it came from, for the errors that only show when the paths are looked at.
 *
 * How sources combine: a key that a later file has replaces the earlier value; a share with the
 * path of an earlier one replaces it, another one is appended; --share on the command line
 * replaces all shares of files.
 */
#pragma once

#include "base/config.h"
#include "base/err.h"

#define DRAFT_ORIGIN_MAX 600
#define CONFIG_DEFAULT_SHARE "/tmp"
#define CONFIG_MAX_SESSIONS 1000000 /* what sessions.max_sessions may be at most */

struct draft {
	struct config config;
	char *origins[SHARES_MAX];        /* "FILE, line L, column C", "--share", "the default" */
	unsigned int sources[SHARES_MAX]; /* which source gave the share */
	unsigned int source;              /* the one being read */
};

/* Defaults of every key; no share yet. -1: out of memory. */
int draft_init(struct draft *draft, struct err *err);
void draft_release(struct draft *draft);

/* Begins a source: a file, or the command line. Within one, no share may be given twice. */
void draft_begin_source(struct draft *draft);
/*
 * Puts a share in: in the place of one with the same path from an earlier source, else at the
 * end. Takes the share, always. Errors name no place.
 */
int draft_put_share_consume(struct draft *draft, struct share_config *share, const char *origin,
			    struct err *err);
/* Drops all shares. */
void draft_drop_shares(struct draft *draft);

/* Reads one configuration file into the draft. NOT_FOUND where there is none. */
int draft_read_file(struct draft *draft, const char *path, struct err *err);
/* The same from memory; `name` is what errors call it. */
int draft_read_text(struct draft *draft, const char *name, const char *text, size_t len,
		    struct err *err);
