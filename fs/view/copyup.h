/* SPDX-License-Identifier: MIT */
/*
 * Copy-up: the first change of something that is only in the lower.
 *
 * A copy is made complete in the view's work directory (owner, mode, attributes, times, holes) and
 * then renamed into place without replacing, so that a partial one never stands under the final
 * name, and the loser of two at once finds the winner's (-EEXIST).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "view/resolve.h"
#include "view/view.h"

/* How much of a regular file's data is to come along. */
enum copyup_data {
	COPYUP_WHOLE,
	COPYUP_EMPTY,         /* none: the file is about to be truncated */
	COPYUP_DEFERRED,      /* none yet, where that saves something: a metacopy (metacopy.h) */
	COPYUP_DEFERRED_ONLY, /* the same, but where it cannot be nothing is done: -EOPNOTSUPP */
};

/*
 * Files up to this size are copied at once also where they could be deferred. Measured on ext4: a copy
 * of 128 KiB takes 0.4 ms where a metacopy takes 0.3, of 1 MiB 0.6 to 0.9; and each look-up of a
 * metacopy takes 18 us where one of a copy takes 6.
 */
#define COPYUP_DEFERRED_MIN_SIZE (128u << 10)

/*
 * Copies a directory up without its content, to `name` in the parent, which has an upper.
 * lower_fd: its O_PATH fd in the lower. 0, -EEXIST, or negative errno.
 */
int copyup_directory(struct layer_dir *parent, const char *name, int lower_fd);

/*
 * Copies anything but a directory up; makes the ancestors' uppers first. 0 (also where somebody
 * else has just done it: then it may be a metacopy whatever was asked for, and with COPYUP_EMPTY a
 * complete file is truncated), or negative errno; -ENOENT where the lower lost it. `cancelled` (may
 * be NULL) as for copydata().
 */
int copyup_entry(struct layer_dir *dir, const char *name, enum copyup_data data,
		 const _Atomic bool *cancelled);

/*
 * Owner, mode, attributes and times of an object to another of its type; either fd may be O_PATH. Attributes of
 * the overlay stay behind; with `names` NULL they come along, within one store.
 */
int copyup_metadata(const struct layout_names *names, int src_fd, const struct stat *st,
		    int dst_fd);

/* What copyup_copy() makes. */
struct copyup_source {
	int fd;                        /* O_PATH, O_NOFOLLOW: gives the attributes */
	struct stat st;                /* its own */
	int data_fd;                   /* of a metacopy's data, likewise; else as fd */
	enum copyup_data data;         /* COPYUP_DEFERRED needs lower_path */
	const char *lower_path;        /* from the lower's root; else NULL */
	bool record_base;              /* it comes from the lower, to the upper */
	const _Atomic bool *cancelled; /* or NULL */
};

/*
 * What a rename moves between the layers is copied while the kernel keeps everybody out of the
 * directories. A file that is larger does not (-EXDEV): the caller copies it himself.
 */
#define COPYUP_MOVED_MAX (16 << 20)

/*
 * Describes a whole file of the view for copyup_copy(). `world`: of the upper, where it may be a
 * metacopy; NULL of the lower. `fd` is borrowed. 0, -EXDEV where it has more than max_size bytes, or negative
 * errno. To be released in any case.
 */
int copyup_source_open(const struct metacopy_world *world, int fd, off_t max_size,
		       struct copyup_source *source);
void copyup_source_release(struct copyup_source *source);
#define _cleanup_source_ __attribute__((cleanup(copyup_source_release)))
#define COPYUP_SOURCE_NONE ((struct copyup_source){.fd = -1, .data_fd = -1})

/*
 * Copies a file, symlink or special file to a new name, with owner, mode, attributes (`names` as for
 * copyup_metadata()) and times. Never replaces. 0, or negative errno with nothing left behind.
 */
int copyup_copy(const struct layout_names *names, const struct copyup_source *source, int dirfd,
		const char *name);
