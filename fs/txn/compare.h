/* SPDX-License-Identifier: MIT */
/*
 * Whether two objects of one type say the same: what tells a change from a mere copy.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "view/layout.h"

/* One side of a comparison: a name in a directory (an O_PATH fd will do), and its lstat. */
struct compare_side {
	int dirfd;
	const char *name;
	struct stat st;
	bool metacopy; /* its data are those of data_fd; -1: they are gone (view/metacopy.h) */
	int data_fd;   /* O_PATH will do */
	struct stat data_st;
};

enum compare_outcome {
	COMPARE_EQUAL,
	COMPARE_CONTENT,  /* data, symlink target or device number */
	COMPARE_METADATA, /* owner, mode, attributes; of a file its modification time too */
};

/*
 * Compares two objects of the same S_IFMT; directories by their metadata alone. Files are read
 * only where the sizes agree, and where they do not share their data. Attributes that count are user.* and ACLs, but for those that make
 * up the overlay. Returns enum compare_outcome, or negative errno (-ENOENT: one is gone).
 */
int compare_objects(const struct layout_names *names, const struct compare_side *ours,
		    const struct compare_side *theirs);

/* Whether those attributes of both that count are the same. 1, 0, or negative errno. */
int compare_attributes(const struct layout_names *names, const struct compare_side *ours,
		       const struct compare_side *theirs);
