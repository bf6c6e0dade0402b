/* SPDX-License-Identifier: MIT */
#include "cli/run/signals.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

Test(signals, a_pending_mask_is_read_by_number)
{
	cr_assert(signals_in_mask("0000000000004002\n", SIGINT));
	cr_assert(signals_in_mask("0000000000004002\n", SIGTERM));
	cr_assert_not(signals_in_mask("0000000000004002\n", SIGHUP));
	cr_assert(signals_in_mask("8000000000000000\n", 64));
	cr_assert_not(signals_in_mask("\n", SIGINT));
}

/* A group like a run's: this process, a keeper that blocks all, a command that counts. */
struct group {
	int signal_fd;
	pid_t keeper;
	pid_t command;
	int count_fd;
};

static volatile sig_atomic_t counted;

static void count(int signo)
{
	(void)signo;
	counted++;
}

static void command_run(int count_fd)
{
	struct sigaction action = {.sa_handler = count};
	sigset_t none;

	sigemptyset(&none);
	sigaction(SIGUSR1, &action, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void)!write(count_fd, "r", 1);
	for (;;) {
		pause();
		(void)!write(count_fd, "s", 1);
	}
}

static void keeper_run(void)
{
	struct pollfd fd = {.fd = signals_begin_keeper(), .events = POLLIN};
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGNALS_FORGET);
	(void)fd;
	while (sigwaitinfo(&set, &info) > 0)
		signals_forget(info.si_value.sival_int);
	_exit(1);
}

static struct group group_make(void)
{
	struct signals_saved saved;
	struct group group;
	int ends[2];
	char byte;

	setpgid(0, 0);
	cr_assert_eq(pipe(ends), 0);
	group.signal_fd = signals_begin(&saved);
	group.count_fd = ends[0];
	group.keeper = fork();
	if (group.keeper == 0)
		keeper_run();
	group.command = fork();
	if (group.command == 0)
		command_run(ends[1]);
	cr_assert_eq(read(ends[0], &byte, 1), 1);
	return group;
}

static void relay(struct group *group)
{
	struct pollfd fd = {.fd = group->signal_fd, .events = POLLIN};

	cr_assert_eq(poll(&fd, 1, 5000), 1);
	cr_assert_eq(signals_relay(group->signal_fd, group->keeper, group->command), 0);
}

/* Whether the command got exactly one more signal. */
static bool command_got_one(const struct group *group)
{
	struct pollfd fd = {.fd = group->count_fd, .events = POLLIN};
	char bytes[8];

	return poll(&fd, 1, 5000) == 1 && read(group->count_fd, bytes, sizeof(bytes)) == 1 &&
	       poll(&fd, 1, 100) == 0;
}

static void group_end(const struct group *group)
{
	kill(group->command, SIGKILL);
	kill(group->keeper, SIGKILL);
	waitpid(group->command, NULL, 0);
	waitpid(group->keeper, NULL, 0);
}

Test(signals, what_is_sent_to_the_group_reaches_the_command_once, .timeout = 30)
{
	struct group group = group_make();

	for (int i = 0; i < 5; i++) {
		kill(0, SIGUSR1);
		relay(&group);
		cr_assert(command_got_one(&group), "round %d", i);
	}
	group_end(&group);
}

Test(signals, what_is_sent_to_run_alone_is_passed_on, .timeout = 30)
{
	struct group group = group_make();

	for (int i = 0; i < 5; i++) {
		kill(getpid(), SIGUSR1);
		relay(&group);
		cr_assert(command_got_one(&group), "round %d", i);
		/* The group's in between must not be mistaken for the next. */
		kill(0, SIGUSR1);
		relay(&group);
		cr_assert(command_got_one(&group), "round %d, group", i);
	}
	group_end(&group);
}

Test(signals, without_a_command_a_deadly_signal_is_for_run_itself, .timeout = 30)
{
	struct group group = group_make();

	kill(getpid(), SIGTERM);
	cr_assert_eq(signals_relay(group.signal_fd, group.keeper, 0), SIGTERM);
	kill(getpid(), SIGWINCH);
	cr_assert_eq(signals_relay(group.signal_fd, group.keeper, 0), 0);
	group_end(&group);
}
