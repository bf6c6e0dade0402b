/* SPDX-License-Identifier: MIT */
/*
 * Metacopies: files of the upper whose attributes are their own, and whose data are still those of
 * a file of the lower. overlayfs calls them so, and mounts them with metacopy=on. A rename, a link
 * or a chmod of a large lower file makes one; its data come at the first write.
 *
 *	xattr <prefix>metacopy, empty	the data are elsewhere: the file itself is one hole
 *	xattr <prefix>redirect		where: "/path" from the lower's root
 *	xattr <own prefix>base		what that file was when this was made (layout.h)
 *	xattr <own prefix>pending	while the data are coming: the modification time to show
 *	xattr <own prefix>moved		it has, or had, a name that is not its lower's: which file the
 *					data were of then
 *
 * Until then it is the lower's file under other attributes: what others write into that file is
 * seen, with its size and time. Under the lower's own name it follows what that name stands for; once
 * moved, it has to be the same file, by number and birth or by size and time. In any case one of the same
 * owner and group, and readable to all who could read it then: a redirect leads nobody to what
 * another put in its place. Else it has no data (-EIO), but can be removed or truncated.
 *
 * The data are brought into the file itself, so that its number and its other names stay. The attribute
 * "metacopy" goes last, and as long as it stands nobody looks at what is there: a kill at any
 * instant leaves a metacopy or a complete file. Callers see to it that one file is completed or
 * cut by one thread at a time; everything else may go on meanwhile.
 *
 * A file is named by a directory's fd and a name, or by its own fd (O_PATH will do) and "".
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "view/layout.h"

/* What every call needs to follow a redirect: the root of the lower is borrowed. */
struct metacopy_world {
	const struct layout_names *names;
	int lower_root;
};

/*
 * Makes an empty file, which nobody else knows yet, one. `lower` and lower_path (from the root,
 * without leading slash) are of the data. 0, or negative errno where the file system cannot hold
 * that: then it is to be copied.
 */
int metacopy_make(const struct layout_names *names, int fd, const struct stat *lower,
		  const char *lower_path);

/* 1: it is one; 0: it has its data, or is no regular file; -ENOENT: no such name. */
int metacopy_is(const struct layout_names *names, int dirfd, const char *name);

/*
 * As fstatat() without following symlinks; of a metacopy with size, blocks and, where that was
 * changed since, the time of its data. Returns 1 for a metacopy, else 0; or negative errno.
 */
int metacopy_stat(const struct metacopy_world *world, int dirfd, const char *name,
		  struct stat *ret_st);

/*
 * Opens (O_PATH) the data of a metacopy. -ENODATA: it is none, or none any more. -EIO: its data are
 * gone. ret_st may be NULL.
 */
int metacopy_open_data(const struct metacopy_world *world, int dirfd, const char *name,
		       struct stat *ret_st);

/*
 * To be called before a file of the upper gets a name that is not its lower's. 0 (also where it is
 * no metacopy) or negative errno.
 */
int metacopy_note_moved(const struct metacopy_world *world, int dirfd, const char *name);

/*
 * Brings the data in. `cancelled` as for copydata(). 0 (also where it is no metacopy), or negative
 * errno: it is a metacopy as before then.
 */
int metacopy_complete(const struct metacopy_world *world, int fd, const _Atomic bool *cancelled);

/* Makes it an empty file: its data are not wanted. 0 (also where it is no metacopy) or negative errno. */
int metacopy_cut(const struct layout_names *names, int fd);

/* To be called before the modification time of a file is set that may be a metacopy. */
void metacopy_note_mtime(const struct layout_names *names, int fd, const struct timespec *mtime);
