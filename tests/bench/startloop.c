/* SPDX-License-Identifier: MIT */
/*
 * Starts a command again and again, one after the other, and prints how long each took: one number
 * of seconds per line, from the fork to the end of the wait.
 *
 * Usage: startloop COUNT COMMAND [ARG...]
 */
#include <err.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	long count;

	if (argc < 3)
		errx(2, "usage: startloop COUNT COMMAND [ARG...]");
	count = atol(argv[1]);
	for (long i = 0; i < count; i++) {
		double start = now_s();
		int status;
		pid_t pid;

		errno = posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, environ);
		if (errno || waitpid(pid, &status, 0) != pid)
			err(1, "%s", argv[2]);
		if (status)
			errx(1, "%s: wait status %d", argv[2], status);
		printf("%.9f\n", now_s() - start);
	}
	return 0;
}
