/* SPDX-License-Identifier: MIT */
#include "base/probe.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/scratch.h"

static char scratch[SCRATCH_SIZE];
static char path[SCRATCH_SIZE + 16];

static void begin(void)
{
	scratch_make(scratch);
	snprintf(path, sizeof(path), "%s/file", scratch);
}

TestSuite(probe, .init = begin, .timeout = 20);

Test(probe, a_file_is_read_whole)
{
	char *content = NULL;
	FILE *file = fopen(path, "w");

	for (int i = 0; i < 30000; i++)
		fprintf(file, "%07d\n", i);
	fclose(file);
	cr_assert_eq(probe_read_file(path, 1 << 20, 5000, &content), 240000);
	cr_assert_eq(strlen(content), 240000);
	cr_assert_str_eq(content + 240000 - 8, "0029999\n");
	free(content);
}

Test(probe, errors_of_the_child_are_told)
{
	char *content = NULL;

	cr_assert_eq(probe_read_file(path, 100, 5000, &content), -ENOENT);
	cr_assert_eq(probe_statfs(path, 5000), -ENOENT);
	cr_assert_eq(probe_statfs(scratch, 5000), 0);
}

Test(probe, what_does_not_answer_is_given_up_and_no_child_is_left)
{
	uint64_t before = clock_boot_ns();
	char *content = NULL;

	/* Opening a FIFO for reading waits for a writer. */
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(probe_read_file(path, 100, 100, &content), -ETIMEDOUT);
	cr_assert_lt(clock_boot_ns() - before, 5 * NSEC_PER_SEC);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
	cr_assert_eq(errno, ECHILD);
}

static bool has_child(pid_t pid)
{
	char name[64], text[32] = "";
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	file = fopen(name, "re");
	if (!file)
		return false;
	(void)!fgets(text, sizeof(text), file);
	fclose(file);
	return text[0];
}

Test(probe, a_child_that_is_stuck_keeps_no_pipe_of_its_callers_open)
{
	char *content = NULL;
	struct pollfd poll_fd;
	int ends[2];
	pid_t caller;

	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(pipe(ends), 0);
	caller = fork();
	if (caller == 0) {
		probe_read_file(path, 100, 15000, &content);
		_exit(0);
	}
	close(ends[1]);
	while (!has_child(caller))
		usleep(1000);
	kill(caller, SIGKILL);
	waitpid(caller, NULL, 0);
	poll_fd = (struct pollfd){.fd = ends[0]};
	cr_assert_eq(poll(&poll_fd, 1, 5000), 1);
	cr_assert(poll_fd.revents & POLLHUP);
	/* Lets the child go. */
	close(open(path, O_WRONLY | O_NONBLOCK));
}
