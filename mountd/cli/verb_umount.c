/* SPDX-License-Identifier: MIT */
/* sessionfs umount: asks the daemon, unmounts, waits until the daemon is gone. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mountinfo.h"
#include "base/probe.h"
#include "cli/busy.h"
#include "cli/ctl_client.h"
#include "cli/end_runs.h"
#include "cli/output.h"
#include "cli/served_by.h"
#include "cli/text.h"
#include "cli/verb.h"
#include "config/check.h"
#include "config/privilege.h"

#define ANSWER_MS 5000 /* how long status.json may take */
#define STATUS_MAX (1u << 20)
#define END_SOON_MS 50 /* a daemon whose mount is gone ends by itself */
#define END_MS 10000   /* else it is told to, and has this long */
#define STACK_MAX 64

static const struct option_spec options[] = {
	{"force", 0, OPTION_FLAG, NULL,
	 "End live runs (TERM, after 5 s KILL), and unmount although files are in use", NULL, NULL},
	{0},
};

static const struct verb_example examples[] = {
	{"Unmount the default instance", "sessionfs umount"},
	{"End what still runs, and unmount", "sessionfs umount --force"},
	{0},
};

/* One unmounting. */
struct umount {
	char *path;
	unsigned int connection; /* number of the FUSE connection */
	bool force;
	char *store; /* NULL: not known */
	int pidfd;   /* of the supervisor; -1: not known, or gone */
	pid_t supervisor;
	json_t *ended; /* array: runs that were ended */
};

static void umount_release(struct umount *umount)
{
	free(umount->path);
	free(umount->store);
	json_decref(umount->ended);
	cleanup_close(&umount->pidfd);
}

/* fstype: of what is mounted there instead, NULL: nothing. */
static int fail_unmounted(const struct umount *umount, const char *fstype, struct err *err)
{
	if (fstype)
		err_set(err, ERR_UNAVAILABLE, "what is mounted at %.512s is no sessionfs but %s",
			umount->path, fstype);
	else
		err_set(err, ERR_UNAVAILABLE, "no sessionfs is mounted at %.512s", umount->path);
	return err_suggest(err, "List what is mounted: findmnt -t fuse.sessionfs");
}

/* Resolves the path and checks that a sessionfs is mounted there. */
static int find_mount(struct umount *umount, const char *path, struct err *err)
{
	_cleanup_free_ char *absolute = NULL, *cwd = *path == '/' ? strdup("") : getcwd(NULL, 0);
	struct mount_info info;
	int r;

	if (!cwd || asprintf(&absolute, "%s%s%s", cwd, *cwd ? "/" : "", path) < 0) {
		absolute = NULL;
		return err_set_errno(err, ERR_IO_ERROR, errno, "the working directory");
	}
	umount->path = path_resolve(absolute);
	if (!umount->path)
		return err_set_errno(err, ERR_PRECONDITION_FAILED, errno, "%.512s", path);
	r = mountinfo_at(umount->path, &info);
	if (r < 0)
		return err_set_errno(err, ERR_PRECONDITION_FAILED, -r, "%.512s", umount->path);
	if (r == 0 || strcmp(info.fstype, "fuse.sessionfs") != 0)
		return fail_unmounted(umount, r == 0 ? NULL : info.fstype, err);
	umount->connection = info.minor;
	return 0;
}

/* Who serves it. -ENOTCONN: nobody does; -ETIMEDOUT and others: he does not answer. */
static int read_status(struct umount *umount)
{
	_cleanup_free_ char *file = NULL, *text = NULL;
	_cleanup_json_ json_t *status = NULL;
	const char *store;
	struct err err;
	ssize_t len;

	if (asprintf(&file, "%s/status.json", umount->path) < 0) {
		file = NULL;
		return -ENOMEM;
	}
	len = probe_read_file(file, STATUS_MAX, ANSWER_MS, &text);
	if (len < 0)
		return (int)len;
	status = json_parse(text, (size_t)len, file, &err);
	store = json_string_value(json_object_get(status, "store"));
	umount->supervisor = (pid_t)json_integer_value(json_object_get(status, "supervisor_pid"));
	umount->store = store ? strdup(store) : NULL;
	if (umount->supervisor <= 0)
		return -EBADMSG;
	umount->pidfd = (int)syscall(SYS_pidfd_open, umount->supervisor, 0);
	return 0;
}

/* The daemon's leave; with --force also ends the runs. 1: refused, the answer says why. */
static int ask_leave(struct umount *umount, struct answer *answer, struct err *err)
{
	_cleanup_close_ int fd = ctl_open(umount->path, err);
	json_t *request = json_pack("{s:s, s:b}", "op", "umount.check", "force", umount->force);
	json_t *runs;

	if (fd < 0) {
		json_decref(request);
		return -1;
	}
	if (ctl_ask_consume(fd, request, answer, err) < 0)
		return -1;
	if (answer->error)
		return 1;
	runs = json_object_get(answer->data, "runs");
	if (json_is_array(runs))
		umount->ended = json_incref(runs);
	json_decref(answer->data);
	answer->data = NULL;
	return umount->force && json_array_size(runs) ? end_runs(runs, err) : 0;
}

static int fail_busy(const struct umount *umount, struct answer *answer, struct err *err)
{
	json_t *processes = busy_processes(umount->path), *first = json_array_get(processes, 0);
	const char *name = json_string_value(json_object_get(first, "name"));
	size_t n = json_array_size(processes);
	char more[32] = "";

	if (n > 1)
		snprintf(more, sizeof(more), " and %zu more", n - 1);
	if (first)
		err_set(err, ERR_PRECONDITION_FAILED, "%.512s is in use by %s (pid %d)%s",
			umount->path, name ? name : "?",
			(int)json_integer_value(json_object_get(first, "pid")), more);
	else
		err_set(err, ERR_PRECONDITION_FAILED,
			"%.512s is in use: something is mounted below it, or a process holds it",
			umount->path);
	err_suggest(err, "End what uses it, or: sessionfs umount --force %.256s", umount->path);
	answer->error = output_error(err);
	json_object_set_new(answer->error, "processes", processes);
	return 1;
}

/* 0, 1 (answer->error is set) or -1. */
static int detach(const struct umount *umount, struct answer *answer, struct err *err)
{
	if (umount2(umount->path, UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (errno == EBUSY && !umount->force)
		return fail_busy(umount, answer, err);
	if (errno == EBUSY && umount2(umount->path, UMOUNT_NOFOLLOW | MNT_DETACH) == 0)
		return 0;
	return err_set_errno(err, errno == EPERM ? ERR_PERMISSION_DENIED : ERR_IO_ERROR, errno,
			     "cannot unmount %.512s", umount->path);
}

static bool daemon_gone(const struct umount *umount, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = umount->pidfd, .events = POLLIN};
	int r;

	do
		r = poll(&poll_fd, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	return r == 1;
}

/* The store is free when the supervisor is gone. */
static int wait_for_daemon(const struct umount *umount, struct err *err)
{
	if (umount->pidfd < 0 || daemon_gone(umount, END_SOON_MS))
		return 0;
	/* Another mount namespace may still hold the file system: it does not learn of the end. */
	syscall(SYS_pidfd_send_signal, umount->pidfd, SIGTERM, NULL, 0);
	if (daemon_gone(umount, END_MS))
		return 0;
	return err_set(err, ERR_TIMEOUT, "unmounted %.256s, but its daemon (pid %d) does not end",
		       umount->path, (int)umount->supervisor);
}

/* Detaches mounts without a server, as many as are stacked. */
static int clear_dead(const struct umount *umount, struct err *err)
{
	struct mount_info info;

	for (int i = 0; i < STACK_MAX; i++) {
		if (mountinfo_at(umount->path, &info) != 1 ||
		    strcmp(info.fstype, "fuse.sessionfs") != 0 ||
		    probe_statfs(umount->path, ANSWER_MS) == 0)
			return 0;
		if (umount2(umount->path, UMOUNT_NOFOLLOW | MNT_DETACH) < 0)
			return err_set_errno(err, ERR_IO_ERROR, errno,
					     "cannot unmount the dead mount at %.512s",
					     umount->path);
	}
	return 0;
}

static int fail_mute(const struct umount *umount, int error, struct err *err)
{
	err_set_errno(err, ERR_UNAVAILABLE, -error, "the sessionfs at %.512s does not answer",
		      umount->path);
	return err_suggest(err, "sessionfs umount --force %.256s", umount->path);
}

/* Its daemon is told to end, and kills a worker that hangs. */
static int unmount_mute(struct umount *umount, struct err *err)
{
	umount->supervisor = served_by(umount->connection);
	if (umount->supervisor > 0)
		umount->pidfd = (int)syscall(SYS_pidfd_open, umount->supervisor, 0);
	if (umount2(umount->path, UMOUNT_NOFOLLOW | MNT_DETACH) < 0)
		return err_set_errno(err, ERR_IO_ERROR, errno, "cannot unmount %.512s",
				     umount->path);
	return wait_for_daemon(umount, err);
}

static json_t *result(struct umount *umount, bool dead)
{
	json_t *store = umount->store ? json_text(umount->store) : json_null();
	json_t *ended = umount->ended ? json_incref(umount->ended) : json_array();

	return json_pack("{s:o, s:o, s:b, s:b, s:o}", "mountpoint", json_text(umount->path),
			 "store", store, "forced", umount->force, "dead", dead, "ended_runs",
			 ended);
}

/* 0, 1 (answer->error is set) or -1. */
static int unmount(struct umount *umount, struct answer *answer, struct err *err)
{
	int r = read_status(umount);
	bool dead = r == -ENOTCONN || r == -ECONNABORTED;

	if (dead)
		r = clear_dead(umount, err);
	else if (r < 0 && umount->force)
		r = unmount_mute(umount, err);
	else if (r < 0)
		return fail_mute(umount, r, err);
	else if ((r = ask_leave(umount, answer, err)) == 0 &&
		 (r = detach(umount, answer, err)) == 0)
		r = wait_for_daemon(umount, err);
	if (r == 0)
		answer->data = result(umount, dead);
	return r;
}

static int umount_act(struct call *call, struct answer *answer, struct err *err)
{
	const char *operand = args_operand(call->args, 0);
	_cleanup_(umount_release) struct umount umount = {.force = args_given(call->args, "force"),
							  .pidfd = -1};

	if (find_mount(&umount, operand ? operand : call->mountpoint, err) < 0 ||
	    privilege_check("umount", err) < 0)
		return -1;
	return unmount(&umount, answer, err) < 0 ? -1 : 0;
}

static void umount_show(const struct call *call, const struct answer *answer)
{
	const char *path = json_string_value(json_object_get(answer->data, "mountpoint"));
	size_t ended = json_array_size(json_object_get(answer->data, "ended_runs"));
	(void)call;

	fputs("unmounted ", stdout);
	text_put(stdout, path ? path : "");
	if (json_is_true(json_object_get(answer->data, "dead")))
		fputs(" (its daemon was gone already)", stdout);
	if (ended)
		printf(" (%zu %s ended)", ended, ended == 1 ? "run was" : "runs were");
	fputs("\n", stdout);
}

const struct verb verb_umount = {
	.name = "umount",
	.summary = "Unmount the file system and end its daemon",
	.usage = "[MOUNTPOINT]",
	.description =
		"Refused while runs live in it; they are listed. Returns when the daemon is gone and its\n"
		"store is free. Sessions and their changes stay in the store. Needs CAP_SYS_ADMIN.",
	.options = options,
	.examples = examples,
	.max_operands = 1,
	.danger = VERB_MUTATING,
	.exits = EXITS(PRECONDITION) | EXITS(PERMISSION) | EXITS(TIMEOUT) | EXITS(UNAVAILABLE),
	.act = umount_act,
	.show = umount_show,
};
