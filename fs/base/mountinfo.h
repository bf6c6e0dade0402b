/* SPDX-License-Identifier: MIT */
/*
 * What is mounted at a path, as /proc/self/mountinfo tells it. No request is ever sent to the file
 * system in question, so that dead and hanging mounts can be looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct mount_info {
	int id; /* reused by the kernel after the mount is gone */
	unsigned int major;
	unsigned int minor; /* of the superblock; for FUSE the number of its connection */
	char fstype[64];    /* "fuse.sessionfs" */
	char source[128];   /* cut where it is longer */
	char path[4096];    /* the mount point, unescaped */
};

/* Parses one line of mountinfo. Returns whether it is well-formed. Pure. */
bool mountinfo_parse(const char *line, struct mount_info *ret_info);

/*
 * The mount whose root `path` (absolute, no symlinks) is: the topmost of a stack. Returns 1, 0 where
 * path is no mount point (or is not there), or negative errno.
 */
int mountinfo_at(const char *path, struct mount_info *ret_info);

/* Whether two are the same mount of the same file system. */
static inline bool mountinfo_same(const struct mount_info *a, const struct mount_info *b)
{
	return a->id == b->id && a->major == b->major && a->minor == b->minor;
}
