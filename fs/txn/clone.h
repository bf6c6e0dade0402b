/* SPDX-License-Identifier: MIT */
/*
 * A second upper that says what the first says: `fork`.
 */
#pragma once

/*
 * Copies all of an upper into an empty directory, with owners, modes, times, links, holes and every attribute,
 * those of the overlay too; data by reference where the file system can. Both fds may be O_PATH, borrowed. What
 * is written into the first meanwhile may be in the copy or not, as with cp(1). 0 or negative errno; what was
 * copied until then is left to the caller.
 */
int clone_tree(int from_fd, int to_fd);

/* One file beside an upper; one that is not there is success. */
int clone_file(int from_dirfd, int to_dirfd, const char *name);
