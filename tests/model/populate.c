/* SPDX-License-Identifier: MIT */
/* A lower at random, with times of long ago. */
#include "populate.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "place.h"

#define DEPTH_MAX 3

static void set_past(struct random *random, int dirfd, const char *name)
{
	struct timespec times[2];

	for (int i = 0; i < 2; i++) {
		times[i].tv_sec = 900000000 + (time_t)random_below(random, 50000000);
		times[i].tv_nsec = (long)random_below(random, 1000000000);
	}
	if (utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW))
		err(2, "%s", name);
}

static void set_owner(struct random *random, int dirfd, const char *name)
{
	static const uid_t ids[] = {0, 0, 1000, 1001};

	if (fchownat(dirfd, name, RANDOM_OF(random, ids), RANDOM_OF(random, ids),
		     AT_SYMLINK_NOFOLLOW))
		err(2, "%s", name);
}

static void make_file(struct random *random, int dirfd, const char *name)
{
	static const size_t limits[] = {1, 100, 5000, 5000, 150000};
	static const mode_t modes[] = {0644, 0600, 0664, 0755, 04755, 0444};
	int fd = openat(dirfd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	size_t size = random_below(random, RANDOM_OF(random, limits));
	uint8_t bytes[4096];

	if (fd < 0)
		err(2, "%s", name);
	while (size) {
		size_t part = size < sizeof(bytes) ? size : sizeof(bytes);

		memset(bytes, 1 + (int)random_below(random, 255), part);
		/* Or a hole. */
		if (random_chance(random, 30))
			lseek(fd, (off_t)part, SEEK_CUR);
		else if (write(fd, bytes, part) != (ssize_t)part)
			err(2, "%s", name);
		size -= part;
	}
	set_owner(random, dirfd, name);
	if (random_chance(random, 30) && fsetxattr(fd, "user.a", name, strlen(name), 0))
		err(2, "%s", name);
	if (fchmod(fd, RANDOM_OF(random, modes)))
		err(2, "%s", name);
	close(fd);
}

static void populate_dir(struct random *random, int fd, int depth);

static void make_dir(struct random *random, int dirfd, const char *name, int depth)
{
	static const mode_t modes[] = {0755, 0755, 0777, 01777, 02775, 0700};
	int fd;

	if (mkdirat(dirfd, name, 0700))
		err(2, "%s", name);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", name);
	populate_dir(random, fd, depth);
	set_owner(random, dirfd, name);
	if (fchmod(fd, RANDOM_OF(random, modes)))
		err(2, "%s", name);
	close(fd);
}

static void make_one(struct random *random, int fd, const char *name, int depth)
{
	static const char *const targets[] = {"a", "b/c", "c", "nowhere", "."};
	uint64_t kind = random_below(random, 100);
	int r = 0;

	if (kind < 35 && depth < DEPTH_MAX)
		make_dir(random, fd, name, depth + 1);
	else if (kind < 70)
		make_file(random, fd, name);
	else if (kind < 78)
		r = symlinkat(RANDOM_OF(random, targets), fd, name);
	else if (kind < 82)
		r = mknodat(fd, name, S_IFIFO | 0644, 0);
	else
		return;
	if (r)
		err(2, "%s", name);
	set_past(random, fd, name);
}

static void populate_dir(struct random *random, int fd, int depth)
{
	for (size_t i = 0; i < PLACE_NAMES; i++)
		make_one(random, fd, place_names[i], depth);
}

void populate(const char *path, uint64_t seed)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct random random;

	if (fd < 0)
		err(2, "%s", path);
	random_init(&random, seed, 0);
	populate_dir(&random, fd, 0);
	set_past(&random, fd, ".");
	close(fd);
}
