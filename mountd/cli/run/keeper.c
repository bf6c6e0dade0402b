/* SPDX-License-Identifier: MIT */
#include "cli/run/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/ctl_client.h"
#include "cli/output.h"
#include "cli/run/command.h"
#include "cli/run/enter_run.h"
#include "cli/run/frames.h"

struct keeper {
	pid_t run; /* the process that started it */
	int ctl_fd;
	int frames_fd;
	int signal_fd;
	int outputs[2]; /* read ends, -1: none */
	pid_t command;  /* 0: does not run */
	bool stopped;   /* COMMAND is, and `run` with it */
	struct signals_seen seen;
	bool idle;      /* no descendant is left */
	bool abandoned; /* `run` has closed its end of the pipe */
};

static void send_error_consume(const struct keeper *keeper, json_t *error)
{
	json_t *members = json_object();

	json_object_set_new(members, "error", error);
	frame_send_consume(keeper->frames_fd, "failed", members);
}

static void send_exec_error(const struct keeper *keeper, const char *name, int error)
{
	struct err err = {0};
	json_t *object;

	if (error < 0)
		err_set_errno(&err, ERR_INTERNAL_ERROR, -error, "cannot start %s", name);
	else if (error == ENOENT)
		err_set(&err, ERR_COMMAND_NOT_FOUND, "%s: command not found", name);
	else
		err_set_errno(&err, ERR_COMMAND_NOT_EXECUTABLE, error, "%s cannot be executed",
			      name);
	object = output_error(&err);
	if (error > 0)
		json_object_set_new(object, "exit_code",
				    json_integer(error == ENOENT ? EXIT_STATUS_NOT_FOUND
								 : EXIT_STATUS_NOT_EXECUTABLE));
	send_error_consume(keeper, object);
}

static void print_warnings(const json_t *warnings)
{
	json_t *warning;
	size_t i;

	json_array_foreach(warnings, i, warning)
	{
		_cleanup_json_ json_t *one = json_array();
		const char *text = json_string_value(warning);

		/* True of every run of that user: said in envelopes only. */
		if (text && strncmp(text, "USERNS_FALLBACK", 15) == 0)
			continue;
		json_array_append(one, warning);
		output_print_warnings(one);
	}
}

/* Closes everything but the four descriptors that a keeper lives on. */
static void close_the_rest(const struct keeper *keeper)
{
	const int kept[] = {keeper->ctl_fd, keeper->frames_fd, keeper->signal_fd,
			    keeper->outputs[0], keeper->outputs[1]};
	unsigned int from = 0;

	for (;;) {
		int next = -1;

		for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
			if (kept[i] >= (int)from && (next < 0 || kept[i] < next))
				next = kept[i];
		}
		if (next < 0)
			break;
		if ((unsigned int)next > from)
			close_range(from, (unsigned int)next - 1, 0);
		from = (unsigned int)next + 1;
	}
	close_range(from, ~0u, 0);
}

static void report_exit(const struct keeper *keeper, int status)
{
	json_t *members = json_object();

	json_object_set_new(members, "status", json_integer(status));
	json_object_set_new(members, "idle", json_boolean(keeper->idle));
	frame_send_consume(keeper->frames_fd, "exited", members);
}

/* COMMAND goes on or has ended: a `run` that has stopped with it must hear of it. */
static void continue_run(struct keeper *keeper)
{
	if (!keeper->stopped)
		return;
	keeper->stopped = false;
	/* Its parent only: another process may have that pid by now. */
	if (getppid() != keeper->run)
		return;
	/* `run` is going to relay this one; it is none for COMMAND. */
	keeper->seen.own[SIGCONT]++;
	kill(keeper->run, SIGCONT);
}

static void reap(struct keeper *keeper)
{
	bool was_idle = keeper->idle, exited = false;
	int status, command_status = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
		if (pid != keeper->command)
			continue;
		if (WIFSTOPPED(status)) {
			keeper->stopped = true;
			frame_send_consume(keeper->frames_fd, "stopped", NULL);
			continue;
		}
		continue_run(keeper);
		if (WIFCONTINUED(status))
			continue;
		exited = true;
		command_status = status;
		keeper->command = 0;
	}
	keeper->idle = pid < 0 && errno == ECHILD;
	if (exited)
		report_exit(keeper, command_status);
	else if (keeper->idle && !was_idle)
		frame_send_consume(keeper->frames_fd, "idle", NULL);
}

static void take_signals(struct keeper *keeper)
{
	signals_collect(keeper->signal_fd, keeper->run, &keeper->seen);
	reap(keeper);
	for (int signo = 1; signo <= SIGNALS_MAX; signo++) {
		unsigned int times = signals_judge(&keeper->seen, signo);

		for (; times > 0 && keeper->command; times--)
			kill(keeper->command, signo);
	}
}

static void drain(int *fd)
{
	char piece[16384];
	ssize_t n = read(*fd, piece, sizeof(piece));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close(*fd);
		*fd = -1;
	}
}

/* Until `run` has what it wants and nobody is left. */
static void keep(struct keeper *keeper)
{
	take_signals(keeper);
	while (!keeper->idle || !keeper->abandoned) {
		struct pollfd fds[4] = {
			{.fd = keeper->signal_fd, .events = POLLIN},
			{.fd = keeper->abandoned ? -1 : keeper->frames_fd},
			{.fd = keeper->abandoned ? keeper->outputs[0] : -1, .events = POLLIN},
			{.fd = keeper->abandoned ? keeper->outputs[1] : -1, .events = POLLIN},
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents)
			take_signals(keeper);
		if (fds[1].revents)
			keeper->abandoned = true;
		for (size_t i = 0; i < ARRAY_SIZE(keeper->outputs); i++) {
			if (fds[2 + i].revents)
				drain(&keeper->outputs[i]);
		}
	}
}

int keeper_gate_make(struct keeper_gate **ret_gate)
{
	void *page = mmap(NULL, sizeof(struct keeper_gate), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	*ret_gate = page;
	return 0;
}

void keeper_gate_free(struct keeper_gate *gate)
{
	if (gate)
		munmap(gate, sizeof(*gate));
}

bool keeper_gate_pass(struct keeper_gate *gate)
{
	return !atomic_exchange(&gate->passed, true);
}

/*
 * The run is over before the keeper is: the kernel reports a close later than it returns, and the
 * caller of `run` could meet its locks.
 */
static void end_run(const struct keeper *keeper)
{
	struct answer answer = {0};
	struct err ignored = {0};

	(void)ctl_ask_consume(keeper->ctl_fd, ctl_request("run.end"), &answer, &ignored);
	answer_release(&answer);
}

static void keeper_run(const struct keeper_setup *setup, struct keeper *keeper)
{
	struct command_setup command = {
		.argv = setup->plan->command,
		.signals = setup->signals,
		.stdout_fd = setup->out.write_fd,
		.stderr_fd = setup->err.write_fd,
	};
	json_t *begun = NULL, *failure = NULL, *members;
	int r;

	if (enter_run(setup->plan, setup->session, &keeper->ctl_fd, &begun, &failure) < 0) {
		send_error_consume(keeper, failure);
		return;
	}
	/* Before COMMAND, so that they do not stand behind its own output. */
	if (setup->plan->json == RUN_JSON_OFF)
		print_warnings(json_object_get(begun, "warnings"));
	frame_send_consume(keeper->frames_fd, "begun", begun);
	if (!keeper_gate_pass(setup->gate))
		return;
	r = command_start(&command, &keeper->command);
	if (r != 0) {
		send_exec_error(keeper, setup->plan->command[0], r);
	} else {
		members = json_object();
		json_object_set_new(members, "pid", json_integer(keeper->command));
		frame_send_consume(keeper->frames_fd, "started", members);
	}
	close_the_rest(keeper);
	if (chdir("/") < 0)
		return;
	keep(keeper);
	if (keeper->idle)
		end_run(keeper);
}

pid_t keeper_start(const struct keeper_setup *setup, int *ret_frames_fd)
{
	struct keeper keeper = {
		.run = getpid(), .ctl_fd = -1, .outputs = {setup->out.read_fd, setup->err.read_fd}};
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid != 0) {
		int error = errno;

		close(ends[1]);
		if (pid < 0) {
			close(ends[0]);
			return -error;
		}
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		*ret_frames_fd = ends[0];
		return pid;
	}
	close(ends[0]);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_NAME, "sessionfs-keep");
	keeper.frames_fd = ends[1];
	keeper.signal_fd = signals_begin_keeper();
	if (keeper.signal_fd >= 0)
		keeper_run(setup, &keeper);
	_exit(0);
}
