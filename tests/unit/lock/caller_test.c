/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "lock/caller.h"

#define ADDRESS 0x1000

static const struct {
	const char *what;
	struct proc_syscall call;
	uint64_t how_flags;
	enum caller_intent intent;
	enum lock_idiom idiom;
} cases[] = {
	{"openat O_EXCL",
	 {SYS_openat, {0, ADDRESS, O_CREAT | O_EXCL | O_WRONLY, 0600}},
	 0,
	 CALLER_ACQUIRES,
	 LOCK_IDIOM_CREATE},
	{"openat O_CREAT",
	 {SYS_openat, {0, ADDRESS, O_CREAT | O_WRONLY, 0600}},
	 0,
	 CALLER_PROBES,
	 0},
	{"openat O_EXCL alone", {SYS_openat, {0, ADDRESS, O_EXCL}}, 0, CALLER_PROBES, 0},
	{"openat", {SYS_openat, {0, ADDRESS, O_RDONLY}}, 0, CALLER_PROBES, 0},
	{"openat2 O_EXCL",
	 {SYS_openat2, {0, ADDRESS, 0x2000, 24}},
	 O_CREAT | O_EXCL,
	 CALLER_ACQUIRES,
	 LOCK_IDIOM_CREATE},
	{"openat2", {SYS_openat2, {0, ADDRESS, 0x2000, 24}}, O_CREAT, CALLER_PROBES, 0},
	{"mkdirat", {SYS_mkdirat, {0, ADDRESS}}, 0, CALLER_ACQUIRES, LOCK_IDIOM_MKDIR},
	{"mknodat", {SYS_mknodat, {0, ADDRESS}}, 0, CALLER_ACQUIRES, LOCK_IDIOM_CREATE},
	{"linkat", {SYS_linkat, {0, 1, 0, ADDRESS}}, 0, CALLER_ACQUIRES, LOCK_IDIOM_LINK},
	{"symlinkat", {SYS_symlinkat, {1, 0, ADDRESS}}, 0, CALLER_ACQUIRES, LOCK_IDIOM_SYMLINK},
	{"renameat2 no replace",
	 {SYS_renameat2, {0, 1, 0, ADDRESS, RENAME_NOREPLACE}},
	 0,
	 CALLER_ACQUIRES,
	 LOCK_IDIOM_RENAME},
	{"renameat2", {SYS_renameat2, {0, 1, 0, ADDRESS, 0}}, 0, CALLER_REMOVES, 0},
	{"renameat2 exchange",
	 {SYS_renameat2, {0, 1, 0, ADDRESS, RENAME_EXCHANGE}},
	 0,
	 CALLER_REMOVES,
	 0},
	{"unlinkat", {SYS_unlinkat, {0, ADDRESS}}, 0, CALLER_REMOVES, 0},
	{"statx", {SYS_statx, {0, ADDRESS}}, 0, CALLER_PROBES, 0},
	{"readlinkat", {SYS_readlinkat, {0, ADDRESS}}, 0, CALLER_PROBES, 0},
#ifdef SYS_open
	{"open O_EXCL",
	 {SYS_open, {ADDRESS, O_CREAT | O_EXCL}},
	 0,
	 CALLER_ACQUIRES,
	 LOCK_IDIOM_CREATE},
	{"creat", {SYS_creat, {ADDRESS, 0600}}, 0, CALLER_PROBES, 0},
	{"mkdir", {SYS_mkdir, {ADDRESS}}, 0, CALLER_ACQUIRES, LOCK_IDIOM_MKDIR},
	{"link", {SYS_link, {1, ADDRESS}}, 0, CALLER_ACQUIRES, LOCK_IDIOM_LINK},
	{"symlink", {SYS_symlink, {1, ADDRESS}}, 0, CALLER_ACQUIRES, LOCK_IDIOM_SYMLINK},
	{"rename", {SYS_rename, {1, ADDRESS}}, 0, CALLER_REMOVES, 0},
	{"unlink", {SYS_unlink, {ADDRESS}}, 0, CALLER_REMOVES, 0},
	{"rmdir", {SYS_rmdir, {ADDRESS}}, 0, CALLER_REMOVES, 0},
	{"access", {SYS_access, {ADDRESS}}, 0, CALLER_PROBES, 0},
#endif
};

Test(caller, the_call_tells_a_denial_from_a_probe)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct caller_call call = caller_classify(&cases[i].call, cases[i].how_flags);

		cr_expect_eq(call.intent, cases[i].intent, "%s", cases[i].what);
		if (cases[i].intent != CALLER_ACQUIRES)
			continue;
		cr_expect_eq(call.idiom, cases[i].idiom, "%s", cases[i].what);
		cr_expect_eq(call.taken, ADDRESS, "%s", cases[i].what);
	}
}

/* A child that is stopped at the entry of the system call `nr`, which fn makes. */
static pid_t stopped_in(void (*fn)(void), long nr)
{
	pid_t pid = fork();
	struct proc_syscall call;
	int status;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		fn();
		_exit(0);
	}
	do {
		waitpid(pid, &status, 0);
		if (WIFSTOPPED(status) && proc_syscall_read(pid, &call) == 0 && call.nr == nr)
			return pid;
	} while (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0);
	return 0; /* never made */
}

static enum caller_intent intent_in(void (*fn)(void), long nr, const char *name,
				    enum lock_idiom *ret_idiom)
{
	pid_t pid = stopped_in(fn, nr);
	enum caller_intent intent = caller_intent(pid, name, ret_idiom);

	cr_assert_gt(pid, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return intent;
}

static void make_directory(void)
{
	mkdirat(AT_FDCWD, "/nowhere/a.lock/", 0700);
}

static void rename_exclusively(void)
{
	renameat2(AT_FDCWD, "/nowhere/old.lock", AT_FDCWD, "/nowhere/new.lock", RENAME_NOREPLACE);
}

static void link_lock(void)
{
	linkat(AT_FDCWD, "/nowhere/tmp.lock", AT_FDCWD, "/nowhere/new.lock", 0);
}

static void open_exclusively(void)
{
	struct open_how how = {.flags = O_CREAT | O_EXCL | O_WRONLY, .mode = 0600};

	syscall(SYS_openat2, AT_FDCWD, "/nowhere/a.lock", &how, sizeof(how));
}

static void unlink_below(void)
{
	unlinkat(AT_FDCWD, "/nowhere/a.lock/file", 0);
}

TestSuite(caller_memory, .timeout = 20);

Test(caller_memory, the_name_taken_is_the_last_component)
{
	enum lock_idiom idiom = LOCK_IDIOM_NONE;

	cr_expect_eq(intent_in(make_directory, SYS_mkdirat, "a.lock", &idiom), CALLER_ACQUIRES);
	cr_expect_eq(idiom, LOCK_IDIOM_MKDIR);
	cr_expect_eq(intent_in(make_directory, SYS_mkdirat, "nowhere", &idiom), CALLER_PROBES);
}

Test(caller_memory, of_two_names_only_the_new_one_is_taken)
{
	enum lock_idiom idiom = LOCK_IDIOM_NONE;

	cr_expect_eq(intent_in(rename_exclusively, SYS_renameat2, "new.lock", &idiom),
		     CALLER_ACQUIRES);
	cr_expect_eq(idiom, LOCK_IDIOM_RENAME);
	cr_expect_eq(intent_in(rename_exclusively, SYS_renameat2, "old.lock", &idiom),
		     CALLER_REMOVES);
	cr_expect_eq(intent_in(link_lock, SYS_linkat, "new.lock", &idiom), CALLER_ACQUIRES);
	cr_expect_eq(idiom, LOCK_IDIOM_LINK);
	cr_expect_eq(intent_in(link_lock, SYS_linkat, "tmp.lock", &idiom), CALLER_PROBES);
}

Test(caller_memory, the_flags_of_openat2_are_in_the_callers_memory)
{
	enum lock_idiom idiom = LOCK_IDIOM_NONE;

	cr_expect_eq(intent_in(open_exclusively, SYS_openat2, "a.lock", &idiom), CALLER_ACQUIRES);
	cr_expect_eq(idiom, LOCK_IDIOM_CREATE);
}

Test(caller_memory, removing_below_a_lock_is_no_removal_of_it)
{
	enum lock_idiom idiom = LOCK_IDIOM_NONE;

	cr_expect_eq(intent_in(unlink_below, SYS_unlinkat, "file", &idiom), CALLER_REMOVES);
	cr_expect_eq(intent_in(unlink_below, SYS_unlinkat, "a.lock", &idiom), CALLER_PROBES);
}

Test(caller_memory, a_thread_that_is_gone_cannot_be_told)
{
	enum lock_idiom idiom = LOCK_IDIOM_NONE;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	cr_expect_eq(caller_intent(pid, "a.lock", &idiom), CALLER_PROBES);
	cr_expect_eq(caller_intent(0, "a.lock", &idiom), CALLER_PROBES);
}
