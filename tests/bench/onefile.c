/* SPDX-License-Identifier: MIT */
/*
 * Times operations on one file, inside one process.
 *
 * Usage: onefile FILE PHASE...
 * Prints "PHASE FIGURE" for each phase, in the order given: MB/s of memory copied from or to a
 * shared map of the whole file ("map-read", "map-write"), else seconds: of one lock and unlock
 * ("fcntl", "flock"), of the first write of one byte, from open to close ("touch").
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCKS 5000
#define PASSES 8

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static int open_rw(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* The pages are in memory from the first pass on, which is not timed. */
static double map_copy(const char *path, int writes)
{
	static char page[1 << 16];
	int fd = open_rw(path);
	double start = 0;
	struct stat st;
	char *map;

	if (fstat(fd, &st))
		err(1, "%s", path);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(1, "mmap %s", path);
	for (int pass = 0; pass <= PASSES; pass++) {
		if (pass == 1)
			start = now_s();
		for (off_t at = 0; at + (off_t)sizeof(page) <= st.st_size; at += sizeof(page)) {
			if (writes)
				memcpy(map + at, page, sizeof(page));
			else
				memcpy(page, map + at, sizeof(page));
		}
	}
	start = now_s() - start;
	munmap(map, (size_t)st.st_size);
	close(fd);
	return (double)st.st_size * PASSES / 1e6 / start;
}

static double map_read(const char *path)
{
	return map_copy(path, 0);
}

static double map_write(const char *path)
{
	return map_copy(path, 1);
}

static double lock_fcntl(const char *path)
{
	struct flock lock = {.l_whence = SEEK_SET};
	int fd = open_rw(path);
	double start = now_s();

	for (int i = 0; i < LOCKS; i++) {
		lock.l_type = F_WRLCK;
		if (fcntl(fd, F_SETLK, &lock))
			err(1, "lock %s", path);
		lock.l_type = F_UNLCK;
		if (fcntl(fd, F_SETLK, &lock))
			err(1, "unlock %s", path);
	}
	start = now_s() - start;
	close(fd);
	return start / LOCKS;
}

static double lock_flock(const char *path)
{
	int fd = open_rw(path);
	double start = now_s();

	for (int i = 0; i < LOCKS; i++)
		if (flock(fd, LOCK_EX) || flock(fd, LOCK_UN))
			err(1, "flock %s", path);
	start = now_s() - start;
	close(fd);
	return start / LOCKS;
}

static double touch(const char *path)
{
	double start = now_s();
	int fd = open_rw(path);

	if (pwrite(fd, "x", 1, 0) != 1 || close(fd))
		err(1, "write %s", path);
	return now_s() - start;
}

static const struct {
	const char *name;
	double (*run)(const char *path);
} phases[] = {
	{"map-read", map_read}, {"map-write", map_write}, {"fcntl", lock_fcntl},
	{"flock", lock_flock},  {"touch", touch},
};

static double run_phase(const char *path, const char *name)
{
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++)
		if (strcmp(phases[i].name, name) == 0)
			return phases[i].run(path);
	errx(2, "no such phase: %s", name);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "usage: onefile FILE PHASE...");
	for (int i = 2; i < argc; i++)
		printf("%s %.9f\n", argv[i], run_phase(argv[1], argv[i]));
	return 0;
}
