/* SPDX-License-Identifier: MIT */
#include "cli/run/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

/*
 * What keeps its default: the faults of `run` itself, a closed pipe, its own children, and a
 * terminal that is not ours to use.
 */
static const int left_alone[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP,
				 SIGSYS,  SIGPIPE, SIGCHLD, SIGTTIN, SIGTTOU};

static void ignore_or_default(int signo, bool ignore)
{
	struct sigaction action = {.sa_handler = ignore ? SIG_IGN : SIG_DFL};

	sigaction(signo, &action, NULL);
}

static void fill_relayed(sigset_t *set)
{
	sigfillset(set);
	for (size_t i = 0; i < ARRAY_SIZE(left_alone); i++)
		sigdelset(set, left_alone[i]);
}

int signals_begin(struct signals_saved *ret_saved)
{
	struct sigaction chld;
	sigset_t set;
	int fd;

	fill_relayed(&set);
	sigprocmask(SIG_BLOCK, &set, &ret_saved->mask);
	sigaction(SIGCHLD, NULL, &chld);
	ret_saved->chld_ignored = chld.sa_handler == SIG_IGN;
	/* With SIG_IGN nobody could wait for a child. */
	ignore_or_default(SIGCHLD, false);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int signals_begin_keeper(void)
{
	sigset_t set;
	int fd;

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGNALS_FORGET);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

void signals_restore(const struct signals_saved *saved)
{
	ignore_or_default(SIGCHLD, saved->chld_ignored);
	sigprocmask(SIG_SETMASK, &saved->mask, NULL);
}

void signals_pause(const struct signals_saved *saved)
{
	sigprocmask(SIG_SETMASK, &saved->mask, NULL);
}

void signals_resume(void)
{
	sigset_t set;

	fill_relayed(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void signals_forget(int signo)
{
	const struct timespec at_once = {0};
	sigset_t set;

	if (signo <= 0 || signo > SIGRTMAX)
		return;
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigtimedwait(&set, NULL, &at_once);
}

bool signals_in_mask(const char *set, int signo)
{
	return strtoull(set, NULL, 16) >> (signo - 1) & 1;
}

/* Whether the signal is pending in the keeper: then the whole group got it. */
static bool was_sent_to_group(pid_t keeper, int signo)
{
	char path[40], line[128];
	_cleanup_fclose_ FILE *status = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)keeper);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status)) {
		if (strncmp(line, "ShdPnd:", 7) == 0)
			return signals_in_mask(line + 7, signo);
	}
	return false;
}

static bool is_stopped(pid_t pid)
{
	_cleanup_free_ char *stat = NULL;
	char path[40];
	const char *name_end;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (sys_read_file(AT_FDCWD, path, 4096, &stat) < 0)
		return false;
	name_end = strrchr(stat, ')');
	return name_end && name_end[1] == ' ' && name_end[2] == 'T';
}

void signals_stop_with(pid_t command)
{
	sigset_t set, saved;

	/* Continued meanwhile, together with us: nobody would continue us again. */
	if (!is_stopped(command))
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	/* Not SIGSTOP: in an orphaned process group nobody would ever continue us. */
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, &saved);
	sigprocmask(SIG_SETMASK, &saved, NULL);
}

static bool ends_by_default(int signo)
{
	return signo != SIGCONT && signo != SIGTSTP && signo != SIGWINCH && signo != SIGURG;
}

static int relay_one(const struct signalfd_siginfo *info, pid_t keeper, pid_t command)
{
	int signo = (int)info->ssi_signo;
	bool group = was_sent_to_group(keeper, signo);

	if (group)
		sigqueue(keeper, SIGNALS_FORGET, (union sigval){.sival_int = signo});
	if (command == 0)
		return ends_by_default(signo) ? signo : 0;
	if (command > 0 && !group)
		kill(command, signo);
	return 0;
}

int signals_relay(int signal_fd, pid_t keeper, pid_t command)
{
	struct signalfd_siginfo info;
	int ends = 0;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
		int signo = relay_one(&info, keeper, command);

		if (!ends)
			ends = signo;
	}
	return ends;
}

void signals_die(int signo)
{
	sigset_t set;

	ignore_or_default(signo, false);
	raise(signo);
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	/* Only a signal whose default is to do nothing comes here. */
	_exit(128 + signo);
}
