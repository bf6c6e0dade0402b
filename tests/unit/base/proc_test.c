/* SPDX-License-Identifier: MIT */
#include "base/proc.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* A child that runs `prepare`, says so, and then sleeps until it is killed. */
static pid_t spawn(void (*prepare)(void))
{
	int ready[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (prepare)
			prepare();
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void reap(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Killed, but nobody has waited for it yet. */
static void make_zombie(pid_t pid)
{
	siginfo_t info;

	kill(pid, SIGKILL);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

/* Forks a process and reaps it: a pid that nobody has. */
static pid_t gone(void)
{
	pid_t pid = spawn(NULL);

	reap(pid);
	return pid;
}

static void name_badly(void)
{
	prctl(PR_SET_NAME, "a) R 1 (b\n) S");
}

Test(proc, identity_is_that_of_the_process_whatever_its_name)
{
	struct proc_id id, self;
	pid_t pid = spawn(name_badly);
	pid_t ppid, pgid, sid;
	char comm[17];

	cr_assert_eq(proc_identify(pid, &id), 0);
	cr_assert_eq(id.pid, pid);
	cr_assert_gt(id.start_ticks, 0);
	cr_assert_eq(proc_identify(getpid(), &self), 0);
	cr_assert_geq(id.start_ticks, self.start_ticks);
	cr_assert_eq(proc_relations(pid, &ppid, &pgid, &sid), 0);
	cr_assert_eq(ppid, getpid());
	cr_assert_eq(pgid, getpgrp());
	cr_assert_eq(sid, getsid(0));
	cr_assert_eq(proc_comm(pid, comm), 0);
	cr_assert_str_eq(comm, "a) R 1 (b?) S");
	reap(pid);
}

Test(proc, a_process_lives_until_it_is_a_zombie)
{
	struct proc_id id, other;
	pid_t pid = spawn(NULL);

	cr_assert_eq(proc_identify(pid, &id), 0);
	cr_assert(proc_alive(&id));
	/* The same number, started at another time: somebody else. */
	other = id;
	other.start_ticks--;
	cr_assert_not(proc_alive(&other));
	make_zombie(pid);
	cr_assert_not(proc_alive(&id));
	reap(pid);
	cr_assert_not(proc_alive(&id));
}

Test(proc, who_is_gone_is_esrch_everywhere)
{
	struct proc_id id;
	struct proc_syscall call;
	pid_t pid = gone(), none;
	gid_t groups[1];
	uint64_t ino;
	char text[64], *value;
	size_t len;

	cr_assert_eq(proc_identify(pid, &id), -ESRCH);
	cr_assert_eq(proc_relations(pid, &none, &none, &none), -ESRCH);
	cr_assert_eq(proc_exit_signal(pid), 0);
	cr_assert_eq(proc_mount_namespace(pid, &ino), -ESRCH);
	cr_assert_eq(proc_environ_get(pid, "PATH", &value), -ESRCH);
	cr_assert_eq(proc_environ_read(pid, &value, &len), -ESRCH);
	cr_assert_eq(proc_cmdline(pid, text, sizeof(text)), -ESRCH);
	cr_assert_eq(proc_comm(pid, text), -ESRCH);
	cr_assert_eq(proc_cwd(pid, text, sizeof(text)), -ESRCH);
	cr_assert_eq(proc_syscall_read(pid, &call), -ESRCH);
	cr_assert_eq(proc_groups(pid, groups, 1), -ESRCH);
	/* FUSE says 0 of a caller outside our pid namespace. */
	cr_assert_eq(proc_identify(0, &id), -ESRCH);
	cr_assert_eq(proc_identify(-1, &id), -ESRCH);
	cr_assert_eq(proc_cwd(0, text, sizeof(text)), -ESRCH);
}

static pthread_barrier_t barrier;

static void *thread_main(void *context)
{
	*(pid_t *)context = gettid();
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return NULL;
}

static pid_t start_thread(void)
{
	pthread_t thread;
	pid_t tid;

	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, thread_main, &tid);
	pthread_barrier_wait(&barrier);
	return tid;
}

Test(proc, a_thread_is_identified_as_its_process)
{
	struct proc_id by_thread, by_process;
	pid_t tid = start_thread();

	cr_assert_neq(tid, getpid());
	cr_assert_eq(proc_identify(tid, &by_thread), 0);
	cr_assert_eq(proc_identify(getpid(), &by_process), 0);
	cr_assert_eq(by_thread.pid, getpid());
	cr_assert_eq(by_thread.start_ticks, by_process.start_ticks);
}

/* The state of a process, letter, as /proc says. */
static char state_of(pid_t pid)
{
	char path[64], line[512] = "", *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	at = file && fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	if (file)
		fclose(file);
	return at ? at[2] : '?';
}

Test(proc, a_process_whose_first_thread_ended_is_alive, .timeout = 10)
{
	struct proc_id id;
	int ready[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		start_thread();
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		/* This thread only, at once. */
		syscall(SYS_exit, 0);
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	/* There is no event for it to be waited for. */
	while (state_of(pid) != 'Z')
		sched_yield();
	cr_assert_eq(proc_identify(pid, &id), 0);
	cr_assert(proc_alive(&id));
	reap(pid);
	cr_assert_not(proc_alive(&id));
}

static void own_group(void)
{
	setpgid(0, 0);
}

Test(proc, a_group_lives_with_its_last_member_that_is_no_zombie)
{
	pid_t leader = spawn(own_group), member;

	member = spawn(NULL);
	cr_assert_eq(setpgid(member, leader), 0);
	cr_assert(proc_group_alive(leader));
	reap(leader);
	cr_assert(proc_group_alive(leader));
	make_zombie(member);
	cr_assert_not(proc_group_alive(leader));
	reap(member);
	cr_assert_not(proc_group_alive(leader));
	cr_assert_not(proc_group_alive(0));
	cr_assert_not(proc_group_alive(-1));
}

Test(proc, the_signal_that_killed_shows)
{
	pid_t pid = spawn(NULL);
	siginfo_t info;

	cr_assert_eq(proc_exit_signal(pid), 0);
	kill(pid, SIGSTOP);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
	cr_assert_eq(proc_exit_signal(pid), 0, "stopped is not killed");
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	cr_assert_eq(proc_exit_signal(pid), SIGTERM);
	reap(pid);
}

Test(proc, leaving_with_a_code_is_no_signal)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(9);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	cr_assert_eq(proc_exit_signal(pid), 0);
	reap(pid);
}

static void own_mounts(void)
{
	if (unshare(CLONE_NEWNS))
		_exit(2);
}

struct visit {
	pid_t wanted;
	int seen, calls, limit;
};

static bool visit(pid_t pid, void *context)
{
	struct visit *state = context;

	state->seen += pid == state->wanted;
	return ++state->calls != state->limit;
}

Test(proc, processes_are_found_by_mount_namespace)
{
	struct visit all = {0}, first = {.limit = 1};
	uint64_t ours, theirs;
	pid_t pid, peer;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	pid = spawn(own_mounts);
	peer = spawn(NULL);
	cr_assert_eq(proc_mount_namespace(getpid(), &ours), 0);
	cr_assert_eq(proc_mount_namespace(pid, &theirs), 0);
	cr_assert_neq(ours, theirs);

	all.wanted = pid;
	proc_each_in_namespace(theirs, visit, &all);
	cr_assert_eq(all.seen, 1);
	cr_assert_eq(all.calls, 1);

	proc_each_in_namespace(ours, visit, &first);
	cr_assert_eq(first.calls, 1);

	make_zombie(pid);
	all.calls = 0;
	proc_each_in_namespace(theirs, visit, &all);
	cr_assert_eq(all.calls, 0);
	reap(pid);
	reap(peer);
}

/* A program, for what belongs to an exec: `sleep`, with this environment. */
static pid_t execute(char *const environ_[], char *const argv[])
{
	int ready[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvpe("sleep", argv, environ_);
		_exit(127);
	}
	close(ready[1]);
	/* The end of file comes with the exec. */
	cr_assert_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	return pid;
}

static char *const sleep_argv[] = {(char[]){"sleep"}, (char[]){"1000"}, NULL};

Test(proc, the_environment_is_that_of_the_exec)
{
	char *const environment[] = {(char[]){"AB=wrong"}, (char[]){"A=x=y"},    (char[]){"EMPTY="},
				     (char[]){"NOVALUE"},  (char[]){"A=second"}, NULL};
	_cleanup_free_ char *value = NULL, *empty = NULL, *block = NULL;
	pid_t pid = execute(environment, sleep_argv);
	char *none;
	size_t len;

	cr_assert_eq(proc_environ_get(pid, "A", &value), 0);
	cr_assert_str_eq(value, "x=y");
	cr_assert_eq(proc_environ_get(pid, "EMPTY", &empty), 0);
	cr_assert_str_empty(empty);
	cr_assert_eq(proc_environ_get(pid, "NOVALUE", &none), -ENOENT);
	cr_assert_eq(proc_environ_get(pid, "B", &none), -ENOENT);
	cr_assert_eq(proc_environ_get(pid, "", &none), -ENOENT);
	cr_assert_eq(proc_environ_read(pid, &block, &len), 0);
	cr_assert_str_eq(proc_environ_find(block, len, "AB"), "wrong");
	cr_assert_null(proc_environ_find(block, len, "ABC"));
	reap(pid);
}

Test(proc, a_large_environment_is_read_up_to_its_limit)
{
	enum { N = 24, SIZE = 100 << 10 };
	char *environment[N + 1] = {0};
	_cleanup_free_ char *block = NULL, *value = NULL;
	char *none;
	size_t len;
	struct rlimit stack = {64 << 20, 64 << 20};
	pid_t pid;

	/* A quarter of it is what arguments and environment may take. */
	cr_assert_eq(setrlimit(RLIMIT_STACK, &stack), 0);
	for (int i = 0; i < N; i++) {
		environment[i] = malloc(SIZE);
		memset(environment[i], 'e', SIZE);
		snprintf(environment[i], SIZE, "V%02d=", i);
		environment[i][4] = 'e';
		environment[i][SIZE - 1] = '\0';
	}
	pid = execute(environment, sleep_argv);
	cr_assert_eq(proc_environ_read(pid, &block, &len), 0);
	cr_assert_leq(len, 2 << 20);
	cr_assert_geq(len, (2 << 20) - SIZE);
	cr_assert_eq(block[len - 1], '\0');
	cr_assert_eq(proc_environ_get(pid, "V19", &value), 0);
	cr_assert_eq(strlen(value), SIZE - 1 - 4);
	/* Cut in the middle, so not there at all. */
	cr_assert_eq(proc_environ_get(pid, "V20", &none), -ENOENT);
	reap(pid);
	for (int i = 0; i < N; i++)
		free(environment[i]);
}

Test(proc, the_command_line_is_cut_and_terminated)
{
	char *const environment[] = {NULL};
	pid_t pid = execute(environment, sleep_argv);
	char text[64];

	cr_assert_eq(proc_cmdline(pid, text, sizeof(text)), 11);
	cr_assert_arr_eq(text, "sleep\0001000", 11);
	cr_assert_eq(proc_cmdline(pid, text, 8), 8);
	cr_assert_arr_eq(text, "sleep\0001", 8);
	make_zombie(pid);
	cr_assert_eq(proc_cmdline(pid, text, sizeof(text)), 0);
	reap(pid);
}

Test(proc, the_working_directory_is_told)
{
	char real[4096], cwd[4096], small[2];

	cr_assert_not_null(getcwd(real, sizeof(real)));
	cr_assert_eq(proc_cwd(getpid(), cwd, sizeof(cwd)), 0);
	cr_assert_str_eq(cwd, real);
	cr_assert_eq(chdir("/proc"), 0);
	cr_assert_eq(proc_cwd(getpid(), small, sizeof(small)), -ENAMETOOLONG);
}

Test(proc, the_call_a_thread_waits_in_is_told, .timeout = 10)
{
	struct proc_syscall call;
	int ends[2], r;
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		char byte;

		close(ends[1]);
		_exit(read(ends[0], &byte, 1) < 0);
	}
	close(ends[0]);
	do
		r = proc_syscall_read(pid, &call);
	while (r == -EAGAIN || (r == 0 && call.nr != SYS_read));
	cr_assert_eq(r, 0);
	cr_assert_eq((int)call.args[0], ends[0]);
	cr_assert_eq(call.args[2], 1);
	reap(pid);

	/* One that is at work in its own code. */
	pid = fork();
	if (pid == 0)
		for (volatile int i = 0;; i++)
			;
	while (proc_syscall_read(pid, &call) != -EAGAIN)
		sched_yield();
	reap(pid);
}

static void many_groups(void)
{
	gid_t groups[2000];

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		groups[i] = 4000000000u + (gid_t)i;
	if (setgroups(ARRAY_SIZE(groups), groups))
		_exit(2);
}

static void no_groups(void)
{
	if (setgroups(0, NULL))
		_exit(2);
}

Test(proc, groups_are_listed_however_many)
{
	gid_t groups[3000];
	pid_t pid;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	pid = spawn(many_groups);
	cr_assert_eq(proc_groups(pid, groups, ARRAY_SIZE(groups)), 2000);
	cr_assert_eq(groups[0], 4000000000u);
	cr_assert_eq(groups[1999], 4000001999u);
	cr_assert_eq(proc_groups(pid, groups, 5), 5);
	reap(pid);
	pid = spawn(no_groups);
	cr_assert_eq(proc_groups(pid, groups, ARRAY_SIZE(groups)), 0);
	reap(pid);
}

Test(proc, the_boot_id_is_a_uuid)
{
	cr_assert_eq(strlen(proc_boot_id()), 36);
	cr_assert_eq(strspn(proc_boot_id(), "0123456789abcdef-"), 36);
}

static _Atomic bool spun_enough;

static void *spin(void *unused)
{
	while (!spun_enough)
		;
	return unused;
}

/* Within two seconds: the framework has a thread of its own, which may be at work. */
static bool others_run_becomes(bool wanted)
{
	for (int i = 0; i < 2000; i++) {
		if (proc_others_run() == wanted)
			return true;
		usleep(1000);
	}
	return false;
}

Test(proc, a_thread_that_is_busy_is_told_from_one_that_sleeps)
{
	pthread_t busy;

	cr_expect(others_run_becomes(false));
	cr_assert_eq(pthread_create(&busy, NULL, spin, NULL), 0);
	cr_expect(others_run_becomes(true));
	for (int i = 0; i < 100; i++)
		cr_expect(proc_others_run(), "it never sleeps");
	spun_enough = true;
	pthread_join(busy, NULL);
	cr_expect(others_run_becomes(false));
}
