/* SPDX-License-Identifier: MIT */
/*
 * What an upper holds against its lower: the list behind `diff`, `show` and `reset PATH`.
 *
 * Compared is what the view shows with what the lower holds at the same path, so that the list is
 * what a commit would have to do. It follows that
 *
 *	- a copy that says the same as the lower is not listed, nor is a whiteout of nothing;
 *	- of a removed tree only its top is listed, of an added one everything;
 *	- what shows in an opaque directory is added or changed, what it hides is removed;
 *	- a renamed lower directory (a redirect) is its old path removed, its new path and all that
 *	  shows below it added.
 *
 * Nothing is kept or locked meanwhile: entries that vanish during the walk are left out.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "view/layout.h"

struct diff_entry {
	char change;      /* 'A' added, 'M' content, 'D' removed, 'T' type, 'm' metadata only */
	mode_t mode;      /* S_IFMT and permissions: of what was removed for 'D', else of ours */
	const char *path; /* relative to the share, never "": the root itself is not compared */
	/* Of what is not 'D': its path in the lower where it is not in the upper (a renamed tree's); else NULL. */
	const char *source;
	bool leans; /* its data are those of another path of the lower: source, or a metacopy under another name */
};

/* A value other than 0 ends the walk and is returned by it. */
typedef int (*diff_fn)(const struct diff_entry *entry, void *context);

/*
 * Calls fn for each change, in the byte order of the paths. upper_fd and lower_fd are the roots
 * (O_PATH will do), borrowed; lower_fd is -1 where nothing of the lower shows (mode `empty`). What
 * lies at paths longer than PATH_MAX is not listed. Returns 0, fn's value, or negative errno.
 */
int diff_walk(const struct layout_names *names, int upper_fd, int lower_fd, diff_fn fn,
	      void *context);

/* "file", "directory", "symlink", "fifo", "socket", "chardev", "blockdev". */
const char *diff_type_name(mode_t mode);
