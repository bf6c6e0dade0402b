/* SPDX-License-Identifier: MIT */
#include "cli/end_runs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proc.h"

/* Processes by pidfd: a pid may be another process's by the time it is signalled. */
struct crowd {
	const json_t *without; /* runs whose keepers are left out; NULL: none */
	struct pollfd *members;
	size_t count;
	bool failed; /* out of memory or fds: some are missing */
};

static void crowd_release(struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->count; i++)
		close(crowd->members[i].fd);
	free(crowd->members);
	*crowd = (struct crowd){0};
}

static bool is_keeper(const json_t *runs, pid_t pid)
{
	json_t *run;
	size_t i;

	json_array_foreach(runs, i, run)
	{
		if (json_integer_value(json_object_get(run, "pid")) == pid)
			return true;
	}
	return false;
}

static bool crowd_add(pid_t pid, void *context)
{
	struct crowd *crowd = context;
	struct pollfd *members;
	int fd;

	if (is_keeper(crowd->without, pid))
		return true;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0) {
		crowd->failed = crowd->failed || errno != ESRCH;
		return true;
	}
	members = reallocarray(crowd->members, crowd->count + 1, sizeof(*members));
	if (!members) {
		crowd->failed = true;
		close(fd);
		return false;
	}
	crowd->members = members;
	members[crowd->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	return true;
}

/* The runs' namespaces, found while their leaders live; 0 for one that is gone or is our own. */
static uint64_t *find_namespaces(const json_t *runs)
{
	uint64_t *namespaces = calloc(json_array_size(runs) + 1, sizeof(*namespaces));
	uint64_t own = 0;

	if (!namespaces || proc_mount_namespace(getpid(), &own) < 0)
		return namespaces;
	for (size_t i = 0; i < json_array_size(runs); i++) {
		const json_t *pid = json_object_get(json_array_get(runs, i), "pid");

		if (proc_mount_namespace((pid_t)json_integer_value(pid), &namespaces[i]) < 0 ||
		    namespaces[i] == own)
			namespaces[i] = 0;
	}
	return namespaces;
}

static void crowd_collect(const uint64_t *namespaces, size_t n, const json_t *without,
			  struct crowd *ret_crowd)
{
	*ret_crowd = (struct crowd){.without = without};
	for (size_t i = 0; i < n; i++) {
		if (namespaces[i])
			proc_each_in_namespace(namespaces[i], crowd_add, ret_crowd);
	}
}

static void crowd_signal(const struct crowd *crowd, int signal)
{
	for (size_t i = 0; i < crowd->count; i++)
		syscall(SYS_pidfd_send_signal, crowd->members[i].fd, signal, NULL, 0);
}

/* Waits until all are gone; those that are leave the crowd. Returns whether none is left. */
static bool crowd_wait(struct crowd *crowd, uint64_t timeout_ms)
{
	uint64_t deadline_ns = clock_boot_ns() + timeout_ms * NSEC_PER_MSEC, now;

	while (crowd->count && (now = clock_boot_ns()) < deadline_ns) {
		poll(crowd->members, crowd->count, (int)((deadline_ns - now) / NSEC_PER_MSEC) + 1);
		for (size_t i = crowd->count; i > 0; i--) {
			if (!crowd->members[i - 1].revents)
				continue;
			close(crowd->members[i - 1].fd);
			crowd->members[i - 1] = crowd->members[--crowd->count];
		}
	}
	return crowd->count == 0;
}

int end_runs(const json_t *runs, struct err *err)
{
	_cleanup_free_ uint64_t *namespaces = find_namespaces(runs);
	size_t n = json_array_size(runs);
	struct crowd crowd;
	bool gone;

	if (!namespaces)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	crowd_collect(namespaces, n, NULL, &crowd);
	crowd_signal(&crowd, SIGTERM);
	crowd_wait(&crowd, END_RUNS_TERM_MS);
	crowd_release(&crowd);
	/* Anew each time: children may have been born since. */
	crowd_collect(namespaces, n, runs, &crowd);
	crowd_signal(&crowd, SIGKILL);
	crowd_wait(&crowd, END_RUNS_KILL_MS);
	crowd_release(&crowd);
	/* A keeper tells its `run` how COMMAND ended, and is gone by itself. */
	crowd_collect(namespaces, n, NULL, &crowd);
	if (!crowd_wait(&crowd, END_RUNS_KEEPER_MS))
		crowd_signal(&crowd, SIGKILL);
	gone = crowd_wait(&crowd, END_RUNS_KILL_MS) && !crowd.failed;
	crowd_release(&crowd);
	return gone ? 0 : err_set(err, ERR_TIMEOUT, "processes of runs do not end");
}
