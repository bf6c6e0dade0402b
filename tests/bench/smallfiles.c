/* SPDX-License-Identifier: MIT */
/*
 * Times operations on many small files, phase by phase, inside one process: no process is started
 * while a clock runs.
 *
 * Usage: smallfiles DIR COUNT SIZE PHASE...
 * Prints "PHASE SECONDS" for each phase, in the order given.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct job {
	int dir;
	long count;
	size_t size;
};

static char data[1 << 16];

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* 16 bytes each. */
static const char *file_name(long number)
{
	static char name[32];

	snprintf(name, sizeof(name), "file-%011ld", number);
	return name;
}

static void create(const struct job *job)
{
	for (long i = 0; i < job->count; i++) {
		int fd = openat(job->dir, file_name(i), O_WRONLY | O_CREAT | O_EXCL, 0644);

		if (fd < 0 || write(fd, data, job->size) != (ssize_t)job->size || close(fd))
			err(1, "create %s", file_name(i));
	}
}

static void stat_each(const struct job *job)
{
	struct stat st;

	for (long i = 0; i < job->count; i++)
		if (fstatat(job->dir, file_name(i), &st, AT_SYMLINK_NOFOLLOW))
			err(1, "stat %s", file_name(i));
}

static void read_each(const struct job *job)
{
	for (long i = 0; i < job->count; i++) {
		int fd = openat(job->dir, file_name(i), O_RDONLY);

		if (fd < 0 || read(fd, data, job->size) != (ssize_t)job->size || close(fd))
			err(1, "read %s", file_name(i));
	}
}

static void list_with(const struct job *job, int stats)
{
	int fd = openat(job->dir, ".", O_RDONLY | O_DIRECTORY);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;
	long seen = 0;

	if (!stream)
		err(1, "opendir");
	while ((entry = readdir(stream))) {
		if (stats && fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			err(1, "stat %s", entry->d_name);
		seen++;
	}
	if (seen != job->count + 2)
		errx(1, "%ld entries instead of %ld", seen, job->count + 2);
	closedir(stream);
}

static void list(const struct job *job)
{
	list_with(job, 0);
}

static void list_stat(const struct job *job)
{
	list_with(job, 1);
}

/* An editor's or a package manager's way to replace a file: copy-up by O_TRUNC. */
static void rewrite(const struct job *job)
{
	for (long i = 0; i < job->count; i++) {
		int fd = openat(job->dir, file_name(i), O_WRONLY | O_TRUNC);

		if (fd < 0 || write(fd, data, job->size) != (ssize_t)job->size || close(fd))
			err(1, "rewrite %s", file_name(i));
	}
}

static void unlink_each(const struct job *job)
{
	for (long i = 0; i < job->count; i++)
		if (unlinkat(job->dir, file_name(i), 0))
			err(1, "unlink %s", file_name(i));
}

/*
 * Not timed for its own sake: the kernel forgets dentries and inodes. What it tells servers of that
 * they need not answer; they get the time to read it.
 */
static void drop(const struct job *job)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	(void)job;
	if (fd < 0 || write(fd, "2", 1) != 1)
		err(1, "drop_caches");
	close(fd);
	usleep(50000);
}

static const struct {
	const char *name;
	void (*run)(const struct job *job);
} phases[] = {
	{"create", create}, {"stat", stat_each},      {"read", read_each},     {"list", list},
	{"drop", drop},     {"list_stat", list_stat}, {"unlink", unlink_each}, {"rewrite", rewrite},
};

static void run_phase(const struct job *job, const char *name)
{
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
		double start = now_s();

		if (strcmp(phases[i].name, name) != 0)
			continue;
		phases[i].run(job);
		printf("%s %.9f\n", name, now_s() - start);
		return;
	}
	errx(2, "no such phase: %s", name);
}

int main(int argc, char **argv)
{
	struct job job;

	if (argc < 5)
		errx(2, "usage: smallfiles DIR COUNT SIZE PHASE...");
	job.dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	job.count = atol(argv[2]);
	job.size = (size_t)atol(argv[3]);
	if (job.dir < 0)
		err(1, "%s", argv[1]);
	if (job.size > sizeof(data))
		errx(2, "SIZE is at most %zu", sizeof(data));
	for (int i = 4; i < argc; i++)
		run_phase(&job, argv[i]);
	return 0;
}
