/* SPDX-License-Identifier: MIT */
/* What a process has open. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"

#define INFO_SIZE 512 /* pos, flags, mnt_id and ino come first */

/* "ino:" in a file of /proc/<pid>/fdinfo, since Linux 5.14. 0, or -ENOENT where there is none. */
static int read_ino(int dirfd, const char *name, uint64_t *ret_ino)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	char text[INFO_SIZE];
	const char *line;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	line = strstr(text, "\nino:");
	return line && sscanf(line, "\nino: %" SCNu64, ret_ino) == 1 ? 0 : -ENOENT;
}

bool proc_has_open(pid_t pid, uint64_t ino)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	char path[48];
	uint64_t found = 0;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return errno != ENOENT && errno != ESRCH;
	while ((entry = readdir(dir))) {
		int r;

		if (entry->d_name[0] == '.')
			continue;
		r = read_ino(dirfd(dir), entry->d_name, &found);
		/* Closed since the directory was read: it is another's, or nobody's. */
		if (r == -ENOENT && faccessat(dirfd(dir), entry->d_name, F_OK, 0) < 0)
			continue;
		if (r < 0 || found == ino)
			return true;
	}
	return false;
}
