/* SPDX-License-Identifier: MIT */
/*
 * Tries fallocate, lseek over holes and copy_file_range in the working directory: on files `made`,
 * which it makes, and `given`, which is there (128 KiB of 'g', a hole of 128 KiB, 64 KiB of 'h').
 * Prints what came of each.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"

#define K 1024
#define ALL 0x7fffffffL

static void fill(int fd, off_t at, size_t size, char c)
{
	char *data = malloc(size);

	memset(data, c, size);
	if (pwrite(fd, data, size, at) != (ssize_t)size)
		must("pwrite", -1);
	free(data);
}

/* A file's size and a sum of what read(2) and a map show: they must be the same. */
static void show(const char *what, int fd)
{
	struct stat st;
	unsigned long sum = 5381, mapped = 5381;
	unsigned char *data, *map;

	MUST(fstat(fd, &st));
	data = malloc((size_t)st.st_size + 1);
	if (pread(fd, data, (size_t)st.st_size, 0) != st.st_size)
		must("pread", -1);
	for (off_t i = 0; i < st.st_size; i++)
		sum = sum * 33 + data[i];
	free(data);
	map = st.st_size ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0) : NULL;
	for (off_t i = 0; map && i < st.st_size; i++)
		mapped = mapped * 33 + map[i];
	if (map)
		munmap(map, (size_t)st.st_size);
	printf("%s: size %ld, sum %lx%s\n", what, (long)st.st_size, sum,
	       sum == mapped ? "" : ", and the map shows something else");
}

static void try_fallocate(const char *name, int fd)
{
	static const struct {
		int mode;
		off_t offset, length;
	} trials[] = {
		{0, 0, 400 * K},
		{FALLOC_FL_KEEP_SIZE, 0, 800 * K},
		{FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5, 200 * K},
		{FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 390 * K, 200 * K},
		{FALLOC_FL_PUNCH_HOLE, 0, K},
		{FALLOC_FL_ZERO_RANGE, 64 * K, 7},
		{FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 399 * K, 100 * K},
		{FALLOC_FL_ZERO_RANGE, 399 * K, 100 * K},
		{0, -1, 5},
		{0, 0, 0},
		{0, INT64_MAX - 5, 10},
		{0x4000, 0, 5},
	};
	char what[100];

	for (size_t i = 0; i < sizeof(trials) / sizeof(*trials); i++) {
		snprintf(what, sizeof(what), "%s: fallocate %x %ld %ld", name, trials[i].mode,
			 (long)trials[i].offset, (long)trials[i].length);
		say(what, fallocate(fd, trials[i].mode, trials[i].offset, trials[i].length));
		show(what, fd);
	}
}

static void try_lseek(const char *name, int fd, off_t size)
{
	const off_t at[] = {0, 1, 64 * K, 130 * K, 200 * K, size - 1, size, size + 1, -1};
	char what[100];

	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		snprintf(what, sizeof(what), "%s: SEEK_DATA %ld", name, (long)at[i]);
		say(what, lseek(fd, at[i], SEEK_DATA));
		snprintf(what, sizeof(what), "%s: SEEK_HOLE %ld", name, (long)at[i]);
		say(what, lseek(fd, at[i], SEEK_HOLE));
	}
	SAY(lseek(fd, -5, SEEK_END));
	SAY(lseek(fd, 0, SEEK_CUR));
	SAY(lseek(fd, 0, 77));
}

static void copy(const char *what, int in, off_t from, int out, off_t to, size_t len)
{
	say(what, copy_file_range(in, &from, out, &to, len, 0));
	show(what, out);
}

static void try_copy(int given, int made)
{
	int end = (int)MUST(open("made", O_WRONLY | O_APPEND));
	int reader = (int)MUST(open("made", O_RDONLY));
	int dir = (int)MUST(open(".", O_RDONLY));
	loff_t at = 0;

	copy("copy whole", given, 0, made, 0, ALL);
	copy("copy beyond the end", given, 400 * K, made, 0, 5);
	copy("copy nothing", given, 0, made, 0, 0);
	copy("copy into the middle", given, 10, made, 100 * K + 3, 5000);
	copy("copy behind the end", given, 1, made, 500 * K, 5000);
	copy("copy inside", made, 0, made, 600 * K, 70000);
	copy("copy overlapping", made, 0, made, 100, 5000);
	copy("copy onto itself", made, 0, made, 0, 5000);
	SAY(copy_file_range(given, &at, end, NULL, 5, 0));
	SAY(copy_file_range(given, &at, reader, NULL, 5, 0));
	SAY(copy_file_range(end, &at, made, NULL, 5, 0));
	SAY(copy_file_range(given, &at, dir, NULL, 5, 0));
	SAY(copy_file_range(given, NULL, made, NULL, 5, 7));
	SAY(lseek(given, 300 * K, SEEK_SET));
	SAY(lseek(made, 0, SEEK_SET));
	SAY(copy_file_range(given, NULL, made, NULL, ALL, 0));
	SAY(lseek(given, 0, SEEK_CUR));
	SAY(lseek(made, 0, SEEK_CUR));
	show("copy by position", made);
	close(end);
	close(reader);
	close(dir);
}

/* A limit of the caller counts, not of whoever does it for him. */
static void try_limit(int given)
{
	struct rlimit limit = {100 * K, RLIM_INFINITY};
	int fd = (int)MUST(open("limited", O_RDWR | O_CREAT | O_TRUNC, 0644));
	loff_t from = 0;

	signal(SIGXFSZ, SIG_IGN);
	MUST(setrlimit(RLIMIT_FSIZE, &limit));
	SAY(fallocate(fd, 0, 0, 101 * K));
	SAY(fallocate(fd, 0, 0, 100 * K));
	SAY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 200 * K));
	SAY(ftruncate(fd, 101 * K));
	SAY(pwrite(fd, "12345", 5, 100 * K - 2));
	SAY(pwrite(fd, "12345", 5, 100 * K));
	SAY(copy_file_range(given, &from, fd, NULL, ALL, 0));
	show("limited", fd);
	close(fd);
}

int main(void)
{
	int given = (int)MUST(open("given", O_RDONLY));
	int made = (int)MUST(open("made", O_RDWR | O_CREAT, 0644));
	int writer;

	try_lseek("given", given, 320 * K);
	fill(made, 0, 64 * K, 'a');
	fill(made, 256 * K, 3, 'b');
	try_lseek("made", made, 256 * K + 3);
	show("made", made);
	try_copy(given, made);
	/* Now it is changed: copied up, where it came from below. */
	writer = (int)MUST(open("given", O_RDWR));
	copy("copy into what was given", made, 0, writer, 50, 1000);
	SAY(fallocate(writer, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 64 * K));
	try_lseek("given, punched", writer, 320 * K);
	try_fallocate("given", writer);
	try_fallocate("made", made);
	try_limit(writer);
	return 0;
}
