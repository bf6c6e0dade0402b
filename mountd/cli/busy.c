/* SPDX-License-Identifier: MIT */
#include "cli/busy.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/proc.h"

/* Whether the link of /proc leads to or below dir; its text goes to ret. */
static bool leads_below(const char *link, const char *dir, char *ret, size_t size)
{
	ssize_t len = readlink(link, ret, size - 1);

	if (len <= 0 || ret[0] != '/')
		return false;
	ret[len] = '\0';
	return path_is_below(ret, dir);
}

static bool find_fd(pid_t pid, const char *dir, char *ret_use, size_t use_size, char *ret,
		    size_t size)
{
	_cleanup_closedir_ DIR *fds = NULL;
	struct dirent *entry;
	char path[64], link[340];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	fds = opendir(path);
	while (fds && (entry = readdir(fds))) {
		snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
		if (!leads_below(link, dir, ret, size))
			continue;
		snprintf(ret_use, use_size, "fd %s", entry->d_name);
		return true;
	}
	return false;
}

/* The first use that a process makes of dir. */
static bool find_use(pid_t pid, const char *dir, char *ret_use, size_t use_size, char *ret,
		     size_t size)
{
	static const char *const links[] = {"cwd", "root", "exe"};
	char link[64];

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		snprintf(link, sizeof(link), "/proc/%d/%s", (int)pid, links[i]);
		if (!leads_below(link, dir, ret, size))
			continue;
		snprintf(ret_use, use_size, "%s", links[i]);
		return true;
	}
	return find_fd(pid, dir, ret_use, use_size, ret, size);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static int is_number(const struct dirent *entry)
{
	return isdigit((unsigned char)entry->d_name[0]);
}

json_t *busy_processes(const char *mountpoint)
{
	struct dirent **entries = NULL;
	json_t *found = json_array();
	int n = scandir("/proc", &entries, is_number, by_number);

	for (int i = 0; i < n; i++) {
		pid_t pid = atoi(entries[i]->d_name);
		char use[280], path[4096], name[17] = "?";

		if (json_array_size(found) < BUSY_MAX && pid != getpid() &&
		    find_use(pid, mountpoint, use, sizeof(use), path, sizeof(path))) {
			proc_comm(pid, name);
			json_array_append_new(found,
					      json_pack("{s:i, s:o, s:s, s:o}", "pid", (int)pid,
							"name", json_text(name), "uses", use,
							"path", json_text(path)));
		}
		free(entries[i]);
	}
	free(entries);
	return found;
}
