/* SPDX-License-Identifier: MIT */
/*
 * Takes one lock and holds it for as long as its standard input is open.
 *
 *	hold_lock [-r] [-w] [-q] posix|ofd|flock PATH [START LENGTH]
 *
 * -r: a read lock, by a descriptor that can only read; -w: waits for it; -q: asks F_GETLK (or
 * F_OFD_GETLK) who has it, and prints "free" or type, start, length and pid. Prints "locked" or the
 * error's name, with which it ends, status 1.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/file.h>
#include <unistd.h>

#include "say.h"

static bool reads, waits, asks;

static int parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "rwq")) != -1) {
		reads |= option == 'r';
		waits |= option == 'w';
		asks |= option == 'q';
	}
	return optind;
}

static int with_fcntl(int fd, bool ofd, struct flock *lock)
{
	if (asks)
		return fcntl(fd, ofd ? F_OFD_GETLK : F_GETLK, lock);
	if (waits)
		return fcntl(fd, ofd ? F_OFD_SETLKW : F_SETLKW, lock);
	return fcntl(fd, ofd ? F_OFD_SETLK : F_SETLK, lock);
}

int main(int argc, char **argv)
{
	struct flock lock = {.l_whence = SEEK_SET};
	int first = parse(argc, argv);
	char byte;
	int fd, r;

	if (argc - first < 2)
		return 2;
	lock.l_type = reads ? F_RDLCK : F_WRLCK;
	if (argc - first > 3) {
		lock.l_start = atol(argv[first + 2]);
		lock.l_len = atol(argv[first + 3]);
	}
	fd = open(argv[first + 1], reads ? O_RDONLY : O_RDWR);
	if (fd < 0) {
		printf("open: %s\n", strerrorname_np(errno));
		return 1;
	}
	if (strcmp(argv[first], "flock") == 0)
		r = flock(fd, (reads ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB));
	else
		r = with_fcntl(fd, strcmp(argv[first], "ofd") == 0, &lock);
	if (r < 0)
		printf("%s\n", strerrorname_np(errno));
	else if (asks && lock.l_type == F_UNLCK)
		printf("free\n");
	else if (asks)
		printf("%d %ld %ld %d\n", lock.l_type, (long)lock.l_start, (long)lock.l_len,
		       lock.l_pid);
	else
		printf("locked\n");
	fflush(stdout);
	if (r < 0)
		return 1;
	while (!asks && read(0, &byte, 1) > 0)
		;
	return 0;
}
