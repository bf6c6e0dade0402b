/* SPDX-License-Identifier: MIT */
#include "cli/run/signals.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

Test(signals, what_only_run_got_is_passed_on)
{
	struct signals_seen seen = {0};

	seen.relayed[SIGTERM] = 1;
	cr_assert_eq(signals_judge(&seen, SIGTERM), 1);
	cr_assert_eq(signals_judge(&seen, SIGTERM), 0);
}

Test(signals, what_the_keeper_got_too_was_the_groups)
{
	struct signals_seen seen = {0};

	seen.own[SIGINT] = 1;
	cr_assert_eq(signals_judge(&seen, SIGINT), 0);
	seen.relayed[SIGINT] = 1;
	cr_assert_eq(signals_judge(&seen, SIGINT), 0);
	/* The group's is used up: this one is for COMMAND. */
	seen.relayed[SIGINT] = 1;
	cr_assert_eq(signals_judge(&seen, SIGINT), 1);
}

Test(signals, numbers_do_not_mix)
{
	struct signals_seen seen = {0};

	seen.own[SIGINT] = 1;
	seen.relayed[SIGTERM] = 1;
	cr_assert_eq(signals_judge(&seen, SIGTERM), 1);
	cr_assert_eq(seen.own[SIGINT], 1);
}

/* A group like a run's, from the oldest: this process as `run`, a keeper, a command. */
struct group {
	int signal_fd;
	pid_t keeper;
	pid_t command;
	int said_fd; /* what the command got: a byte with the number each */
};

static int said_write_fd;

static void tell(int signo)
{
	char byte = (char)signo;

	(void)!write(said_write_fd, &byte, 1);
}

static void command_run(void)
{
	struct sigaction action = {.sa_handler = tell};
	sigset_t none;

	sigemptyset(&none);
	for (int signo = SIGUSR1; signo <= SIGTERM; signo++)
		sigaction(signo, &action, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	tell(0);
	for (;;)
		pause();
}

static void keeper_run(pid_t run, int command_fd)
{
	struct pollfd fd = {.fd = signals_begin_keeper(), .events = POLLIN};
	struct signals_seen seen = {0};
	pid_t command;

	tell(1);
	if (read(command_fd, &command, sizeof(command)) != sizeof(command))
		_exit(1);
	while (poll(&fd, 1, -1) == 1) {
		signals_collect(fd.fd, run, &seen);
		for (int signo = 1; signo <= SIGNALS_MAX; signo++) {
			if (signals_judge(&seen, signo))
				kill(command, signo);
		}
	}
	_exit(1);
}

static struct group group_make(void)
{
	struct signals_saved saved;
	struct group group;
	pid_t run = getpid();
	int said[2], told[2];
	char byte;

	setpgid(0, 0);
	cr_assert_eq(pipe(said), 0);
	cr_assert_eq(pipe(told), 0);
	said_write_fd = said[1];
	group.said_fd = said[0];
	group.signal_fd = signals_begin(&saved);
	group.keeper = fork();
	if (group.keeper == 0)
		keeper_run(run, told[0]);
	cr_assert_eq(read(group.said_fd, &byte, 1), 1);
	group.command = fork();
	if (group.command == 0)
		command_run();
	cr_assert_eq(read(group.said_fd, &byte, 1), 1);
	cr_assert_eq(write(told[1], &group.command, sizeof(pid_t)), sizeof(pid_t));
	return group;
}

static void relay_next(const struct group *group, int expected)
{
	struct pollfd fd = {.fd = group->signal_fd, .events = POLLIN};
	int signo;

	cr_assert_eq(poll(&fd, 1, 10000), 1);
	signo = signals_next(group->signal_fd);
	cr_assert_eq(signo, expected);
	signals_relay(group->keeper, signo);
}

/* Waits until the command has got the signal. */
static void command_gets(const struct group *group, int signo)
{
	struct pollfd fd = {.fd = group->said_fd, .events = POLLIN};
	char byte;

	cr_assert_eq(poll(&fd, 1, 10000), 1, "signal %d", signo);
	cr_assert_eq(read(group->said_fd, &byte, 1), 1);
	cr_assert_eq(byte, signo);
}

static void group_end(const struct group *group)
{
	kill(group->command, SIGKILL);
	kill(group->keeper, SIGKILL);
	waitpid(group->command, NULL, 0);
	waitpid(group->keeper, NULL, 0);
}

Test(signals, a_command_gets_each_signal_once_however_it_was_sent, .timeout = 60)
{
	static const int numbers[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGTERM};
	struct pollfd fd = {.events = POLLIN};

	/* Each bit says how one of the four is sent. */
	for (unsigned int ways = 0; ways < 16; ways++) {
		struct group group = group_make();

		for (unsigned int i = 0; i < 4; i++) {
			kill(ways >> i & 1 ? 0 : getpid(), numbers[i]);
			relay_next(&group, numbers[i]);
			command_gets(&group, numbers[i]);
		}
		fd.fd = group.said_fd;
		cr_assert_eq(poll(&fd, 1, 20), 0, "ways %x: one came twice", ways);
		group_end(&group);
	}
}

Test(signals, only_some_do_not_end_a_program)
{
	cr_assert(signals_ends_by_default(SIGTERM));
	cr_assert(signals_ends_by_default(SIGHUP));
	cr_assert_not(signals_ends_by_default(SIGWINCH));
	cr_assert_not(signals_ends_by_default(SIGCONT));
	cr_assert_not(signals_ends_by_default(SIGTSTP));
}
