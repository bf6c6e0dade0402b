/* SPDX-License-Identifier: MIT */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "supervisor/backoff.h"
#include "supervisor/device.h"
#include "supervisor/oom.h"

enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_ENDING, PHASE_OVER };

struct loop {
	struct supervisor *supervisor;
	enum phase phase;
	int signal_fd;
	int alive_fd; /* write end: our being alive */
	pid_t worker; /* 0: none runs */
	pid_t probe;  /* 0: none runs */
	struct backoff backoff;
	uint64_t restart_ns;  /* RUNNING without a worker: when to start one */
	uint64_t deadline_ns; /* STARTING: to give up; ENDING: to kill */
	bool failed;
	struct err *err;
};

static void signal_set(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGCHLD);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGHUP);
}

int supervisor_block_signals(struct err *err)
{
	sigset_t set;

	signal_set(&set);
	signal(SIGPIPE, SIG_IGN);
	/* An inherited SIG_IGN of SIGCHLD would hide every exit status. */
	signal(SIGCHLD, SIG_DFL);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_set_errno(err, ERR_INTERNAL_ERROR, errno, "sigprocmask");
	return 0;
}

/* In a child: as if it had been started from a shell. */
static void child_reset(const struct loop *loop)
{
	sigset_t set;

	signal_set(&set);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	close(loop->signal_fd);
	close(loop->alive_fd);
	/* Whoever waits for our word must not wait for a child's end. */
	if (loop->supervisor->private_fd >= 0)
		close(loop->supervisor->private_fd);
}

static uint64_t in_ms(uint64_t ms)
{
	return clock_boot_ns() + ms * NSEC_PER_MSEC;
}

static int start_worker(struct loop *loop)
{
	struct supervisor *supervisor = loop->supervisor;
	struct arena_globals *globals = arena_globals(supervisor->heritage.arena);
	pid_t pid;

	atomic_store(&globals->worker_answered, 0);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		child_reset(loop);
		/* The terminal's ^C is for the supervisor, who unmounts first. */
		setsid();
		oom_restore();
		umask(0);
		exit(worker_run(&supervisor->heritage));
	}
	loop->worker = pid;
	return 0;
}

/* A child that asks the mount for a file: its exit tells that it answers. */
static int start_probe(struct loop *loop)
{
	char path[PATH_MAX + 16];
	char byte;
	pid_t pid;
	int fd;

	snprintf(path, sizeof(path), "%s/status.json", loop->supervisor->mount.path);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		child_reset(loop);
		/* The mount would not die with supervisor and worker while its own client holds it. */
		close(loop->supervisor->heritage.fuse_fd);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		_exit(fd >= 0 && read(fd, &byte, 1) == 1 ? 0 : 1);
	}
	loop->probe = pid;
	return 0;
}

static void begin_end(struct loop *loop)
{
	if (loop->phase >= PHASE_ENDING)
		return;
	loop->phase = loop->worker ? PHASE_ENDING : PHASE_OVER;
	device_unmount(&loop->supervisor->mount);
	if (loop->worker)
		kill(loop->worker, SIGTERM);
	loop->deadline_ns = in_ms(SUPERVISOR_END_MS);
}

static void fail_start(struct loop *loop, const char *why)
{
	loop->failed = true;
	err_set(loop->err, ERR_INTERNAL_ERROR, "the mount at %.256s does not answer: %s",
		loop->supervisor->mount.path, why);
	begin_end(loop);
}

/* "status 1", "signal 9" */
static void describe_status(int status, char *ret, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(ret, size, "signal %d", WTERMSIG(status));
	else
		snprintf(ret, size, "status %d", WEXITSTATUS(status));
}

static void worker_ended(struct loop *loop, int status)
{
	struct supervisor *supervisor = loop->supervisor;
	struct arena_globals *globals = arena_globals(supervisor->heritage.arena);
	char how[32], why[64];
	uint32_t delay_ms;

	loop->worker = 0;
	describe_status(status, how, sizeof(how));
	if (loop->phase == PHASE_ENDING || device_gone(supervisor->heritage.fuse_fd)) {
		if (loop->phase == PHASE_STARTING)
			fail_start(loop, "it was unmounted");
		loop->phase = PHASE_OVER;
		return;
	}
	if (loop->phase == PHASE_STARTING) {
		snprintf(why, sizeof(why), "the worker ended with %s", how);
		fail_start(loop, why);
		return;
	}
	delay_ms = backoff_next(&loop->backoff, atomic_load(&globals->worker_answered));
	atomic_fetch_add(&globals->worker_restarts, 1);
	log_warning("the worker ended with %s: starting another in %u ms", how, delay_ms);
	loop->restart_ns = in_ms(delay_ms);
}

static void probe_ended(struct loop *loop, int status)
{
	loop->probe = 0;
	if (loop->phase != PHASE_STARTING)
		return;
	if (status != 0) {
		fail_start(loop, "status.json cannot be read");
		return;
	}
	loop->phase = PHASE_RUNNING;
	loop->supervisor->ready(loop->supervisor->context);
}

static void reap(struct loop *loop)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == loop->worker)
			worker_ended(loop, status);
		else if (pid == loop->probe)
			probe_ended(loop, status);
	}
}

static void take_signal(struct loop *loop)
{
	struct signalfd_siginfo info;

	if (read(loop->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD) {
		reap(loop);
	} else if (info.ssi_signo != SIGHUP || loop->supervisor->foreground) {
		log_info("signal %u: unmounting", info.ssi_signo);
		if (loop->phase == PHASE_STARTING)
			fail_start(loop, "it was told to end");
		begin_end(loop);
	}
}

static void take_time(struct loop *loop)
{
	uint64_t now = clock_boot_ns();

	if (loop->phase == PHASE_RUNNING && !loop->worker && now >= loop->restart_ns) {
		/* No process to be had: try again presently, the mount waits. */
		if (start_worker(loop) < 0)
			loop->restart_ns = in_ms(BACKOFF_FIRST_MS);
	} else if (loop->phase == PHASE_STARTING && now >= loop->deadline_ns) {
		fail_start(loop, "no answer in time");
	} else if (loop->phase == PHASE_ENDING && now >= loop->deadline_ns) {
		log_warning("the worker does not end: killing it");
		kill(loop->worker, SIGKILL);
		loop->deadline_ns = in_ms(SUPERVISOR_END_MS);
	}
}

/* Milliseconds until take_time() has something to do, -1: never. */
static int next_timeout(const struct loop *loop)
{
	uint64_t now = clock_boot_ns(), at;

	if (loop->phase == PHASE_RUNNING && loop->worker)
		return -1;
	at = loop->phase == PHASE_RUNNING ? loop->restart_ns : loop->deadline_ns;
	return at <= now ? 0 : (int)((at - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC);
}

static int loop_start(struct loop *loop)
{
	sigset_t set;
	int fds[2], r;

	signal_set(&set);
	loop->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signal_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	loop->supervisor->heritage.alive_fd = fds[0];
	loop->alive_fd = fds[1];
	loop->deadline_ns = in_ms(SUPERVISOR_START_MS);
	r = start_worker(loop);
	return r < 0 ? r : start_probe(loop);
}

static void loop_release(struct loop *loop)
{
	if (loop->probe)
		kill(loop->probe, SIGKILL);
	cleanup_close(&loop->signal_fd);
	cleanup_close(&loop->alive_fd);
	cleanup_close(&loop->supervisor->heritage.alive_fd);
	device_unmount(&loop->supervisor->mount);
}

int supervisor_run(struct supervisor *supervisor, struct err *err)
{
	struct loop loop = {.supervisor = supervisor, .signal_fd = -1, .alive_fd = -1, .err = err};
	int r = loop_start(&loop);

	if (r < 0) {
		loop.failed = true;
		err_set_errno(err, ERR_INTERNAL_ERROR, -r, "cannot start the worker");
		begin_end(&loop);
	}
	while (loop.phase != PHASE_OVER) {
		struct pollfd poll_fd = {.fd = loop.signal_fd, .events = POLLIN};

		poll(&poll_fd, 1, next_timeout(&loop));
		if (poll_fd.revents)
			take_signal(&loop);
		take_time(&loop);
	}
	loop_release(&loop);
	return loop.failed ? -1 : 0;
}
