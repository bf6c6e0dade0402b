/* SPDX-License-Identifier: MIT */
/*
 * The data of a regular file, from the lower to the upper: by reference where the file system can
 * (FICLONE), else within the kernel (copy_file_range), else through a buffer. Holes stay holes.
 *
 * Others may be writing the source, for the lower is alive. A copy during which the source's size or
 * times moved is made anew, a few times; of a file that never rests the last copy counts, cut to
 * what the source had throughout. So the size is always one that the file had.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

/*
 * Copies all of `src` to `dst`, an empty file or one whose content does not count. `cancelled` (may
 * be NULL) is looked at every few MiB. 0, with the source's attributes as they were with that
 * content in ret_st; -ECANCELED; or what the system calls answer (-ENOSPC, -EDQUOT, -EIO), then dst
 * holds a part.
 */
int copydata(int src, int dst, const _Atomic bool *cancelled, struct stat *ret_st);

/* By reference alone, as copydata() begins. 0, or negative errno where that cannot be; dst is as it was. */
int copydata_clone(int src, int dst, struct stat *ret_st);
