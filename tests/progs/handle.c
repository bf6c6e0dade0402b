/* SPDX-License-Identifier: MIT */
/*
 * File handles of the kernel (open_by_handle_at).
 *
 * Usage: handle open FILE     prints the file's content, opened by its handle
 *        handle forge FILE    opens 10,000 handles that differ from the file's in one number; exits
 *                             with 1 where one that the file system has not given out can be opened
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORGERIES 10000

static struct file_handle *handle_of(const char *path)
{
	struct file_handle *handle = calloc(1, sizeof(*handle) + MAX_HANDLE_SZ);
	int mount_id;

	handle->handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(AT_FDCWD, path, handle, &mount_id, 0))
		err(1, "name_to_handle_at %s", path);
	return handle;
}

static int print_opened(int mount_fd, struct file_handle *handle)
{
	int fd = open_by_handle_at(mount_fd, handle, O_RDONLY);
	char data[4096];
	ssize_t n;

	if (fd < 0)
		err(1, "open_by_handle_at");
	n = read(fd, data, sizeof(data));
	close(fd);
	return n >= 0 && write(STDOUT_FILENO, data, (size_t)n) == n ? 0 : 1;
}

/* The first eight bytes are the number of the object, as the daemon gave it. */
static int forge(int mount_fd, const struct file_handle *handle)
{
	const size_t size = sizeof(*handle) + handle->handle_bytes;
	struct file_handle *forged = malloc(size);
	unsigned int state = 1;
	int opened = 0;

	for (int i = 0; i < FORGERIES; i++) {
		unsigned long long number;

		memcpy(forged, handle, size);
		state = state * 1103515245 + 12345;
		/* A generation far beyond those in use: none of these was ever given out. */
		number = (unsigned long long)(0x40000000u | state) << 32 | (unsigned int)(i % 2048);
		memcpy(forged->f_handle, &number, sizeof(number));
		opened += open_by_handle_at(mount_fd, forged, O_PATH) >= 0;
	}
	free(forged);
	return opened ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct file_handle *handle;
	int mount_fd;

	if (argc != 3)
		errx(2, "usage: handle open|forge FILE");
	handle = handle_of(argv[2]);
	mount_fd = open(argv[2], O_RDONLY);
	if (mount_fd < 0)
		err(1, "%s", argv[2]);
	if (strcmp(argv[1], "open") == 0)
		return print_opened(mount_fd, handle);
	return forge(mount_fd, handle);
}
