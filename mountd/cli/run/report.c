/* SPDX-License-Identifier: MIT */
#include "cli/run/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

static int open_descriptor(const char *target, int *ret_fd, struct err *err)
{
	long fd = strtol(target, NULL, 10);
	int flags = fd <= 1 << 20 ? fcntl((int)fd, F_GETFL) : -1;

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return err_set(err, ERR_VALIDATION_ERROR,
			       "--report: %s is no descriptor that is open for writing", target);
	/* 0 to 2 stay COMMAND's; the report has a copy of its own. */
	*ret_fd = fcntl((int)fd, F_DUPFD_CLOEXEC, 3);
	if (*ret_fd < 0)
		return err_set_errno(err, ERR_VALIDATION_ERROR, errno, "--report %s", target);
	if (fd > 2)
		fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

int report_open(const char *target, int *ret_fd, struct err *err)
{
	size_t digits = strspn(target, "0123456789");

	if (strcmp(target, "-") == 0)
		return open_descriptor("1", ret_fd, err);
	if (digits > 0 && digits < 10 && !target[digits])
		return open_descriptor(target, ret_fd, err);
	*ret_fd = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (*ret_fd < 0)
		return err_set_errno(err, ERR_VALIDATION_ERROR, errno, "--report: cannot write %s",
				     target);
	return 0;
}

int report_write(int fd, const json_t *envelope)
{
	_cleanup_buf_ struct buf text = {0};

	json_render_line(envelope, &text);
	if (buf_failed(&text))
		return -ENOMEM;
	return sys_write_all(fd, text.data, text.len);
}
