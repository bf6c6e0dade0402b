/* SPDX-License-Identifier: MIT */
#include "base/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"

/* How long a killed child may take to be gone before it is left alone. */
#define REAP_MS 200

/* What a child sends first; the content follows. */
struct probe_head {
	int error; /* negative errno, or 0 */
	size_t len;
};

/* In the child: answers on `out`. `max` 0: statfs. */
static void probe_child(const char *path, size_t max, int out)
{
	struct probe_head head = {0};
	char *content = NULL;
	struct statfs fs;

	/* Stuck, it must not be what keeps a pipe of the caller's open. */
	if (dup2(out, 0) == 0) {
		out = 0;
		close_range(1, ~0u, 0);
	}
	if (max == 0) {
		head.error = statfs(path, &fs) < 0 ? -errno : 0;
	} else {
		ssize_t len = sys_read_file(AT_FDCWD, path, max, &content);

		head.error = len < 0 ? (int)len : 0;
		head.len = len < 0 ? 0 : (size_t)len;
	}
	if (sys_write_all(out, &head, sizeof(head)) == 0 && head.len)
		sys_write_all(out, content, head.len);
	_exit(0);
}

static void probe_reap(pid_t pid)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

	kill(pid, SIGKILL);
	if (pidfd < 0 || poll(&poll_fd, 1, REAP_MS) == 1)
		waitpid(pid, NULL, pidfd < 0 ? 0 : WNOHANG);
}

/* Fills exactly `size` bytes until the deadline. 0, -ETIMEDOUT, -EIO. */
static int read_until(int fd, void *data, size_t size, uint64_t deadline_ns)
{
	char *at = data;

	while (size) {
		uint64_t now = clock_boot_ns();
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		ssize_t n;
		int r;

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		r = poll(&poll_fd, 1, (int)((deadline_ns - now) / NSEC_PER_MSEC) + 1);
		if (r == 0 || (r < 0 && errno == EINTR))
			continue;
		n = r < 0 ? -1 : read(fd, at, size);
		if (n <= 0)
			return -EIO;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static ssize_t probe(const char *path, size_t max, int timeout_ms, char **ret_content)
{
	uint64_t deadline_ns = clock_boot_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;
	_cleanup_close_ int in = -1, out = -1;
	_cleanup_free_ char *content = NULL;
	struct probe_head head;
	int fds[2];
	ssize_t r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	in = fds[0];
	out = fds[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		probe_child(path, max, out);
	close(TAKE_FD(out));
	r = read_until(in, &head, sizeof(head), deadline_ns);
	if (r == 0)
		r = head.error;
	if (r == 0 && ret_content) {
		content = malloc(head.len + 1);
		r = content ? read_until(in, content, head.len, deadline_ns) : -ENOMEM;
	}
	probe_reap(pid);
	if (r < 0 || !content)
		return r;
	content[head.len] = '\0';
	*ret_content = TAKE_PTR(content);
	return (ssize_t)head.len;
}

int probe_statfs(const char *path, int timeout_ms)
{
	return (int)probe(path, 0, timeout_ms, NULL);
}

ssize_t probe_read_file(const char *path, size_t max, int timeout_ms, char **ret_content)
{
	return probe(path, max, timeout_ms, ret_content);
}
