/* SPDX-License-Identifier: MIT */
/*
 * Holds the threads that a process makes from now on: each is stopped before its first instruction.
 *
 * Usage: hold_threads PID      says "ready"; lets them go when something is written to it
 *
 * For tests of what goes on while a thread is at work: however fast it is, it has not begun.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 1024

static pid_t threads[THREADS_MAX];
static size_t count;

static void die(const char *what)
{
	fprintf(stderr, "hold_threads: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void remember(pid_t tid)
{
	if (count == THREADS_MAX) {
		errno = ENOMEM;
		die("threads");
	}
	threads[count++] = tid;
}

static void seize(const char *pid)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	dir = opendir(path);
	if (!dir)
		die(path);
	while ((entry = readdir(dir))) {
		pid_t tid = (pid_t)atoi(entry->d_name);

		if (!tid)
			continue;
		if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACECLONE))
			die("PTRACE_SEIZE");
		remember(tid);
	}
	closedir(dir);
}

/* Old threads go on whatever stops them; new ones stay. */
static void handle_stops(void)
{
	int status;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		bool known = false;

		for (size_t i = 0; i < count; i++)
			known |= threads[i] == tid;
		if (!WIFSTOPPED(status))
			continue;
		if (!known)
			remember(tid);
		else if (status >> 16)
			ptrace(PTRACE_CONT, tid, 0, 0);
		else
			ptrace(PTRACE_CONT, tid, 0, WSTOPSIG(status));
	}
}

int main(int argc, char **argv)
{
	struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.events = POLLIN}};
	struct signalfd_siginfo info;
	sigset_t set;
	char byte;

	if (argc != 2)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fds[1].fd = signalfd(-1, &set, 0);
	seize(argv[1]);
	puts("ready");
	fflush(stdout);
	for (;;) {
		handle_stops();
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			die("poll");
		if (fds[1].revents && read(fds[1].fd, &info, sizeof(info)) < 0)
			die("signalfd");
		if (fds[0].revents && read(0, &byte, 1) >= 0)
			break;
	}
	/* Our end lets all go that we traced. */
	return 0;
}
