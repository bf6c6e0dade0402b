/* SPDX-License-Identifier: MIT */
/*
 * What /proc tells of a process. Everything here takes thread or process ids in our own pid
 * namespace and reads /proc afresh; a process that is gone gives -ESRCH.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Process identity: a pid alone is reused. start_ticks is field 22 of /proc/<pid>/stat, in clock
 * ticks since boot.
 */
struct proc_id {
	pid_t pid; /* thread group id */
	uint64_t start_ticks;
};

/* The identity of the process that thread `tid` belongs to. 0, -ESRCH, -EIO. */
int proc_identify(pid_t tid, struct proc_id *ret_id);
/* Whether that very process is there and not a zombie. */
bool proc_alive(const struct proc_id *id);
/* Parent, process group, POSIX session of a process. */
int proc_relations(pid_t pid, pid_t *ret_ppid, pid_t *ret_pgid, pid_t *ret_sid);
/* Whether any live (not zombie) process has this process group. Scans /proc. */
bool proc_group_alive(pid_t pgid);
/* The exit signal visible in a dying thread's stat (field 52), 0 where it is not being killed. */
int proc_exit_signal(pid_t tid);

/* Inode number of the mount namespace (/proc/<tid>/ns/mnt). 0, -ESRCH, -EACCES. */
int proc_mount_namespace(pid_t tid, uint64_t *ret_ino);
/* Calls fn for each live process whose mount namespace is ino; stops when fn returns false. */
void proc_each_in_namespace(uint64_t ino, bool (*fn)(pid_t pid, void *context), void *context);

/*
 * Value of a variable in the environment with which the process was *executed* (later changes by
 * the process do not show, measured). Returns 0 (the caller frees *ret_value), -ENOENT, -ESRCH.
 * A process can have a large environment: at most 2 MiB are read.
 */
int proc_environ_get(pid_t pid, const char *name, char **ret_value);
/* The whole block, NUL-separated, for several look-ups in a row. The caller frees. */
int proc_environ_read(pid_t pid, char **ret_block, size_t *ret_len);
/* Borrowed value inside such a block, or NULL. */
const char *proc_environ_find(const char *block, size_t len, const char *name);

/* argv of a process, NUL-separated, cut at `size`. Returns bytes, or -ESRCH. */
ssize_t proc_cmdline(pid_t pid, char *ret, size_t size);
/* The process's short name (comm) with control characters replaced by '?'. */
int proc_comm(pid_t pid, char ret[17]);
/* Working directory as the kernel shows it. Returns 0 or negative errno. */
int proc_cwd(pid_t pid, char *ret, size_t size);

/*
 * The system call a thread is in: number and arguments (/proc/<tid>/syscall, 4 us). Returns 0,
 * -ESRCH, or -EAGAIN where the thread is running in user space.
 */
struct proc_syscall {
	long nr;
	uint64_t args[6];
};
int proc_syscall_read(pid_t tid, struct proc_syscall *ret_call);
/* Supplementary groups ("Groups:" of status). Returns the count (at most max), or -ESRCH. */
int proc_groups(pid_t tid, gid_t *ret_groups, size_t max);
/*
 * Whether the process has a file with that inode number open, on whatever file system; true also
 * where that cannot be found out.
 */
bool proc_has_open(pid_t pid, uint64_t ino);
/*
 * Whether a signal that ends the process is on its way to a thread, though it may still be waiting
 * in the kernel; or the thread is gone. false where it cannot be seen (tid 0).
 */
bool proc_is_being_killed(pid_t tid);
/* The boot id (36 characters and NUL), "" where it cannot be read. */
const char *proc_boot_id(void);

/*
 * Whether another thread of this process is running or waits for a processor: what it has begun, it may not
 * have been able to go on with. False where that cannot be read.
 */
bool proc_others_run(void);
