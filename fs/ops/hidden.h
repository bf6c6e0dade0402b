/* SPDX-License-Identifier: MIT */
/*
 * Objects of the upper that are in use and have no name: removed or replaced while open, or made with
 * O_TMPFILE.
 *
 * Each keeps a link that shows nowhere: `=<nodeid>` in the work directory of its view (NODE_HIDDEN).
 * So it takes no descriptor of ours, and a later worker finds it by the number that the kernel
 * knows. The link goes when the kernel forgets the object, or at the next start, with all in `work`. It
 * is never counted in st_nlink.
 *
 * What is not open when its name goes (of a regular file) is known to the kernel for an instant only,
 * or by O_PATH descriptors: a descriptor of ours is enough for it, and is lost with the worker. So is
 * that of a lock file, which lives in the lower and was removed there.
 */
#pragma once

#include "ops/fs.h"

/* What is about to lose its name. */
struct parting {
	struct node_info node; /* nodeid 0: the kernel knows nothing under the name */
	bool hidden;           /* it was given a link for that */
	int fd;                /* O_PATH, or -1 */
};

/* Sees to it that the object, if it is in use, can be served after. dir: the layers of `parent`. */
void parting_begin(struct fs *fs, const struct node_info *parent, const struct layer_dir *dir,
		   const char *name, struct parting *ret_parting);
/* The name is gone, or (r < 0) it stays. */
void parting_end(struct fs *fs, const struct node_info *parent, const char *name, int r,
		 struct parting *parting);

/* Gives a file that was made without a name, and is open as fd, its link. 0 or negative errno. */
int hidden_link(struct fs *fs, const struct node_info *node, struct layer_dir *dir, int fd);
/*
 * The copy in the upper of an object of the lower that has no name in the view; made where there is
 * none yet, with its link. lower_fd: the object. Returns an O_PATH fd or negative errno.
 */
int hidden_copy(struct fs *fs, const struct node_info *node, int lower_fd);
/* The object of a node with NODE_HIDDEN: an O_PATH fd; its attributes. Negative errno: -ESTALE. */
int hidden_open(struct fs *fs, const struct node_info *node);
int hidden_stat(struct fs *fs, const struct node_info *node, struct stat *ret_st);
/*
 * As hidden_open() and hidden_stat() for what is in the lower, has its name there still, and not in the
 * view, where its directory may be gone too: what a worker before us had a descriptor of.
 */
int lower_open(struct fs *fs, const struct node_info *node);
int lower_stat(struct fs *fs, const struct node_info *node, struct stat *ret_st);
/* The kernel has forgotten the node: the link goes, and its data with it. */
void hidden_drop(struct fs *fs, uint64_t nodeid, const struct node_left *left);
