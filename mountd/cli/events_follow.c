/* SPDX-License-Identifier: MIT */
#include "cli/events_follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"
#include "cli/ctl_client.h"

/* Where the file says "readable" and gives nothing: how long to leave it alone. */
#define EMPTY_PAUSE_MS 100

static int fail_gone(const struct call *call, int errno_value, struct err *err)
{
	return err_set_errno(err, ERR_UNAVAILABLE, errno_value, "cannot read %s/events",
			     call->mountpoint);
}

static int open_events(const struct call *call, struct err *err)
{
	_cleanup_close_ int ctl_fd = -1;
	_cleanup_buf_ struct buf path = {0};
	int fd;

	/* They say best why there is no instance. */
	if (ctl_check(call->mountpoint, err) < 0)
		return -1;
	ctl_fd = ctl_open(call->mountpoint, err);
	if (ctl_fd < 0)
		return -1;
	buf_add_format(&path, "%s/events", call->mountpoint);
	if (buf_failed(&path))
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? fail_gone(call, errno, err) : fd;
}

/* Waits for more, and for stdout to lose its reader. Returns 1 when that happened, -errno. */
static int wait_for_more(int fd, bool was_empty)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = STDOUT_FILENO}};
	uint64_t before_ns = clock_boot_ns();

	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
		return 1;
	if (fds[0].revents & (POLLERR | POLLNVAL))
		return -EIO;
	if (was_empty && clock_boot_ns() - before_ns < NSEC_PER_MSEC)
		poll(&fds[1], 1, EMPTY_PAUSE_MS);
	return 0;
}

int events_follow(const struct call *call, struct err *err)
{
	_cleanup_close_ int fd = open_events(call, err);
	static char piece[64 << 10];
	bool was_empty = false;

	if (fd < 0)
		return -1;
	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));
		int r;

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return fail_gone(call, errno, err);
		if (n > 0) {
			if (sys_write_all(STDOUT_FILENO, piece, (size_t)n) < 0)
				return 0;
			was_empty = false;
			continue;
		}
		r = wait_for_more(fd, was_empty);
		if (r != 0)
			return r > 0 ? 0 : fail_gone(call, -r, err);
		was_empty = true;
	}
}
