/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/sys.h"

/* "TID (NAME) STATE ...": the name may hold anything. */
static bool runs(int tasks_fd, const char *tid)
{
	char path[32], text[512];
	const char *end;
	int fd;
	ssize_t len;

	snprintf(path, sizeof(path), "%.10s/stat", tid);
	fd = openat(tasks_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	end = strrchr(text, ')');
	return end && end[1] == ' ' && end[2] == 'R';
}

bool proc_others_run(void)
{
	_cleanup_closedir_ DIR *tasks = opendir("/proc/self/task");
	const pid_t own = gettid();
	const struct dirent *entry;

	while (tasks && (entry = readdir(tasks)))
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != own &&
		    runs(dirfd(tasks), entry->d_name))
			return true;
	return false;
}
