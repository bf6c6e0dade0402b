/* SPDX-License-Identifier: MIT */
#include "supervisor/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/sys.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#define FD_FIRST 3u

static void close_range_of(unsigned int first, unsigned int last)
{
	if (first <= last)
		syscall(SYS_close_range, first, last, 0);
}

void detach_close_fds(int keep)
{
	if (keep < (int)FD_FIRST) {
		close_range_of(FD_FIRST, ~0u);
		return;
	}
	close_range_of(FD_FIRST, (unsigned int)keep - 1);
	close_range_of((unsigned int)keep + 1, ~0u);
}

/* Prints an error of the child's envelope, as a person reads it. Returns the exit status. */
static int pass_on(const char *text, size_t len)
{
	struct err err;
	_cleanup_json_ json_t *envelope = json_parse(text, len, "answer", &err);
	const json_t *error = json_object_get(envelope, "error");
	const char *suggestion = json_string_value(json_object_get(error, "suggestion"));

	if (json_is_true(json_object_get(envelope, "ok")))
		return EXIT_CODE_OK;
	if (!error) {
		fprintf(stderr, "sessionfs: the daemon ended without a word\n");
		return EXIT_CODE_OTHER;
	}
	fprintf(stderr, "sessionfs: %s\n", json_string_value(json_object_get(error, "message")));
	if (suggestion)
		fprintf(stderr, "%s\n", suggestion);
	return (int)json_integer_value(json_object_get(error, "exit_code"));
}

static void wait_for_word(int fd) __attribute__((noreturn));
static void wait_for_word(int fd)
{
	char text[65536];
	size_t len = 0;
	ssize_t n;

	/* One line; the daemon itself goes on. */
	while (len < sizeof(text) && (len == 0 || text[len - 1] != '\n')) {
		n = read(fd, text + len, sizeof(text) - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	_exit(pass_on(text, len));
}

int detach_fork(int *ready_fd, struct err *err)
{
	_cleanup_close_ int in = -1, out = -1;
	int fds[2];
	pid_t pid;

	if (*ready_fd < 0) {
		if (pipe2(fds, O_CLOEXEC) < 0)
			return err_set_errno(err, ERR_INTERNAL_ERROR, errno, "pipe");
		in = fds[0];
		out = fds[1];
	}
	pid = fork();
	if (pid < 0)
		return err_set_errno(err, ERR_INTERNAL_ERROR, errno, "fork");
	if (pid > 0) {
		if (in < 0)
			_exit(0);
		close(TAKE_FD(out));
		wait_for_word(in);
	}
	setsid();
	if (out >= 0)
		*ready_fd = TAKE_FD(out);
	return 0;
}

int detach_stdio(const char *log_path, struct err *err)
{
	_cleanup_close_ int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	_cleanup_close_ int log_fd =
		open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (log_fd < 0)
		return err_set_errno(err, ERR_IO_ERROR, errno, "%.512s", log_path);
	/* A minimal /dev may lack it: an fd that gives no input will do. */
	if (dup2(null_fd >= 0 ? null_fd : log_fd, STDIN_FILENO) < 0 ||
	    dup2(log_fd, STDOUT_FILENO) < 0 || dup2(log_fd, STDERR_FILENO) < 0)
		return err_set_errno(err, ERR_INTERNAL_ERROR, errno, "dup2");
	return 0;
}
