/* SPDX-License-Identifier: MIT */
/* Programs, and what limits a process. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "verbs.h"

/* Runs it and says what it printed, or why it could not be executed. */
static void run(struct world *world, const char *path, char **argv, int fd)
{
	static char *const environment[] = {NULL};
	char text[1024];
	ssize_t n, all = 0;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		broken("pipe: %m");
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		if (fd >= 0)
			syscall(SYS_execveat, fd, "", argv, environment, AT_EMPTY_PATH);
		else
			execve(path, argv, environment);
		dprintf(STDOUT_FILENO, "%s", error_name(errno));
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + all, sizeof(text) - (size_t)all)) > 0)
		all += n;
	while (all > 0 && text[all - 1] == '\n')
		all--;
	say(world, "%.*s", (int)all, text);
	close(ends[0]);
	waitpid(pid, NULL, 0);
}

/* exec PATH|SLOT: [ARGUMENT] */
static void do_exec(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	char *argv[] = {arg[0], arg[1], NULL};

	run(world, at.path, argv, at.slot ? at.fd : -1);
}

/* start PATH, stop: a program that runs meanwhile ("wait" of this program) */
static pid_t started;

static void do_start(struct world *world, char **arg)
{
	int ends[2], error = 0;

	if (pipe2(ends, O_CLOEXEC))
		broken("pipe: %m");
	started = fork();
	if (started == 0) {
		execl(arg[0], arg[0], "wait", (char *)NULL);
		error = errno;
		_exit(write(ends[1], &error, sizeof(error)) < 0);
	}
	close(ends[1]);
	if (read(ends[0], &error, sizeof(error)) < 0)
		error = errno;
	close(ends[0]);
	errno = error;
	say_done(world, error ? -1 : 0);
}

static void do_stop(struct world *world, char **arg)
{
	(void)arg;
	say_done(world, kill(started, SIGKILL));
	waitpid(started, NULL, 0);
}

/* limit FSIZE|NOFILE NUMBER; a file that grows too long is then an error, not a signal */
static void do_limit(struct world *world, char **arg)
{
	static const struct flag_name names[] = {
		{"FSIZE", RLIMIT_FSIZE},
		{"NOFILE", RLIMIT_NOFILE},
		{NULL, 0},
	};
	struct rlimit limit = {.rlim_cur = (rlim_t)word_number(arg[1])};

	limit.rlim_max = limit.rlim_cur;
	signal(SIGXFSZ, SIG_IGN);
	say_done(world, setrlimit((int)word_flags(names, arg[0]), &limit));
}

/* drop CAPABILITY: root without it, as in a container */
static void do_drop(struct world *world, char **arg)
{
	static const struct flag_name names[] = {
		{"CHOWN", CAP_CHOWN},     {"DAC_OVERRIDE", CAP_DAC_OVERRIDE},
		{"FOWNER", CAP_FOWNER},   {"DAC_READ_SEARCH", CAP_DAC_READ_SEARCH},
		{"FSETID", CAP_FSETID},   {"SYS_ADMIN", CAP_SYS_ADMIN},
		{"MKNOD", CAP_MKNOD},     {"LINUX_IMMUTABLE", CAP_LINUX_IMMUTABLE},
		{"SETFCAP", CAP_SETFCAP}, {NULL, 0},
	};
	unsigned cap = (unsigned)word_flags(names, arg[0]);
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		broken("capget: %m");
	data[cap / 32].effective &= ~(1u << cap % 32);
	say_done(world, syscall(SYS_capset, &header, data));
}

const struct verb verbs_process[] = {
	{"exec", 1, 2, do_exec},   {"start", 1, 1, do_start}, {"stop", 0, 0, do_stop},
	{"limit", 2, 2, do_limit}, {"drop", 1, 1, do_drop},   {NULL, 0, 0, NULL},
};
