/* SPDX-License-Identifier: MIT */
#include "cli/run/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* In the child. The write end of the pipe closes itself when execvp() succeeds. */
static void command_exec(const struct command_setup *setup, int error_fd)
{
	int error;

	if ((setup->stdout_fd >= 0 && dup2(setup->stdout_fd, STDOUT_FILENO) < 0) ||
	    (setup->stderr_fd >= 0 && dup2(setup->stderr_fd, STDERR_FILENO) < 0)) {
		error = errno;
	} else {
		signals_restore(setup->signals);
		execvp(setup->argv[0], setup->argv);
		error = errno;
	}
	while (write(error_fd, &error, sizeof(error)) < 0 && errno == EINTR)
		;
	_exit(127);
}

int command_start(const struct command_setup *setup, pid_t *ret_pid)
{
	_cleanup_close_ int read_fd = -1, write_fd = -1;
	int ends[2], error = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	read_fd = ends[0];
	write_fd = ends[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		command_exec(setup, write_fd);
	cleanup_close(&write_fd);
	write_fd = -1;
	do {
		n = read(read_fd, &error, sizeof(error));
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(error)) {
		waitpid(pid, NULL, 0);
		return error;
	}
	*ret_pid = pid;
	return 0;
}
