/* SPDX-License-Identifier: MIT */
#include "supervisor/twin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mountinfo.h"
#include "base/probe.h"
#include "base/proc.h"
#include "base/sys.h"

#define ANSWER_MS 5000
#define STATUS_MAX (1u << 20)

static json_t *render_list(const struct string_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_text(list->items[i]));
	return array;
}

static json_t *render_share(const struct share_config *share)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:I, s:s}", "path", json_text(share->path),
			 "mode", share_mode_name(share->mode), "lock", render_list(&share->lock),
			 "merge", render_list(&share->merge), "passthrough",
			 render_list(&share->passthrough), "lock_timeout_ms",
			 (json_int_t)share->lock_timeout_ms, "stale",
			 share->stale_report ? "report" : "release");
}

json_t *twin_render(const struct config *config)
{
	json_t *shares = json_array();

	for (size_t i = 0; i < config->n_shares; i++)
		json_array_append_new(shares, render_share(&config->shares[i]));
	return json_pack("{s:o, s:o, s:o, s:{s:o}, s:{s:I, s:I, s:I, s:I}, s:b}", "mountpoint",
			 json_text(config->mountpoint), "store", json_text(config->store), "shares",
			 shares, "identify", "environment",
			 render_list(&config->identify_environment), "sessions", "idle_ttl_ns",
			 (json_int_t)config->idle_ttl_ns, "max_bytes",
			 (json_int_t)config->max_bytes, "max_files", (json_int_t)config->max_files,
			 "max_sessions", (json_int_t)config->max_sessions, "passthrough",
			 !config->no_passthrough);
}

static void add_name(struct buf *names, const char *outer, const char *name)
{
	buf_add_format(names, "%s%s%s%s", names->len ? ", " : "", outer, *outer ? "." : "", name);
}

/* Names of members of `a` that `b` has otherwise, one level down for objects. */
static void compare_members(const json_t *a, const json_t *b, const char *outer, struct buf *names)
{
	/* jansson's iteration wants a mutable object, and changes nothing. */
	json_t *object = (json_t *)(uintptr_t)a;
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		const json_t *other = json_object_get(b, name);

		if (json_equal(value, other))
			continue;
		if (json_is_object(value) && json_is_object(other) && !*outer)
			compare_members(value, other, name, names);
		else
			add_name(names, outer, name);
	}
}

bool twin_differs(const json_t *a, const json_t *b, struct buf *ret_names)
{
	compare_members(a, b, "", ret_names);
	return ret_names->len > 0;
}

int twin_write(const struct config *config, struct store *store, struct err *err)
{
	_cleanup_json_ json_t *json = twin_render(config);
	_cleanup_buf_ struct buf text = {0};
	int r = -ENOMEM;

	if (json)
		json_render_pretty(json, &text);
	if (json && !buf_failed(&text))
		r = sys_write_file_durable(store_fd(store), TWIN_CONFIG_FILE, text.data, text.len,
					   0600);
	if (r < 0)
		return err_set_errno(err, ERR_IO_ERROR, -r, "%.256s/" TWIN_CONFIG_FILE,
				     config->store);
	return 0;
}

static json_t *read_status(const char *mountpoint, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/status.json", mountpoint);
	len = probe_read_file(path, STATUS_MAX, ANSWER_MS, &text);
	if (len < 0) {
		err_set_errno(err, ERR_UNAVAILABLE, (int)-len,
			      "the sessionfs at %.256s does not answer", mountpoint);
		err_suggest(err, "sessionfs umount --force %.256s", mountpoint);
		return NULL;
	}
	return json_parse(text, (size_t)len, path, err);
}

static int fail_different(const struct config *config, const char *what, struct err *err)
{
	err_set(err, ERR_PRECONDITION_FAILED,
		"another sessionfs is mounted at %.256s; it differs in: %.256s", config->mountpoint,
		what);
	return err_suggest(err,
			   "Unmount it first (sessionfs umount %.128s), or choose another mount "
			   "point and store.",
			   config->mountpoint);
}

/* The mount point that the store's instance wrote down; NULL where it did not. */
static char *written_mountpoint(const char *store)
{
	_cleanup_json_ json_t *written = NULL;
	_cleanup_free_ char *text = NULL;
	struct err ignored = {0};
	const char *value;
	char path[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/" TWIN_CONFIG_FILE, store);
	len = sys_read_file(AT_FDCWD, path, STATUS_MAX, &text);
	if (len < 0)
		return NULL;
	written = json_parse(text, (size_t)len, path, &ignored);
	value = json_string_value(json_object_get(written, "mountpoint"));
	return value ? strdup(value) : NULL;
}

static int compare_configuration(const struct config *config, struct err *err)
{
	_cleanup_json_ json_t *ours = twin_render(config), *theirs = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_buf_ struct buf names = {0};
	char path[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/" TWIN_CONFIG_FILE, config->store);
	len = sys_read_file(AT_FDCWD, path, STATUS_MAX, &text);
	if (len < 0)
		return err_set_errno(err, ERR_IO_ERROR, (int)-len, "%.512s", path);
	theirs = json_parse(text, (size_t)len, path, err);
	if (!theirs)
		return -1;
	if (twin_differs(ours, theirs, &names))
		return fail_different(config, names.data, err);
	return 0;
}

/* A zombie counts as gone: an init that reaps late must not matter. */
static bool is_gone(pid_t pid)
{
	struct proc_id id;
	int r = proc_identify(pid, &id);

	return r == -ESRCH || (r == 0 && !proc_alive(&id));
}

int twin_compare(const struct config *config, enum twin *ret_twin, pid_t *ret_supervisor,
		 struct err *err)
{
	_cleanup_json_ json_t *status = read_status(config->mountpoint, err);
	const char *store;
	pid_t supervisor;

	if (!status)
		return -1;
	store = json_string_value(json_object_get(status, "store"));
	supervisor = (pid_t)json_integer_value(json_object_get(status, "supervisor_pid"));
	if (supervisor > 0 && is_gone(supervisor)) {
		*ret_twin = TWIN_DYING;
		return 0;
	}
	if (!store || strcmp(store, config->store) != 0)
		return fail_different(config, "store", err);
	if (compare_configuration(config, err) < 0)
		return -1;
	*ret_twin = TWIN_EQUAL;
	*ret_supervisor = supervisor;
	return 0;
}

bool twin_passing(const char *store)
{
	_cleanup_free_ char *mountpoint = written_mountpoint(store), *text = NULL;
	char path[PATH_MAX];
	struct mount_info info;
	pid_t pid = 0;

	snprintf(path, sizeof(path), "%s/" STORE_INSTANCE_FILE, store);
	if (sys_read_file(AT_FDCWD, path, 64, &text) > 0)
		pid = (pid_t)atoi(text);
	/* It has not yet said who it is, or a worker has lost its supervisor. */
	if (pid <= 0 || is_gone(pid))
		return true;
	return !mountpoint || mountinfo_at(mountpoint, &info) == 0 ||
	       strcmp(info.fstype, "fuse.sessionfs") != 0;
}
