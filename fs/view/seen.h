/* SPDX-License-Identifier: MIT */
/*
 * What the lower held under a name when the upper first took the name over: by a copy-up, a whiteout, or a rename
 * onto what was only in the lower. A commit compares that with what the lower holds by then.
 *
 * It is kept by the path in the lower, not with the file: whiteouts, files that were moved and files of
 * several names would need one for each name. One log for each upper, beside it (STORE_SEEN), in docs/format.md. A name's last
 * entry counts, for a name is noted only when the upper holds nothing under it. Entries are written after
 * the change that they are about: one that a crash lost makes a commit refuse, never overwrite.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "view/view.h"

/* Notes it, with the text where a commit could merge it (base_text.h); failing is logged, for the change has happened. The view has its work directory. */
void seen_note(struct layer_dir *dir, const char *name, const struct stat *lower);

/*
 * The same for a path of a share (relative, "" its root) by the work directory; NULL for `lower`: what is
 * noted at the path and below counts no more. 0 or negative errno.
 */
int seen_append(int work_fd, const char *path, const struct stat *lower);

/* A log, read. Zero-initialised is empty and valid. */
struct seen {
	struct seen_item *items; /* sorted by path, one for each */
	size_t count;
	size_t capacity;
};
#define _cleanup_seen_ __attribute__((cleanup(seen_release)))

/* Reads the log beside a work directory; no log is an empty one. 0 or negative errno. */
int seen_read(int work_fd, struct seen *seen);
void seen_release(struct seen *seen);
/* What was noted of a path; false: nothing. */
bool seen_find(const struct seen *seen, const char *path, struct layout_base *ret_base);
