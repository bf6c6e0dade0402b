/* SPDX-License-Identifier: MIT */
#include "base/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ENVIRON_MAX (2u << 20)
#define STATUS_MAX (1u << 20) /* 65536 groups of at most 11 bytes each, and the rest */

/* Of <linux/pidfd.h>, which older headers lack. Linux 6.13; earlier kernels say ENOTTY. */
struct pidfd_info_v0 {
	uint64_t mask;
	uint64_t cgroup_id;
	uint32_t pid, tgid, ppid;
	uint32_t ids[8];
	uint32_t spare;
};
#define PIDFD_GET_INFO_V0 _IOWR(0xff, 11, struct pidfd_info_v0)
#define PIDFD_INFO_PID_BIT 1u
#define PIDFD_THREAD_FLAG O_EXCL

/* /proc says ENOENT at open and ESRCH at read where a process is gone. */
static int proc_errno(void)
{
	return errno == ENOENT ? -ESRCH : -errno;
}

static int proc_open(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	if (pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? proc_errno() : fd;
}

/* Reads until `size` or the end: some files give a page a time. */
static ssize_t proc_read_fd(int fd, char *ret, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, ret + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return proc_errno();
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* A file of known small size, as a string that is cut at size - 1. Returns its length. */
static ssize_t proc_read(pid_t pid, const char *name, char *ret, size_t size)
{
	_cleanup_close_ int fd = proc_open(pid, name);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = proc_read_fd(fd, ret, size - 1);
	if (n >= 0)
		ret[n] = '\0';
	return n;
}

/* A file of any size up to max, with a NUL added. */
static int proc_read_large(pid_t pid, const char *name, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = proc_open(pid, name);
	_cleanup_free_ char *data = NULL;
	size_t len = 0, size = 4096;
	ssize_t n;

	if (fd < 0)
		return fd;
	for (;;) {
		char *larger = realloc(data, size + 1);

		if (!larger)
			return -ENOMEM;
		data = larger;
		n = proc_read_fd(fd, data + len, size - len);
		if (n < 0)
			return (int)n;
		len += (size_t)n;
		if (len < size || size >= max)
			break;
		size = size * 2 < max ? size * 2 : max;
	}
	data[len] = '\0';
	*ret = TAKE_PTR(data);
	*ret_len = len;
	return 0;
}

static int proc_readlink(pid_t pid, const char *name, char *ret, size_t size)
{
	char path[64];
	ssize_t n;

	if (pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	n = readlink(path, ret, size);
	if (n < 0)
		return proc_errno();
	if ((size_t)n == size)
		return -ENAMETOOLONG;
	ret[n] = '\0';
	return 0;
}

/* What is used of /proc/<pid>/stat; proc(5) gives the fields' numbers. */
struct stat_fields {
	char state;           /* 3 */
	pid_t ppid;           /* 4 */
	pid_t pgid;           /* 5 */
	pid_t sid;            /* 6 */
	long n_threads;       /* 20 */
	uint64_t start_ticks; /* 22 */
	int exit_code;        /* 52; 0 where we may not trace the process */
};

static int stat_read(pid_t pid, struct stat_fields *ret)
{
	char text[1024], *at;
	ssize_t n = proc_read(pid, "stat", text, sizeof(text));
	long long fields[53] = {0};

	if (n < 0)
		return n == -ESRCH ? -ESRCH : -EIO;
	/* The name may hold spaces and parentheses; nothing behind it does. */
	at = strrchr(text, ')');
	if (!at || at[1] != ' ' || !at[2])
		return -EIO;
	ret->state = at[2];
	at += 3;
	for (int i = 4; i <= 52; i++) {
		char *end;

		/* Wraps addresses over 2^63, of which none is used. */
		fields[i] = (long long)strtoull(at, &end, 10);
		if (end == at)
			return -EIO;
		at = end;
	}
	ret->ppid = (pid_t)fields[4];
	ret->pgid = (pid_t)fields[5];
	ret->sid = (pid_t)fields[6];
	ret->n_threads = (long)fields[20];
	ret->start_ticks = (uint64_t)fields[22];
	ret->exit_code = (int)fields[52];
	return 0;
}

/* A zombie with more threads than one is a process whose first thread has ended. */
static bool stat_alive(const struct stat_fields *stat)
{
	return !strchr("ZXx", stat->state) || stat->n_threads > 1;
}

/* The line of /proc/<pid>/status that begins with `field`; points into `status`. */
static char *status_find(char *status, const char *field)
{
	size_t len = strlen(field);

	for (char *line = status; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, field, len))
			return line + len;
	}
	return NULL;
}

/* Less than half the time of reading status. */
static pid_t tgid_by_pidfd(pid_t tid)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD_FLAG);
	struct pidfd_info_v0 info = {.mask = PIDFD_INFO_PID_BIT};

	if (fd < 0 || ioctl(fd, PIDFD_GET_INFO_V0, &info) || !(info.mask & PIDFD_INFO_PID_BIT))
		return 0;
	return (pid_t)info.tgid;
}

static int tgid_by_status(pid_t tid, pid_t *ret_tgid)
{
	_cleanup_free_ char *status = NULL;
	size_t len;
	int r = proc_read_large(tid, "status", STATUS_MAX, &status, &len);
	char *value;

	if (r)
		return r == -ESRCH ? -ESRCH : -EIO;
	value = status_find(status, "Tgid:");
	if (!value)
		return -EIO;
	*ret_tgid = (pid_t)strtol(value, NULL, 10);
	return 0;
}

int proc_identify(pid_t tid, struct proc_id *ret_id)
{
	struct stat_fields stat;
	pid_t tgid;
	int r = 0;

	if (tid <= 0)
		return -ESRCH;
	tgid = tgid_by_pidfd(tid);
	if (tgid <= 0)
		r = tgid_by_status(tid, &tgid);
	if (!r)
		r = stat_read(tgid, &stat);
	if (r)
		return r;
	*ret_id = (struct proc_id){.pid = tgid, .start_ticks = stat.start_ticks};
	return 0;
}

bool proc_alive(const struct proc_id *id)
{
	struct stat_fields stat;

	return !stat_read(id->pid, &stat) && stat.start_ticks == id->start_ticks &&
	       stat_alive(&stat);
}

int proc_relations(pid_t pid, pid_t *ret_ppid, pid_t *ret_pgid, pid_t *ret_sid)
{
	struct stat_fields stat;
	int r = stat_read(pid, &stat);

	if (r)
		return r;
	*ret_ppid = stat.ppid;
	*ret_pgid = stat.pgid;
	*ret_sid = stat.sid;
	return 0;
}

/* Calls fn for each process until it returns false. */
static void each_process(bool (*fn)(pid_t pid, void *context), void *context)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    !fn((pid_t)strtol(entry->d_name, NULL, 10), context))
			return;
}

struct group_search {
	pid_t pgid;
	bool found;
};

static bool group_search_visit(pid_t pid, void *context)
{
	struct group_search *search = context;
	struct stat_fields stat;

	if (!stat_read(pid, &stat) && stat.pgid == search->pgid && stat_alive(&stat))
		search->found = true;
	return !search->found;
}

bool proc_group_alive(pid_t pgid)
{
	struct group_search search = {.pgid = pgid};

	if (pgid <= 0)
		return false;
	/* Spares the scan where not even a zombie is left. (-1 would mean everybody.) */
	if (pgid > 1 && kill(-pgid, 0) && errno == ESRCH)
		return false;
	each_process(group_search_visit, &search);
	return search.found;
}

int proc_exit_signal(pid_t tid)
{
	struct stat_fields stat;

	/* In a stopped process the field holds the signal that stopped it. */
	if (stat_read(tid, &stat) || strchr("Tt", stat.state))
		return 0;
	return stat.exit_code & 0x7f;
}

int proc_mount_namespace(pid_t tid, uint64_t *ret_ino)
{
	char link[64];
	int r = proc_readlink(tid, "ns/mnt", link, sizeof(link));

	if (r)
		return r;
	if (sscanf(link, "mnt:[%" SCNu64 "]", ret_ino) != 1)
		return -EIO;
	return 0;
}

struct namespace_search {
	uint64_t ino;
	bool (*fn)(pid_t pid, void *context);
	void *context;
};

static bool namespace_search_visit(pid_t pid, void *context)
{
	struct namespace_search *search = context;
	uint64_t ino;

	/* A zombie has none any more. */
	if (proc_mount_namespace(pid, &ino) || ino != search->ino)
		return true;
	return search->fn(pid, search->context);
}

void proc_each_in_namespace(uint64_t ino, bool (*fn)(pid_t pid, void *context), void *context)
{
	struct namespace_search search = {.ino = ino, .fn = fn, .context = context};

	each_process(namespace_search_visit, &search);
}

int proc_environ_read(pid_t pid, char **ret_block, size_t *ret_len)
{
	char *block = NULL;
	size_t len = 0;
	int r = proc_read_large(pid, "environ", ENVIRON_MAX, &block, &len);

	if (r)
		return r;
	/* A variable that was cut off is worse than none. */
	if (len == ENVIRON_MAX) {
		while (len && block[len - 1])
			len--;
		block[len] = '\0';
	}
	*ret_block = block;
	*ret_len = len;
	return 0;
}

const char *proc_environ_find(const char *block, size_t len, const char *name)
{
	size_t name_len = strlen(name), entry_len;

	for (size_t at = 0; at < len; at += entry_len + 1) {
		entry_len = strnlen(block + at, len - at);
		if (entry_len > name_len && block[at + name_len] == '=' &&
		    !memcmp(block + at, name, name_len))
			return block + at + name_len + 1;
	}
	return NULL;
}

int proc_environ_get(pid_t pid, const char *name, char **ret_value)
{
	_cleanup_free_ char *block = NULL;
	const char *value;
	char *copy;
	size_t len;
	int r = proc_environ_read(pid, &block, &len);

	if (r)
		return r;
	value = proc_environ_find(block, len, name);
	if (!value)
		return -ENOENT;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	*ret_value = copy;
	return 0;
}

ssize_t proc_cmdline(pid_t pid, char *ret, size_t size)
{
	_cleanup_close_ int fd = proc_open(pid, "cmdline");
	ssize_t n;

	if (fd < 0)
		return fd;
	n = proc_read_fd(fd, ret, size);
	if (n > 0 && ret[n - 1]) {
		/* Cut, or a title without its NUL. */
		if ((size_t)n < size)
			n++;
		ret[n - 1] = '\0';
	}
	return n;
}

int proc_comm(pid_t pid, char ret[17])
{
	char text[80]; /* names of kernel workers are longer than 15 */
	ssize_t n = proc_read(pid, "comm", text, sizeof(text));

	if (n < 0)
		return (int)n;
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	snprintf(ret, 17, "%.16s", text);
	for (char *at = ret; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	return 0;
}

int proc_cwd(pid_t pid, char *ret, size_t size)
{
	return proc_readlink(pid, "cwd", ret, size);
}

int proc_syscall_read(pid_t tid, struct proc_syscall *ret_call)
{
	struct proc_syscall call;
	char text[256];
	ssize_t n = proc_read(tid, "syscall", text, sizeof(text));
	int fields;

	if (n < 0)
		return (int)n;
	/* "running", or -1 where it is blocked outside a call, as in a page fault. */
	fields = sscanf(text,
			"%ld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
			&call.nr, &call.args[0], &call.args[1], &call.args[2], &call.args[3],
			&call.args[4], &call.args[5]);
	if (fields != 7 || call.nr < 0)
		return -EAGAIN;
	*ret_call = call;
	return 0;
}

int proc_groups(pid_t tid, gid_t *ret_groups, size_t max)
{
	_cleanup_free_ char *status = NULL;
	size_t len, count = 0;
	int r = proc_read_large(tid, "status", STATUS_MAX, &status, &len);
	char *at, *end;

	if (r)
		return r;
	at = status_find(status, "Groups:");
	if (!at)
		return 0;
	at[strcspn(at, "\n")] = '\0';
	for (; count < max; count++, at = end) {
		unsigned long group = strtoul(at, &end, 10);

		if (end == at)
			break;
		ret_groups[count] = (gid_t)group;
	}
	return (int)count;
}

static char boot_id[37];

static void boot_id_read(void)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (proc_read_fd(fd, boot_id, 36) != 36)
		boot_id[0] = '\0';
	close(fd);
}

const char *proc_boot_id(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, boot_id_read);
	return boot_id;
}
