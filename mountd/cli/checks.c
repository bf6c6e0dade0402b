/* SPDX-License-Identifier: MIT */
#include "cli/checks.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "cli/fields.h"
#include "cli/text.h"

#define SPACE_FAIL_BYTES (64ull << 20)
#define SPACE_WARN_BYTES (1ull << 30)

const char *check_result_name(enum check_result result)
{
	static const char *const names[] = {"ok", "warn", "fail"};

	return names[result];
}

void check_kernel_release(const char *release, struct check *check)
{
	unsigned int major = (unsigned int)strtoul(release, NULL, 10);
	const char *dot = strchr(release, '.');
	unsigned int minor = dot ? (unsigned int)strtoul(dot + 1, NULL, 10) : 0;
	unsigned int version = major * 1000 + minor;

	buf_add_format(&check->detail, "Linux %s: ", release);
	if (version >= 6016) {
		buf_add_str(&check->detail, "everything is supported");
	} else if (version >= 6009) {
		buf_add_str(&check->detail,
			    "everything but the cheapest invalidation after a commit");
	} else if (version >= 6001) {
		check->result = CHECK_WARN;
		buf_add_str(&check->detail, "no passthrough; requests in flight fail when the "
					    "worker dies");
		buf_add_str(&check->advice, "Linux 6.9 or newer is faster and survives a crash");
	} else {
		check->result = CHECK_FAIL;
		buf_add_str(&check->detail, "too old");
		buf_add_str(&check->advice, "Linux 6.1 or newer is needed");
	}
}

enum check_result check_free_space(uint64_t free_bytes, uint64_t total_bytes)
{
	if (free_bytes < SPACE_FAIL_BYTES)
		return CHECK_FAIL;
	/* A small store that is nearly empty is fine. */
	if (free_bytes < SPACE_WARN_BYTES && free_bytes < total_bytes / 10)
		return CHECK_WARN;
	return CHECK_OK;
}

static void check_kernel(const struct check_facts *facts, struct check *check)
{
	struct utsname name;

	(void)facts;
	uname(&name);
	check_kernel_release(name.release, check);
}

static void check_fuse_device(const struct check_facts *facts, struct check *check)
{
	struct stat st;
	int fd;

	(void)facts;
	if (stat("/dev/fuse", &st) < 0 || !S_ISCHR(st.st_mode)) {
		check->result = CHECK_FAIL;
		buf_add_str(&check->detail, "/dev/fuse is missing");
		buf_add_str(&check->advice,
			    "Load the module (modprobe fuse), or give the container the device "
			    "(docker run --device /dev/fuse)");
		return;
	}
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0 && geteuid() != 0) {
		buf_add_str(&check->detail, "/dev/fuse is there; only root needs it, to mount");
		return;
	}
	if (fd < 0) {
		check->result = CHECK_FAIL;
		buf_add_format(&check->detail, "/dev/fuse cannot be opened: %s", strerror(errno));
		buf_add_str(&check->advice, "Allow the device for this container");
		return;
	}
	close(fd);
	buf_add_str(&check->detail, "/dev/fuse can be opened");
}

/* The only sure way to know: a child tries. */
static int try_unshare(int flags)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(unshare(flags) < 0 ? errno & 0x7f : 0);
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return EIO;
	return WEXITSTATUS(status);
}

static void check_namespaces(const struct check_facts *facts, struct check *check)
{
	int direct = try_unshare(CLONE_NEWNS);
	int user = try_unshare(CLONE_NEWUSER | CLONE_NEWNS);

	(void)facts;
	if (direct == 0) {
		buf_add_str(&check->detail, "this user may make mount namespaces");
		if (user != 0)
			buf_add_format(&check->detail,
				       "; ordinary users may not make user namespaces: %s",
				       strerror(user));
		return;
	}
	if (user == 0) {
		buf_add_str(&check->detail, "runs of this user go through a user namespace, where "
					    "ssh and sudo are limited");
		return;
	}
	check->result = CHECK_FAIL;
	buf_add_format(&check->detail, "`sessionfs run` cannot make a namespace: %s",
		       strerror(user));
	buf_add_str(&check->advice, "Allow user namespaces (sysctl "
				    "kernel.unprivileged_userns_clone=1, user.max_user_namespaces) "
				    "or run as root");
}

static void check_mount(const struct check_facts *facts, struct check *check)
{
	if (facts->status) {
		buf_add_format(&check->detail, "the sessionfs at %s answers", facts->mountpoint);
		return;
	}
	check->result = facts->hangs ? CHECK_FAIL : CHECK_WARN;
	buf_add_str(&check->detail, facts->unanswered);
	buf_add_str(&check->advice, facts->cure);
}

static void check_versions(const struct check_facts *facts, struct check *check)
{
	const char *daemon = field_text(facts->status, "version");

	buf_add_format(&check->detail, "this program is %s", SESSIONFS_VERSION);
	if (!facts->status)
		return;
	buf_add_format(&check->detail, ", the daemon %s", daemon);
	if (strcmp(daemon, SESSIONFS_VERSION) == 0)
		return;
	check->result = CHECK_WARN;
	buf_add_str(&check->advice,
		    "Mount anew with the version that is installed: sessionfs umount; "
		    "sessionfs mount");
}

static void check_degraded(const struct check_facts *facts, struct check *check)
{
	json_t *list = json_object_get(facts->status, "degraded"), *item;
	size_t i;

	if (!facts->status) {
		buf_add_str(&check->detail, "not known without a mount");
		return;
	}
	json_array_foreach(list, i, item)
	{
		check->result = CHECK_WARN;
		buf_add_format(&check->detail, "%s%s: %s", i ? "; " : "",
			       field_text(item, "feature"), field_text(item, "reason"));
	}
	if (check->result == CHECK_OK)
		buf_add_format(&check->detail, "nothing is degraded; passthrough is %s",
			       field_flag(facts->status, "passthrough") ? "on" : "off");
}

static void check_store(const struct check_facts *facts, struct check *check)
{
	const char *store = facts->status ? field_text(facts->status, "store")
					  : CONFIG_DEFAULT_STORE;
	char free_text[TEXT_NUMBER_SIZE];
	struct statvfs fs;
	uint64_t unit;

	if (statvfs(store, &fs) < 0 && errno == ENOENT && !facts->status) {
		buf_add_format(&check->detail, "%s is not there yet; mounting makes it", store);
		return;
	}
	if (statvfs(store, &fs) < 0) {
		/* Others' stores cannot be seen. */
		buf_add_format(&check->detail, "%s: %s", store, strerror(errno));
		if (facts->status && errno != EACCES)
			check->result = CHECK_FAIL;
		return;
	}
	unit = fs.f_frsize;
	text_bytes(fs.f_bavail * unit, free_text, sizeof(free_text));
	buf_add_format(&check->detail, "%s has %s free", store, free_text);
	check->result = check_free_space(fs.f_bavail * unit, fs.f_blocks * unit);
	if (check->result != CHECK_OK)
		buf_add_str(&check->advice, "Remove sessions (sessionfs ls, sessionfs rm), or give "
					    "the store more space");
}

static const struct {
	const char *name;
	void (*run)(const struct check_facts *facts, struct check *check);
} table[] = {
	{"kernel", check_kernel},         {"fuse-device", check_fuse_device},
	{"namespaces", check_namespaces}, {"mount", check_mount},
	{"versions", check_versions},     {"features", check_degraded},
	{"store", check_store},
};

json_t *checks_run(const struct check_facts *facts)
{
	json_t *results = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct check check = {.name = table[i].name};
		json_t *result = json_object();

		table[i].run(facts, &check);
		json_object_set_new(result, "name", json_string(check.name));
		json_object_set_new(result, "result", json_string(check_result_name(check.result)));
		json_object_set_new(result, "detail",
				    json_text(check.detail.data ? check.detail.data : ""));
		json_object_set_new(result, "advice",
				    check.advice.len ? json_text(check.advice.data) : json_null());
		json_array_append_new(results, result);
		buf_release(&check.detail);
		buf_release(&check.advice);
	}
	return results;
}
