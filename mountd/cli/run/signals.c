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

int signals_next(int signal_fd)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

void signals_relay(pid_t keeper, int signo)
{
	sigqueue(keeper, SIGNALS_RELAY, (union sigval){.sival_int = signo});
}

bool signals_ends_by_default(int signo)
{
	return signo != SIGCONT && signo != SIGTSTP && signo != SIGWINCH && signo != SIGURG;
}

void signals_collect(int signal_fd, pid_t run, struct signals_seen *seen)
{
	struct signalfd_siginfo info;

	/* All of it before anything is judged: relays may be read before what they tell of. */
	while (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		bool relay = (int)info.ssi_signo == SIGNALS_RELAY && info.ssi_code == SI_QUEUE &&
			     (pid_t)info.ssi_pid == run;
		int signo = relay ? info.ssi_int : (int)info.ssi_signo;

		if (signo > 0 && signo <= SIGNALS_MAX)
			(relay ? seen->relayed : seen->own)[signo]++;
	}
}

unsigned int signals_judge(struct signals_seen *seen, int signo)
{
	unsigned int own = seen->own[signo], relayed = seen->relayed[signo];

	seen->relayed[signo] = 0;
	seen->own[signo] = own > relayed ? own - relayed : 0;
	return relayed > own ? relayed - own : 0;
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
	const struct timespec at_once = {0};
	sigset_t set, saved;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	/*
	 * Not SIGSTOP: in an orphaned process group nobody would ever continue us. It is pending
	 * before we look, so that the keeper's SIGCONT after our look takes it away again.
	 */
	raise(SIGTSTP);
	if (!is_stopped(command)) {
		sigtimedwait(&set, NULL, &at_once);
		return;
	}
	sigprocmask(SIG_UNBLOCK, &set, &saved);
	sigprocmask(SIG_SETMASK, &saved, NULL);
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
