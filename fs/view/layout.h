/* SPDX-License-Identifier: MIT */
/*
 * The overlayfs layout of an upper directory (Documentation/filesystems/overlayfs.rst), so that
 * the kernel's overlayfs can mount what we wrote:
 *
 *	whiteout          a character device 0:0, or an empty file with xattr <prefix>whiteout
 *	opaque directory  xattr <prefix>opaque = "y": nothing of the lower shows in it
 *	redirect          xattr <prefix>redirect = "/path": the directory merges with that lower
 *	                  directory (absolute from the lower's root) instead of its namesake
 *
 *	metacopy          a regular file with xattr <prefix>metacopy and a redirect: the data are those
 *			  of that lower file (metacopy.h)
 *	impure directory  xattr <prefix>impure = "y": it may hold what was copied up, or was moved
 *	                  here after; where it lacks that, no entry needs to be asked
 *
 * and attributes of our own: <own prefix>base on everything that was copied up, what the lower held
 * then (struct layout_base), which gives a constant st_ino over copy-up; and
 * <own prefix>pending and <own prefix>moved on metacopies (metacopy.h).
 *
 * All calls return 0 or negative errno unless they say otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* What the lower held at copy-up; little endian on disk, docs/format.md. */
struct layout_base {
	uint32_t version; /* LAYOUT_BASE_VERSION */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint64_t dev;
	uint64_t ino;
	uint64_t size;
	uint64_t mtime_ns;
	uint64_t ctime_ns;
	uint64_t nlink;
};
#define LAYOUT_BASE_VERSION 1

/* The names of the attributes, with the store's prefix ("trusted.overlay." or "user.overlay."). */
struct layout_names {
	char opaque[40];
	char redirect[40];
	char whiteout[40];
	char impure[40];
	char metacopy[40];
	char base[40];    /* "trusted.sessionfs.base" or "user.sessionfs.base" */
	char pending[40]; /* the same with "pending" */
	char moved[40];   /* and "moved" */
	char prefix[24];
	char own_prefix[24];
};
void layout_names_init(struct layout_names *names, const char *overlay_prefix);

/* Whether what `st` describes is a whiteout by its type alone. */
static inline bool layout_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* Makes a whiteout; -EEXIST where the name is there. */
int layout_make_whiteout(int dirfd, const char *name);

/*
 * Sets an attribute of what an fd stands for, which may be O_PATH.
 */
int layout_set_xattr(int fd, const char *xattr, const void *value, size_t size);

/* dir_fd may be O_PATH. */
int layout_set_opaque(const struct layout_names *names, int dir_fd);
bool layout_is_opaque(const struct layout_names *names, int dir_fd);
/* As layout_set_base(): no error where the file system takes no such attribute. */
int layout_set_impure(const struct layout_names *names, int dir_fd);
bool layout_is_impure(const struct layout_names *names, int dir_fd);
/* Path relative to the lower's root, without leading slash; the attribute holds it with one. */
int layout_set_redirect(const struct layout_names *names, int dir_fd, const char *lower_path);
/* 0 with a new string, -ENODATA where there is none, -EINVAL where it is not a safe path. */
int layout_get_redirect(const struct layout_names *names, int dir_fd, char **ret_lower_path);
/* The same by name; "" stands for dirfd itself. */
int layout_get_redirect_at(const struct layout_names *names, int dirfd, const char *name,
			   char **ret_lower_path);

/* To and from the form on disk. -ENODATA: another version. */
void layout_encode_base(const struct stat *lower, struct layout_base *ret_base);
int layout_decode_base(const struct layout_base *disk, struct layout_base *ret_base);

/* `fd` may be O_PATH. Failing to set is no error where the file system takes no such attribute. */
int layout_set_base(const struct layout_names *names, int fd, const struct stat *lower);
int layout_get_base(const struct layout_names *names, int fd, struct layout_base *ret_base);
/* As layout_get_base() by name, without following a symlink; "" stands for dirfd itself. */
int layout_get_base_at(const struct layout_names *names, int dirfd, const char *name,
		       struct layout_base *ret_base);

/*
 * Whether what was copied up keeps the number that it had: a file of several names does not, for
 * they would still look like one file when they are not any more.
 */
static inline bool layout_base_is_origin(const struct layout_base *base)
{
	return S_ISDIR(base->mode) || base->nlink <= 1;
}

/*
 * Attributes that are ours or overlayfs's on disk are neither listed nor set through a view. What is
 * called so in a view is another one on disk, with the middle of its name doubled, as the kernel's
 * overlayfs does it: trusted.overlay.opaque is kept as trusted.overlay.overlay.opaque. So an upper
 * in a view describes its own layers, never the view's.
 */
bool layout_xattr_is_private(const struct layout_names *names, const char *xattr);
#define LAYOUT_XATTR_SIZE 256
/* The name on disk of an attribute of a view. 0, or -ERANGE where it is too long. */
int layout_xattr_escape(const struct layout_names *names, const char *xattr,
			char ret[LAYOUT_XATTR_SIZE]);
/* The reverse, in place; not for private ones. */
void layout_xattr_unescape(const struct layout_names *names, char *xattr);
