/* SPDX-License-Identifier: MIT */
/*
 * Whether two objects of one type say the same: what tells a change from a mere copy.
 */
#pragma once

#include <sys/stat.h>

#include "view/layout.h"

/* One side of a comparison: a name in a directory (an O_PATH fd will do), and its lstat. */
struct compare_side {
	int dirfd;
	const char *name;
	struct stat st;
};

enum compare_outcome {
	COMPARE_EQUAL,
	COMPARE_CONTENT,  /* data, symlink target or device number */
	COMPARE_METADATA, /* owner, mode, attributes; of a file its modification time too */
};

/*
 * Compares two objects of the same S_IFMT; directories by their metadata alone. Files are read
 * only where the sizes agree. Attributes that count are user.* and ACLs, but for those that make
 * up the overlay. Returns enum compare_outcome, or negative errno (-ENOENT: one is gone).
 */
int compare_objects(const struct layout_names *names, const struct compare_side *ours,
		    const struct compare_side *theirs);
