/* SPDX-License-Identifier: MIT */
#include "session/run_namespace.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define PF_EXITING 0x4 /* include/linux/sched.h; field 9 of /proc/<pid>/stat */

int run_namespace_open(pid_t tid, uint64_t *ret_ino)
{
	_cleanup_close_ int fd = -1;
	char path[40];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		return -errno;
	*ret_ino = st.st_ino;
	return TAKE_FD(fd);
}

struct reopen {
	uint64_t ino;
	int fd;
};

/* Goes on while the process left the namespace before it could be opened. */
static bool reopen_from(pid_t pid, void *context)
{
	struct reopen *reopen = context;
	uint64_t ino = 0;
	int fd = run_namespace_open(pid, &ino);

	if (fd < 0)
		return true;
	if (ino != reopen->ino) {
		close(fd);
		return true;
	}
	reopen->fd = fd;
	return false;
}

int run_namespace_reopen(uint64_t ino, const struct proc_id *leader)
{
	struct reopen reopen = {.ino = ino, .fd = -ENOENT};

	if (!proc_alive(leader) || reopen_from(leader->pid, &reopen))
		proc_each_in_namespace(ino, reopen_from, &reopen);
	return reopen.fd;
}

bool run_namespace_is_ours(uint64_t ino)
{
	const pid_t ours[] = {getpid(), getppid(), 1};
	uint64_t its;

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (ours[i] > 0 && !proc_mount_namespace(ours[i], &its) && its == ino)
			return true;
	return false;
}

static bool is_exiting(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	unsigned int flags;
	char path[32];
	char *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (sys_read_file(AT_FDCWD, path, 4096, &text) < 0)
		return true;
	/* The name before it may hold anything. */
	end = strrchr(text, ')');
	if (!end || sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) != 1)
		return false;
	return flags & PF_EXITING;
}

struct search {
	const struct proc_id *leader;
	bool leader_leaves;
	struct proc_id *witness;
	bool found;
};

static bool bear_witness(pid_t pid, void *context)
{
	struct search *search = context;

	if (pid == search->leader->pid && (search->leader_leaves || is_exiting(pid)))
		return true;
	if (proc_identify(pid, search->witness))
		return true;
	search->found = true;
	return false;
}

bool run_namespace_populated(uint64_t ino, const struct proc_id *leader, bool leader_leaves,
			     struct proc_id *witness)
{
	struct search search = {
		.leader = leader, .leader_leaves = leader_leaves, .witness = witness};
	uint64_t its;

	if (witness->pid && proc_alive(witness) && !proc_mount_namespace(witness->pid, &its) &&
	    its == ino &&
	    !(witness->pid == leader->pid && (leader_leaves || is_exiting(witness->pid))))
		return true;
	*witness = (struct proc_id){0};
	proc_each_in_namespace(ino, bear_witness, &search);
	return search.found;
}

static bool is_users(pid_t pid, uid_t uid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return stat(path, &st) == 0 && st.st_uid == uid;
}

static bool bears_id(pid_t pid, const char *id, uid_t uid, const struct proc_id *leader,
		     struct proc_id *ret_process)
{
	_cleanup_free_ char *value = NULL;

	return pid != leader->pid && is_users(pid, uid) && !proc_identify(pid, ret_process) &&
	       ret_process->start_ticks >= leader->start_ticks && proc_alive(ret_process) &&
	       !proc_environ_get(pid, "SESSIONFS_RUN", &value) && !strcmp(value, id);
}

bool run_environment_populated(const char *id, uid_t uid, const struct proc_id *leader,
			       struct proc_id *witness)
{
	_cleanup_closedir_ DIR *proc = NULL;
	struct proc_id process;
	struct dirent *entry;

	if (witness->pid && proc_alive(witness) &&
	    bears_id(witness->pid, id, uid, leader, &process))
		return true;
	*witness = (struct proc_id){0};
	proc = opendir("/proc");
	while (proc && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !bears_id((pid_t)atoi(entry->d_name), id, uid, leader, &process))
			continue;
		*witness = process;
		return true;
	}
	return false;
}
