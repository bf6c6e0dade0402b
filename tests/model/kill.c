/* SPDX-License-Identifier: MIT */
#include "kill.h"

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static pid_t worker_of(int supervisor)
{
	char path[64], text[64] = {0};
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", supervisor, supervisor);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", path);
	if (read(fd, text, sizeof(text) - 1) < 0)
		err(2, "%s", path);
	close(fd);
	return (pid_t)strtol(text, NULL, 10);
}

void kill_worker(struct world *world)
{
	pid_t old = worker_of(world->options.supervisor), now;
	struct timespec pause = {.tv_nsec = 1000000};

	log_line(world, "%llu kill the worker", (unsigned long long)world->number);
	if (old > 0)
		kill(old, SIGKILL);
	for (int tries = 0; tries < 10000; tries++) {
		now = worker_of(world->options.supervisor);
		if (now > 0 && now != old)
			return;
		nanosleep(&pause, NULL);
	}
	mismatch(world, "there is no other worker");
}
