/* SPDX-License-Identifier: MIT */
#include "base/stdio.h"

#include <fcntl.h>
#include <unistd.h>

void stdio_hold(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The lowest number is given out: this one, for those below are open. */
		if (open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC) < 0)
			return;
	}
}
