/* SPDX-License-Identifier: MIT */
/*
 * The syscall seam: file-system calls that libc lacks, or that tests make fail.
 *
 * Everything returns 0 (or a count, or an fd) or negative errno. EINTR is retried where POSIX says
 * that nothing was done.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Opens `path` below dirfd: never outside it, through no symlink and no magic link
 * (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS). "" opens dirfd itself anew.
 * O_CLOEXEC is added. With O_PATH | O_NOFOLLOW the last component may be a symlink.
 */
int sys_open_beneath(int dirfd, const char *path, int flags, mode_t mode);

/* renameat2(2). */
int sys_rename(int old_dirfd, const char *old_name, int new_dirfd, const char *new_name,
	       unsigned int flags);

/* Reads / writes all of it; a short count only at end of file. */
ssize_t sys_read_all(int fd, void *buf, size_t size);
int sys_write_all(int fd, const void *buf, size_t size);

/* Whole content of a small file as a NUL-terminated string; -EFBIG over max. Caller frees. */
ssize_t sys_read_file(int dirfd, const char *path, size_t max, char **ret_content);
/* Writes a file by temporary + fsync + rename + fsync of the directory. */
int sys_write_file_durable(int dirfd, const char *name, const void *content, size_t len,
			   mode_t mode);

/* mkdir -p below dirfd, for directories of our own. */
int sys_mkdir_all(int dirfd, const char *path, mode_t mode);
/*
 * Removes a tree below dirfd without following symlinks or leaving its file system's tree;
 * nothing there is success. Stops at the first error.
 */
int sys_remove_tree(int dirfd, const char *name);

/* "/proc/self/fd/N" for an fd; `ret` has 32 bytes. */
void sys_fd_path(int fd, char *ret);

/*
 * The file-system identity of the calling thread alone (setfsuid, setfsgid, not process-wide).
 * Capabilities that are effective stay so; sys_as_user() restores them after the switch.
 */
int sys_as_user(uid_t uid, gid_t gid);
int sys_as_root(void);
/* Takes CAP_FSETID and CAP_SYS_RESOURCE from the calling thread's effective set, and back. */
int sys_drop_write_caps(void);
int sys_restore_caps(void);
