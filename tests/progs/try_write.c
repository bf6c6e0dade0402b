/* SPDX-License-Identifier: MIT */
/*
 * Tries ways to write in the working directory, on `given*` (files of one line "given", mode 666),
 * which are there, and on files that it makes. Prints what came of each.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

#define PAGE 4096
#define WRITERS 3
#define RECORDS 300

static void show(const char *what, const char *name)
{
	int fd = (int)MUST(open(name, O_RDONLY));
	unsigned long sum = 5381;
	unsigned char byte;
	struct stat st;

	MUST(fstat(fd, &st));
	while (read(fd, &byte, 1) == 1)
		sum = sum * 33 + byte;
	printf("%s: size %ld, sum %lx\n", what, (long)st.st_size, sum);
	close(fd);
}

/* Nothing that one appends takes the place of what another has appended. */
static void append_many(const char *name, int number)
{
	int fd = (int)MUST(open(name, O_WRONLY | O_APPEND | O_CREAT, 0666));
	char record[16];

	for (int i = 0; i < RECORDS; i++) {
		int len = snprintf(record, sizeof(record), "%d:%08d\n", number, i);

		if (write(fd, record, (size_t)len) != len)
			_exit(1);
	}
	_exit(0);
}

static void try_appenders(const char *name)
{
	int seen[WRITERS] = {0}, number, i, status, bad = 0;
	char line[100];
	FILE *file;

	for (number = 0; number < WRITERS; number++)
		if (MUST(fork()) == 0)
			append_many(name, number);
	for (number = 0; number < WRITERS; number++) {
		MUST(wait(&status));
		bad |= status;
	}
	file = fopen(name, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%d:%08d", &number, &i) == 2 && number >= 0 && number < WRITERS)
			bad |= i != seen[number]++;
		else if (strcmp(line, "given\n") != 0)
			bad = 1;
	if (file)
		fclose(file);
	for (number = 0; number < WRITERS; number++)
		bad |= seen[number] != RECORDS;
	printf("%s: %d appenders: %s\n", name, WRITERS, bad ? "lost" : "all is there");
}

/* A map's pages go to their place, also where it was made by a descriptor that appends. */
static void try_map_and_append(const char *name)
{
	int mapped = (int)MUST(open(name, O_RDWR | O_CREAT, 0666));
	int appender = (int)MUST(open(name, O_RDWR | O_APPEND));
	char *map;

	MUST(ftruncate(mapped, 2L * PAGE));
	map = mmap(NULL, 2L * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, appender, 0);
	if (map == MAP_FAILED)
		must("mmap", -1);
	memset(map + 100, 'm', PAGE);
	MUST(msync(map, 2L * PAGE, MS_SYNC));
	SAY(write(appender, "tail", 4));
	map[5] = 'x';
	MUST(msync(map, 2L * PAGE, MS_SYNC));
	munmap(map, 2L * PAGE);
	SAY(pwrite(appender, "more", 4, 0));
	show(name, name);
	MUST(fcntl(mapped, F_SETFL, O_APPEND));
	SAY(pwrite(mapped, "END", 3, 0));
	close(appender);
	close(mapped);
	show(name, name);
}

/* Not appending any more, by the same descriptor. */
static void try_append_no_more(void)
{
	int fd = (int)MUST(open("sync", O_RDWR | O_APPEND));

	MUST(fcntl(fd, F_SETFL, 0));
	SAY(pwrite(fd, "HEAD", 4, 0));
	close(fd);
	show("appending no more", "sync");
}

static void try_direct(void)
{
	char *block = aligned_alloc(PAGE, 2L * PAGE);
	int fd = (int)MUST(open("direct", O_RDWR | O_CREAT | O_DIRECT, 0644));
	int plain = (int)MUST(open("direct", O_RDWR));

	memset(block, 'd', 2L * PAGE);
	SAY(pwrite(fd, block, 2L * PAGE, 0));
	SAY(pwrite(plain, "plain", 5, PAGE));
	SAY(pread(fd, block, PAGE, PAGE));
	SAY(memcmp(block, "plaind", 6));
	memset(block, 'e', PAGE);
	SAY(pwrite(fd, block, PAGE, 0));
	SAY(pread(plain, block, 2L * PAGE, 0));
	SAY(memcmp(block, "eeee", 4));
	SAY(ftruncate(plain, PAGE + 10));
	SAY(pread(fd, block, 2L * PAGE, 0));
	SAY(pread(fd, block, PAGE, 4L * PAGE));
	close(fd);
	close(plain);
	show("direct", "direct");
	free(block);
}

static void try_sync(void)
{
	int fd = (int)MUST(open("sync", O_RDWR | O_CREAT | O_SYNC, 0644));
	struct iovec part = {.iov_base = "12345", .iov_len = 5};

	SAY(write(fd, "sync", 4));
	SAY(pwritev2(fd, &part, 1, 0, RWF_DSYNC));
	SAY(pwritev2(fd, &part, 1, -1, RWF_APPEND));
	SAY(pwritev2(fd, &part, 1, 2, 0));
	SAY(fsync(fd));
	SAY(fdatasync(fd));
	SAY(sync_file_range(fd, 0, 5, SYNC_FILE_RANGE_WRITE));
	SAY(syncfs(fd));
	close(fd);
	show("sync", "sync");
}

/* Private and shared maps of one descriptor, and what is written beside them. */
static void try_maps(void)
{
	int fd = (int)MUST(open("given_map", O_RDWR));
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char byte;

	if (shared == MAP_FAILED || private == MAP_FAILED)
		must("mmap", -1);
	shared[0] = 'S';
	SAY(pread(fd, &byte, 1, 0));
	printf("the shared map's change is read as %c, and shows in the private map as %c\n", byte,
	       private[0]);
	private[1] = 'P';
	SAY(pwrite(fd, "WW", 2, 1));
	printf("what was written: %.5s in the shared map, %.5s in the private one\n", shared,
	       private);
	SAY(ftruncate(fd, 3L * PAGE));
	munmap(shared, PAGE);
	munmap(private, PAGE);
	close(fd);
	show("given_map", "given_map");
	fd = (int)MUST(open("given_map", O_RDONLY));
	SAY(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	SAY(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
	close(fd);
	fd = (int)MUST(open("given_map", O_WRONLY));
	SAY(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	close(fd);
}

/* With an argument: also what passthrough cannot do. */
int main(int argc, char **argv)
{
	(void)argv;
	umask(022);
	try_appenders("given_append");
	try_appenders("made_append");
	try_map_and_append("given_both");
	try_map_and_append("made_both");
	try_direct();
	try_sync();
	try_maps();
	if (argc > 1)
		try_append_no_more();
	return 0;
}
