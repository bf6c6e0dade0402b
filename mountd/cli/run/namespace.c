/* SPDX-License-Identifier: MIT */
#include "cli/run/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

static int write_proc(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : sys_write_all(fd, text, strlen(text));
}

static long read_sysctl(const char *path)
{
	_cleanup_free_ char *text = NULL;

	if (sys_read_file(AT_FDCWD, path, 64, &text) < 0)
		return -1;
	return strtol(text, NULL, 10);
}

/* Why there is no user namespace, in words that lead to the cure. */
static int fail_user_namespace(int errno_value, struct err *err)
{
	err_set_errno(err, ERR_PERMISSION_DENIED, errno_value,
		      "an ordinary user's run needs a user namespace, which this system refuses");
	if (read_sysctl("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		return err_suggest(err, "As root: sysctl kernel.unprivileged_userns_clone=1");
	if (read_sysctl("/proc/sys/user/max_user_namespaces") == 0)
		return err_suggest(err, "As root: sysctl user.max_user_namespaces=15000");
	if (read_sysctl("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
		return err_suggest(
			err, "As root: sysctl kernel.apparmor_restrict_unprivileged_userns=0");
	return err_suggest(err, "Run as root, or ask the container's owner to allow unshare(2)");
}

static int enter_by_user_namespace(struct err *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[48];
	int r;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return fail_user_namespace(errno, err);
	/* The kernel wants setgroups gone before an unprivileged gid_map. */
	r = write_proc("/proc/self/setgroups", "deny");
	if (r >= 0 || r == -ENOENT) {
		snprintf(map, sizeof(map), "%u %u 1", (unsigned int)uid, (unsigned int)uid);
		r = write_proc("/proc/self/uid_map", map);
	}
	if (r >= 0) {
		snprintf(map, sizeof(map), "%u %u 1", (unsigned int)gid, (unsigned int)gid);
		r = write_proc("/proc/self/gid_map", map);
	}
	return r < 0 ? fail_user_namespace(-r, err) : 0;
}

int namespace_enter(bool *ret_user_namespace, struct err *err)
{
	bool user_namespace = false;

	if (unshare(CLONE_NEWNS) < 0) {
		if (errno != EPERM)
			return err_set_errno(err, ERR_UNAVAILABLE, errno,
					     "cannot make a mount namespace");
		if (enter_by_user_namespace(err) < 0)
			return -1;
		user_namespace = true;
	}
	/* Or the binds would show on the host. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) {
		err_set_errno(err, ERR_PRECONDITION_FAILED, errno,
			      "cannot detach the run's mounts from the host's");
		if (errno == EINVAL)
			err_suggest(err,
				    "The root directory is no mount point (chroot): bind it on "
				    "itself first");
		return -1;
	}
	*ret_user_namespace = user_namespace;
	return 0;
}
