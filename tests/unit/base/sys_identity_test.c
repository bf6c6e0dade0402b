/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define USER 12345
#define GROUP 23456

static void setup(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
}

static void teardown(void)
{
	sys_fault_hook = NULL;
}

TestSuite(sys_identity, .init = setup, .fini = teardown);

static uint64_t effective(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	cr_assert_eq(syscall(SYS_capget, &header, data), 0);
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

static void effective_remove(uint64_t caps)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	cr_assert_eq(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(uint32_t)caps;
	data[1].effective &= ~(uint32_t)(caps >> 32);
	cr_assert_eq(syscall(SYS_capset, &header, data), 0);
}

static uint64_t bit(int cap)
{
	return 1ULL << cap;
}

static bool identity_is(uid_t uid, gid_t gid)
{
	return (uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid;
}

Test(sys_identity, a_file_made_as_a_user_is_his_and_all_capabilities_stay)
{
	uint64_t before = effective();
	char name[] = "/tmp/identity.XXXXXX";
	_cleanup_close_ int fd = -1;
	struct stat st;

	cr_assert_eq(sys_as_user(USER, GROUP), 0);
	cr_assert(identity_is(USER, GROUP));
	cr_assert_eq(effective(), before);
	fd = mkstemp(name);
	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	unlink(name);
	cr_assert_eq(st.st_uid, USER);
	cr_assert_eq(st.st_gid, GROUP);
	cr_assert_eq(sys_as_root(), 0);
	cr_assert(identity_is(0, 0));
	cr_assert_eq(effective(), before);
}

Test(sys_identity, users_may_follow_each_other_without_root_between)
{
	static const struct {
		uid_t uid;
		gid_t gid;
	} cases[] = {{USER, GROUP}, {USER, GROUP}, {USER + 1, GROUP}, {USER + 1, 0},
		     {0, GROUP},    {0, 0},        {USER, 0},         {0, 0}};
	uint64_t before = effective();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_assert_eq(sys_as_user(cases[i].uid, cases[i].gid), 0);
		cr_assert(identity_is(cases[i].uid, cases[i].gid), "case %zu", i);
		cr_assert_eq(effective(), before, "case %zu", i);
	}
	cr_assert_eq(sys_as_root(), 0);
}

/* The kernel would add all that is permitted on the way back to root. */
Test(sys_identity, a_capability_that_was_not_effective_does_not_come_back)
{
	uint64_t before;

	effective_remove(bit(CAP_DAC_OVERRIDE));
	before = effective();
	cr_assert_eq(sys_as_user(USER, GROUP), 0);
	cr_assert_eq(effective(), before);
	cr_assert_eq(sys_as_root(), 0);
	cr_assert_eq(effective(), before);
}

Test(sys_identity, write_capabilities_are_dropped_and_restored_in_any_order)
{
	uint64_t before = effective();
	uint64_t less = before & ~(bit(CAP_FSETID) | bit(CAP_SYS_RESOURCE));

	cr_assert_eq(sys_drop_write_caps(), 0);
	cr_assert_eq(effective(), less);
	cr_assert_eq(sys_as_user(USER, GROUP), 0);
	cr_assert_eq(effective(), less);
	cr_assert_eq(sys_restore_caps(), 0);
	cr_assert_eq(effective(), before);
	cr_assert_eq(sys_drop_write_caps(), 0);
	cr_assert_eq(sys_drop_write_caps(), 0);
	cr_assert_eq(sys_as_root(), 0);
	cr_assert_eq(effective(), less);
	cr_assert_eq(sys_restore_caps(), 0);
	cr_assert_eq(effective(), before);
}

/* What the capabilities are dropped for. */
Test(sys_identity, a_write_without_them_clears_setuid)
{
	char name[] = "/tmp/identity.XXXXXX";
	_cleanup_close_ int fd = mkstemp(name);
	struct stat st;

	cr_assert_eq(fchmod(fd, 04755), 0);
	cr_assert_eq(sys_as_user(USER, GROUP), 0);
	cr_assert_eq(write(fd, "x", 1), 1);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert(st.st_mode & S_ISUID);
	cr_assert_eq(sys_drop_write_caps(), 0);
	cr_assert_eq(write(fd, "x", 1), 1);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_not(st.st_mode & S_ISUID);
	unlink(name);
}

static void *other_thread(void *context)
{
	int *ends = context;
	char byte;
	uint64_t before = effective();

	if (sys_as_user(USER, GROUP) || sys_drop_write_caps())
		return NULL;
	if (write(ends[1], "x", 1) != 1 || read(ends[2], &byte, 1) != 1)
		return NULL;
	if (!identity_is(USER, GROUP) || sys_as_root() || sys_restore_caps())
		return NULL;
	return effective() == before ? context : NULL;
}

Test(sys_identity, only_the_calling_thread_changes)
{
	uint64_t before = effective();
	pthread_t thread;
	int ends[4];
	void *result;
	char byte;

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(pipe(ends + 2), 0);
	pthread_create(&thread, NULL, other_thread, ends);
	cr_assert_eq(read(ends[0], &byte, 1), 1);
	cr_assert(identity_is(0, 0));
	cr_assert_eq(effective(), before);
	cr_assert_eq(sys_as_user(USER + 1, GROUP + 1), 0);
	cr_assert_eq(write(ends[3], "x", 1), 1);
	pthread_join(thread, &result);
	cr_assert_not_null(result);
	cr_assert(identity_is(USER + 1, GROUP + 1));
}

static const char *fault_call;

static int fault(const char *call)
{
	return strcmp(call, fault_call) ? 0 : -EPERM;
}

Test(sys_identity, a_switch_that_fails_leaves_the_thread_as_it_was)
{
	static const char *const calls[] = {"setfsuid", "capset"};
	uint64_t before = effective();

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		fault_call = calls[i];
		sys_fault_hook = fault;
		cr_assert_eq(sys_as_user(USER, GROUP), -EPERM);
		sys_fault_hook = NULL;
		cr_assert(identity_is(0, 0));
		cr_assert_eq(effective(), before);
	}
	cr_assert_eq(sys_as_user(USER, (gid_t)-1), -EINVAL);
	cr_assert_eq(sys_as_user((uid_t)-1, GROUP), -EINVAL);
	cr_assert(identity_is(0, 0));
}

/* The calls themselves never say that they did nothing. */
Test(sys_identity, an_identity_that_cannot_be_taken_is_an_error)
{
	effective_remove(bit(CAP_SETUID));
	cr_assert_eq(sys_as_user(USER, GROUP), -EPERM);
	cr_assert(identity_is(0, 0));
	cr_assert_eq(sys_as_user(USER, GROUP), -EPERM);
	cr_assert_eq(sys_as_user(0, GROUP), 0);
	cr_assert_eq(sys_as_root(), 0);
	cr_assert(identity_is(0, 0));
}
