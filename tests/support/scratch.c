/* SPDX-License-Identifier: MIT */
#include "support/scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/sys.h"

static char made[SCRATCH_SIZE];
static pid_t maker;

static void scratch_remove(void)
{
	_cleanup_close_ int fd = -1;

	/* Not from a child that the test forked. */
	if (getpid() != maker)
		return;
	fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)sys_remove_tree(fd, path_base(made));
}

void scratch_make(char ret[SCRATCH_SIZE])
{
	strcpy(made, "/tmp/sessionfs-test-XXXXXX");
	maker = getpid();
	if (!mkdtemp(made)) {
		perror("mkdtemp");
		abort();
	}
	strcpy(ret, made);
	atexit(scratch_remove);
}
