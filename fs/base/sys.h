/* SPDX-License-Identifier: MIT */
/*
 * The syscall seam: file-system calls that libc lacks, or that tests make fail.
 *
 * Everything returns 0 (or a count, or an fd) or negative errno. EINTR is retried where POSIX says
 * that nothing was done.
 *
 * Tests make calls fail through sys_fault_hook: it gets the name of a system call that is about to
 * be made ("openat", "openat2", "renameat2", "read", "write", "fsync", "mkdirat", "unlinkat",
 * "setfsuid", "capset") and returns 0, or the negative errno with which the call is to fail. Other
 * files may consult it for calls of their own, through sys_fault().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* NULL but in tests. Not to be changed while other threads are in here. */
extern int (*sys_fault_hook)(const char *call);

static inline int sys_fault(const char *call)
{
	return __builtin_expect(sys_fault_hook != NULL, 0) ? sys_fault_hook(call) : 0;
}

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
/*
 * Writes a file by temporary + fsync + rename + fsync of the directory. `mode` is exact, whatever
 * the umask. A kill in between leaves a file "<SYS_TEMPORARY_PREFIX><16 hex digits>" beside it,
 * which recovery may remove.
 */
#define SYS_TEMPORARY_PREFIX ".tmp-"
int sys_write_file_durable(int dirfd, const char *name, const void *content, size_t len,
			   mode_t mode);

/* mkdir -p below dirfd, for directories of our own: follows symlinks, returns -ENOTDIR on a file. */
int sys_mkdir_all(int dirfd, const char *path, mode_t mode);
/*
 * Removes a tree below dirfd without following symlinks or leaving its file system's tree (-EBUSY
 * or -EXDEV at a mount point); nothing there is success. Stops at the first error. Any depth: deep
 * directories are first moved up. Not even "immutable" keeps anything in it.
 */
int sys_remove_tree(int dirfd, const char *name);
/*
 * Takes the attributes "immutable" and "append only" from an entry and from its directory, so that it
 * can be removed. true where one was set.
 */
bool sys_unprotect(int dirfd, const char *name);

/*
 * Reads an extended attribute of an entry of a directory (its fd may be O_PATH), of a symlink
 * itself; of the fd's own object where `name` is "". Returns its size. By getxattrat(2) 0.2 us on tmpfs, by a path through /proc, which is
 * the way before Linux 6.13, 4.4 us.
 */
ssize_t sys_get_xattr(int dirfd, const char *name, const char *xattr, void *value, size_t size);

/*
 * fstatat() with AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH, and with it *ret_birth: a hash of the time at which
 * the object was made, which tells it from a later one that got its inode number; 0 where the file system
 * does not keep it. 0 or negative errno.
 */
int sys_stat_birth(int dirfd, const char *name, struct stat *ret_st, uint32_t *ret_birth);

/* "/proc/self/fd/N" for an fd; `ret` has 32 bytes. */
void sys_fd_path(int fd, char *ret);

/*
 * The file-system identity of the calling thread alone (setfsuid, setfsgid, not process-wide).
 * Capabilities that are effective stay so; sys_as_user() restores them after the switch. At most
 * three system calls. On failure the thread is as it was before sys_as_user().
 * The identity of which these return to is that of the thread's first call of any of the four.
 */
int sys_as_user(uid_t uid, gid_t gid);
int sys_as_root(void);
/* Takes CAP_FSETID and CAP_SYS_RESOURCE from the calling thread's effective set, and back. */
int sys_drop_write_caps(void);
/* All by which a thread may do what the owner, mode or ACL of a file or of its directory forbid. */
int sys_drop_file_caps(void);
int sys_restore_caps(void);
