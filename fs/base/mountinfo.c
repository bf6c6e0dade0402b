/* SPDX-License-Identifier: MIT */
#include "base/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Copies up to a space, with \ooo decoded. Returns what follows the space, NULL at a bad end. */
static const char *take_field(const char *text, char *ret, size_t size)
{
	size_t n = 0;

	while (*text && *text != ' ' && *text != '\n') {
		char c = *text++;

		if (c == '\\' && text[0] >= '0' && text[0] <= '3' && text[1] >= '0' &&
		    text[1] <= '7' && text[2] >= '0' && text[2] <= '7') {
			c = (char)((text[0] - '0') << 6 | (text[1] - '0') << 3 | (text[2] - '0'));
			text += 3;
		}
		if (n + 1 < size)
			ret[n++] = c;
	}
	ret[n] = '\0';
	return *text == ' ' ? text + 1 : NULL;
}

bool mountinfo_parse(const char *line, struct mount_info *ret_info)
{
	struct mount_info info = {0};
	char root[8];
	const char *at;
	int used = 0;

	/* 36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/root rw,errors=continue */
	if (sscanf(line, "%d %*d %u:%u %n", &info.id, &info.major, &info.minor, &used) < 3 ||
	    used == 0)
		return false;
	at = take_field(line + used, root, sizeof(root));
	if (at)
		at = take_field(at, info.path, sizeof(info.path));
	if (!at)
		return false;
	/* Options and optional fields hold no " - ". */
	at = strstr(at, " - ");
	if (!at)
		return false;
	at = take_field(at + 3, info.fstype, sizeof(info.fstype));
	if (!at)
		return false;
	take_field(at, info.source, sizeof(info.source));
	*ret_info = info;
	return true;
}

/* The mount that an fd is on. Needs no support from its file system. */
static int fd_mount_id(int fd, int *ret_id)
{
	_cleanup_fclose_ FILE *file = NULL;
	char name[48], line[128];

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	file = fopen(name, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "mnt_id: %d", ret_id) == 1)
			return 0;
	}
	return -EIO;
}

int mountinfo_at(const char *path, struct mount_info *ret_info)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int id = -1, r;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	r = fd_mount_id(fd, &id);
	if (r < 0)
		return r;
	file = fopen("/proc/self/mountinfo", "re");
	if (!file)
		return -errno;
	while (getline(&line, &size, file) >= 0) {
		struct mount_info info;

		if (!mountinfo_parse(line, &info) || info.id != id)
			continue;
		if (strcmp(info.path, path) != 0)
			return 0;
		*ret_info = info;
		return 1;
	}
	return 0;
}
