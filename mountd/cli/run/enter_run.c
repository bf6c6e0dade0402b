/* SPDX-License-Identifier: MIT */
#include "cli/run/enter_run.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/sys.h"
#include "cli/ctl_client.h"
#include "cli/output.h"
#include "cli/run/binds.h"
#include "cli/run/namespace.h"
#include "cli/run/views.h"

static json_t *begin_request(const struct run_plan *plan, const char *session, const char *cwd)
{
	json_t *request = ctl_request("run.begin"), *command = json_array();

	for (char *const *word = plan->command; *word; word++)
		json_array_append_new(command, json_text(*word));
	if (session)
		json_object_set_new(request, "session", json_string(session));
	json_object_set_new(request, "command", command);
	json_object_set_new(request, "cwd", json_text(cwd ? cwd : ""));
	json_object_set_new(request, "on_exit",
			    json_string(plan->reset    ? "reset"
					: plan->commit ? "commit"
						       : "keep"));
	if (plan->lock_timeout_ms >= 0)
		json_object_set_new(request, "lock_timeout_ms",
				    json_integer(plan->lock_timeout_ms));
	return request;
}

/*
 * A descriptor from before the run still leads to the host: what COMMAND writes to such a stdout
 * is outside its session.
 */
static void warn_of_stdout(const json_t *shares, struct answer *answer)
{
	char link[32], path[PATH_MAX];
	struct statfs fs;
	struct stat st;
	ssize_t len;

	if (fstat(STDOUT_FILENO, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	/* Of an outer run's view: that is a session's file already. */
	if (fstatfs(STDOUT_FILENO, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC)
		return;
	sys_fd_path(STDOUT_FILENO, link);
	len = readlink(link, path, sizeof(path) - 1);
	if (len <= 0)
		return;
	path[len] = 0;
	if (views_share_of(shares, path))
		answer_warn(answer,
			    "STDOUT_IN_SHARE: stdout is %s, which was opened before the "
			    "run: what COMMAND prints goes there, not into the session",
			    path);
}

/* A process that stays where it was would see the host's files by their relative names. */
static int enter_directory(const char *cwd, const json_t *shares, const char *session,
			   struct err *err)
{
	if (!cwd || !views_share_of(shares, cwd) || chdir(cwd) == 0)
		return 0;
	err_set_errno(err, ERR_PRECONDITION_FAILED, errno,
		      "the working directory %s cannot be entered in the view of session %s", cwd,
		      session);
	return err_suggest(err, "Run from a directory outside the share, or create it in the "
				"session first");
}

static int export_identity(const struct run_plan *plan, const json_t *data, struct err *err)
{
	const char *run = json_string_value(json_object_get(data, "run"));
	const char *session = json_string_value(json_object_get(data, "session"));

	if (!run || !session)
		return err_set(err, ERR_INTERNAL_ERROR, "the daemon's answer names no run");
	if (setenv("SESSIONFS_SESSION", session, 1) < 0 || setenv("SESSIONFS_RUN", run, 1) < 0 ||
	    (!plan->mountpoint_is_default && setenv("SESSIONFS_MOUNT", plan->mountpoint, 1) < 0))
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	return 0;
}

static int put_views(const struct run_plan *plan, const json_t *data, const char *cwd,
		     struct err *err)
{
	const json_t *shares = json_object_get(data, "shares");
	const char *session = json_string_value(json_object_get(data, "session"));
	_cleanup_binds_ struct binds binds = {0};

	if (views_collect(plan->mountpoint, shares, &binds, err) < 0 ||
	    binds_apply(&binds, err) < 0 ||
	    enter_directory(cwd, shares, session ? session : "?", err) < 0)
		return -1;
	return export_identity(plan, data, err);
}

static int begin(const struct run_plan *plan, const char *session, int ctl_fd,
		 struct answer *answer, struct err *err)
{
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	bool user_namespace = false;
	json_t *request;

	/* "(unreachable)/x": the directory is in no mount that we see. */
	if (cwd && cwd[0] != '/') {
		free(cwd);
		cwd = NULL;
	}
	if (namespace_enter(&user_namespace, err) < 0)
		return -1;
	request = begin_request(plan, session ? session : plan->session, cwd);
	if (ctl_ask_consume(ctl_fd, request, answer, err) < 0)
		return -1;
	if (answer->error)
		return 0;
	if (user_namespace)
		answer_warn(answer, "USERNS_FALLBACK: COMMAND runs in a user namespace, where "
				    "set-uid programs such as ssh and sudo are limited");
	/* A captured stdout is no file of the caller's. */
	if (plan->json == RUN_JSON_OFF)
		warn_of_stdout(json_object_get(answer->data, "shares"), answer);
	return put_views(plan, answer->data, cwd, err);
}

int enter_run(const struct run_plan *plan, const char *session, int *ret_ctl_fd, json_t **ret_begun,
	      json_t **ret_failure)
{
	struct answer answer = {0};
	struct err err = {0};
	int r = -1;

	*ret_ctl_fd = ctl_open(plan->mountpoint, &err);
	if (*ret_ctl_fd >= 0)
		r = begin(plan, session, *ret_ctl_fd, &answer, &err);
	if (r < 0 || answer.error) {
		*ret_failure = r < 0 ? output_error(&err) : json_incref(answer.error);
		answer_release(&answer);
		return -1;
	}
	*ret_begun = json_object();
	json_object_set(*ret_begun, "data", answer.data);
	json_object_set(*ret_begun, "warnings", answer.warnings);
	answer_release(&answer);
	return 0;
}
