/* SPDX-License-Identifier: MIT */
#include "cli/served_by.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"

static bool is_daemon(pid_t pid)
{
	char name[17];

	return proc_comm(pid, name) == 0 && strcmp(name, "sessionfsd") == 0;
}

static bool is_connection(pid_t pid, const char *fd, unsigned int connection)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[320], line[128];
	unsigned int number;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "fuse_connection: %u", &number) == 1)
			return number == connection;
	}
	return false;
}

static bool holds_connection(pid_t pid, unsigned int connection)
{
	_cleanup_closedir_ DIR *fds = NULL;
	struct dirent *entry;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	fds = opendir(path);
	while (fds && (entry = readdir(fds))) {
		if (entry->d_name[0] != '.' && is_connection(pid, entry->d_name, connection))
			return true;
	}
	return false;
}

pid_t served_by(unsigned int connection)
{
	_cleanup_closedir_ DIR *processes = opendir("/proc");
	struct dirent *entry;

	while (processes && (entry = readdir(processes))) {
		pid_t pid = atoi(entry->d_name), ppid, pgid, sid;

		/* The worker has the same name and the same fd, and the supervisor as parent. */
		if (pid <= 0 || !is_daemon(pid) || proc_relations(pid, &ppid, &pgid, &sid) < 0 ||
		    is_daemon(ppid))
			continue;
		if (holds_connection(pid, connection))
			return pid;
	}
	return 0;
}
