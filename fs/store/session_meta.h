/* SPDX-License-Identifier: MIT */
/*
 * The text of a session's `meta`: one line of JSON, then "xxh3 <16 hex digits>" of that line (its
 * newline included). Uid and id are there for people: the directories' names are what counts.
 * Private to store/.
 */
#pragma once

#include "base/buf.h"
#include "store/layout.h"

/* Renders; buf_failed() tells when out of memory. */
void session_meta_render(const struct session_meta *meta, struct buf *buf);

/*
 * Parses into *meta all but uid and id, which stay as they are. 0, or -EBADMSG (checksum or content
 * damaged; *meta is untouched then). Members that are not known are ignored.
 */
int session_meta_parse(const char *text, size_t len, struct session_meta *meta);

/*
 * Reads the metadata of the session whose directory is dirfd, uid and id being filled in already.
 * What is missing or damaged is logged and replaced: no flags, made when the directory was last
 * changed, used now. Returns 0, or -ENOENT where the directory has gone.
 */
int session_meta_load(int dirfd, struct session_meta *meta);
