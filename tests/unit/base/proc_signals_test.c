/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"

static void handler(int signal)
{
	(void)signal;
}

/*
 * A child to which a signal is pending, for it stays stopped: a stopped process gets none but
 * SIGKILL. `disposition` is what it does with the signal.
 */
static pid_t child_with(int signal, void (*disposition)(int), bool blocked)
{
	int ready[2];
	pid_t pid;
	char byte;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		sigset_t set;

		sigemptyset(&set);
		sigaddset(&set, signal);
		if (blocked)
			sigprocmask(SIG_BLOCK, &set, NULL);
		if (signal != SIGKILL)
			(void)sigaction(signal, &(struct sigaction){.sa_handler = disposition},
					NULL);
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	cr_assert_eq(kill(pid, SIGSTOP), 0);
	cr_assert_eq(waitpid(pid, NULL, WUNTRACED), pid);
	if (signal)
		kill(pid, signal);
	return pid;
}

static bool killed_by(int signal, void (*disposition)(int), bool blocked)
{
	pid_t pid = child_with(signal, disposition, blocked);
	bool killed = proc_is_being_killed(pid);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return killed;
}

Test(proc_signals, a_signal_that_ends_the_process_is_seen_before_it_does)
{
	cr_assert(killed_by(SIGTERM, SIG_DFL, false));
	cr_assert(killed_by(SIGINT, SIG_DFL, false));
	cr_assert(killed_by(SIGQUIT, SIG_DFL, false));
}

Test(proc_signals, what_is_handled_ignored_blocked_or_harmless_is_not)
{
	cr_assert_not(killed_by(SIGTERM, handler, false));
	cr_assert_not(killed_by(SIGTERM, SIG_IGN, false));
	cr_assert_not(killed_by(SIGTERM, SIG_DFL, true));
	cr_assert_not(killed_by(SIGWINCH, SIG_DFL, false));
	cr_assert_not(killed_by(SIGCHLD, SIG_DFL, false));
}

Test(proc_signals, who_is_gone_was_killed_and_who_cannot_be_seen_was_not)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	cr_assert(proc_is_being_killed(pid));
	cr_assert_not(proc_is_being_killed(0));
	cr_assert_not(proc_is_being_killed(getpid()));
}
