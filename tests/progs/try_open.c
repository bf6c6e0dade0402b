/* SPDX-License-Identifier: MIT */
/*
 * Tries open(2) with all kinds of flags in the working directory, on what is there: `given` (a file of
 * 5 bytes, mode 666), `other` (the same, mode 644), `link` to `given`, `dangling` to `made_by_link`,
 * `given_dir`. Prints what came of each.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "say.h"

static long try_flags(const char *what, const char *name, int flags)
{
	/* By the system call: the library adds flags, and takes the mode for some only. */
	long fd = syscall(SYS_openat, AT_FDCWD, name, flags, 0640);

	say(what, fd < 0 ? -1 : 0);
	return fd;
}

static void try_all(void)
{
	static const struct {
		const char *what;
		int flags;
	} trials[] = {
		{"rdonly", O_RDONLY},
		{"wronly", O_WRONLY},
		{"rdwr", O_RDWR},
		{"mode 3", O_ACCMODE},
		{"rdonly append", O_RDONLY | O_APPEND},
		{"excl without creat", O_RDWR | O_EXCL},
		{"creat", O_RDWR | O_CREAT},
		{"creat rdonly", O_RDONLY | O_CREAT},
		{"creat excl", O_RDWR | O_CREAT | O_EXCL},
		{"creat nofollow", O_RDWR | O_CREAT | O_NOFOLLOW},
		{"creat directory", O_RDONLY | O_CREAT | O_DIRECTORY},
		{"nofollow", O_RDONLY | O_NOFOLLOW},
		{"directory", O_RDONLY | O_DIRECTORY},
		{"directory nofollow", O_RDONLY | O_DIRECTORY | O_NOFOLLOW},
		{"directory wronly", O_WRONLY | O_DIRECTORY},
		{"path", O_PATH},
		{"path nofollow", O_PATH | O_NOFOLLOW},
		{"path directory", O_PATH | O_DIRECTORY},
		{"path wronly trunc", O_PATH | O_WRONLY | O_TRUNC},
		{"nonblock", O_RDWR | O_NONBLOCK},
		{"sync", O_RDWR | O_SYNC},
		{"dsync", O_RDWR | O_DSYNC},
		{"direct", O_RDWR | O_DIRECT},
		{"direct nofollow", O_RDWR | O_DIRECT | O_NOFOLLOW},
		{"noatime", O_RDONLY | O_NOATIME},
		{"noatime rdwr", O_RDWR | O_NOATIME},
		{"async", O_RDWR | O_ASYNC},
		{"noctty", O_RDWR | O_NOCTTY},
		{"unknown bits", O_RDWR | 0x40000000},
		/* Last, for they cut it. */
		{"rdonly trunc", O_RDONLY | O_TRUNC},
		{"wronly trunc append", O_WRONLY | O_TRUNC | O_APPEND},
		{"creat trunc", O_RDWR | O_CREAT | O_TRUNC},
	};
	static const char *const names[] = {
		"given",   "other",  "link",    "dangling",   "given_dir",   "absent/x",
		"given/x", "given/", "absent/", "given_dir/", "new_dir/new",
	};
	char what[200];
	struct stat st;

	for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++)
		for (size_t i = 0; i < sizeof(trials) / sizeof(*trials); i++) {
			long fd;

			snprintf(what, sizeof(what), "%s: %s", names[n], trials[i].what);
			fd = try_flags(what, names[n], trials[i].flags);
			if (fd < 0)
				continue;
			MUST(fstat((int)fd, &st));
			printf("  mode %o, size %ld, flags %x\n", st.st_mode,
			       S_ISDIR(st.st_mode) ? 0 : (long)st.st_size,
			       (unsigned int)fcntl((int)fd, F_GETFL));
			close((int)fd);
		}
}

/* What can be done by a descriptor that only names the file. */
static void try_path(const char *name)
{
	int fd = (int)MUST(open(name, O_PATH | O_NOFOLLOW));
	char again[40], byte;
	struct stat st;

	printf("O_PATH of %s\n", name);
	SAY(fstat(fd, &st));
	SAY(read(fd, &byte, 1));
	SAY(write(fd, &byte, 1));
	SAY(fchmod(fd, 0600));
	SAY(fchown(fd, 0, 0));
	SAY(ftruncate(fd, 0));
	SAY(fsync(fd));
	SAY(lseek(fd, 0, SEEK_SET));
	SAY(fcntl(fd, F_GETFL));
	SAY(readlinkat(fd, "", again, sizeof(again)));
	SAY(fchownat(fd, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH));
	SAY(faccessat(fd, "", R_OK, AT_EMPTY_PATH));
	SAY(openat(fd, "file", O_RDONLY) < 0 ? -1 : 0);
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	SAY(open(again, O_RDONLY) < 0 ? -1 : 0);
	SAY(open(again, O_WRONLY | O_APPEND) < 0 ? -1 : 0);
	SAY(chmod(again, 0604));
	MUST(fstat(fd, &st));
	printf("  mode %o\n", st.st_mode);
	close(fd);
}

/* Reading moves the access time, but not by a descriptor that shall not. */
static void try_noatime(void)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	int fd = (int)MUST(open("atime", O_RDWR | O_CREAT | O_TRUNC, 0666));
	struct stat st;
	char byte;

	MUST(write(fd, "12345", 5));
	MUST(futimens(fd, old));
	close(fd);
	fd = (int)MUST(open("atime", O_RDONLY | O_NOATIME));
	MUST(read(fd, &byte, 1));
	MUST(fstat(fd, &st));
	printf("atime after reading with O_NOATIME: %ld\n", (long)st.st_atim.tv_sec);
	close(fd);
	fd = (int)MUST(open("atime", O_RDONLY));
	MUST(read(fd, &byte, 1));
	close(fd);
	fd = (int)MUST(open("atime", O_RDONLY));
	MUST(fstat(fd, &st));
	printf("atime after reading without: %s\n",
	       st.st_atim.tv_sec == 1000 ? "the old one" : "moved");
	close(fd);
}

int main(void)
{
	umask(022);
	MUST(mkdir("new_dir", 0755));
	try_path("given");
	try_path("other");
	try_path("link");
	try_path("given_dir");
	try_all();
	try_noatime();
	return 0;
}
