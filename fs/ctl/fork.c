/* SPDX-License-Identifier: MIT */
/*
 * The request session.fork: another session that begins with what the first sees.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sys.h"
#include "ctl/gate.h"
#include "ctl/target.h"
#include "txn/clone.h"
#include "txn/names.h"
#include "view/view.h"
#include "virt/paths.h"

/* What is copied into until it is complete, in `work`: what a kill leaves there is deleted at the next start. */
#define UNFINISHED "fork"

static int clone_bases(int from_share, int to_share)
{
	_cleanup_close_ int from =
		openat(from_share, STORE_BASES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int to = -1;

	if (from < 0)
		return errno == ENOENT ? 0 : -errno;
	if (mkdirat(to_share, STORE_BASES, 0700))
		return -errno;
	to = openat(to_share, STORE_BASES, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return to < 0 ? -errno : clone_tree(from, to);
}

/* The upper comes last, in one rename: a fork that is killed has changed nothing of the share. */
static int clone_share(int from_share, int from_upper, int to_share)
{
	_cleanup_close_ int work = -1, to = -1;
	int r = sys_mkdir_all(to_share, STORE_WORK, 0700);

	if (r < 0)
		return r;
	work = openat(to_share, STORE_WORK, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (work < 0 || mkdirat(work, UNFINISHED, 0700))
		return -errno;
	to = openat(work, UNFINISHED, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = to < 0 ? -errno : clone_tree(from_upper, to);
	/* After the tree: of what was noted later nothing is in it. */
	if (r == 0)
		r = clone_file(from_share, to_share, STORE_SEEN);
	if (r == 0)
		r = clone_bases(from_share, to_share);
	return r == 0 ? sys_rename(work, UNFINISHED, to_share, STORE_UPPER, RENAME_NOREPLACE) : r;
}

static int fork_share(struct instance *instance, const struct session_record *from,
		      const struct session_record *to, const char *share_path)
{
	_cleanup_close_ int upper = -1, from_share = -1, to_share = -1;
	int r = store_open_upper(instance->store, from->uid, from->id, share_path, false, NULL,
				 &upper, NULL);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = from_share = store_open_share(instance->store, from->uid, from->id, share_path, false);
	if (r >= 0)
		r = to_share = store_open_share(instance->store, to->uid, to->id, share_path, true);
	return r < 0 ? r : clone_share(from_share, upper, to_share);
}

static int make_child(struct ctl_request *request, uint32_t parent, uint32_t *ret_child,
		      struct err *err)
{
	const struct session_record *record = registry_at(request->instance->registry, parent);
	const char *name = request_text(request, "name");
	uid_t uid = record->uid;
	bool created;

	if (!name)
		registry_fresh_id(request->instance->registry, uid, request->session);
	else if (target_parse(request, name, &uid, request->session, err) < 0)
		return -1;
	if (!name || !strchr(name, '/'))
		uid = record->uid;
	if (uid != record->uid)
		return err_set(err, ERR_VALIDATION_ERROR,
			       "a session of uid %u cannot be forked to one of uid %u", record->uid,
			       uid);
	if (registry_open(request->instance->registry, uid, request->session, 0, ret_child,
			  &created, err) < 0)
		return -1;
	if (created)
		return 0;
	err_set(err, ERR_ALREADY_EXISTS, "there is a session %s already", request->session);
	return err_suggest(err, "Take another name, or drop it: sessionfs rm %s", request->session);
}

static int fork_shares(struct instance *instance, uint32_t parent, uint32_t child, struct err *err)
{
	const struct session_record *from = registry_at(instance->registry, parent);
	const struct session_record *to = registry_at(instance->registry, child);

	for (uint32_t i = 0; i < instance->config->n_shares; i++) {
		const char *share_path = instance->config->shares[i].path;
		int r = fork_share(instance, from, to, share_path);

		if (r < 0)
			return err_set_errno(
				err, ERR_IO_ERROR, -r,
				"session %s is not forked: cannot copy its changes to %s", from->id,
				share_path);
	}
	return 0;
}

static int fork_session(struct ctl_request *request, uint32_t parent, uint32_t child,
			struct err *err)
{
	struct instance *instance = request->instance;
	const struct session_record *from = registry_at(instance->registry, parent);
	const struct session_record *to = registry_at(instance->registry, child);
	struct gate_change change;
	struct err ignored = {0};
	int r;

	/* Nobody begins a run in it before it has its changes. */
	if (!gate_close(instance->runs, child, 0, &change))
		return target_busy(request, child, "fork to", err);
	r = fork_shares(instance, parent, child, err);
	if (r < 0)
		registry_remove(instance->registry, child, &ignored);
	if (instance->session_changed)
		instance->session_changed(child, r < 0, instance->context);
	gate_open(&change);
	if (r < 0)
		return -1;
	events_emit_consume(instance->events, to->uid, child, "session_forked",
			    json_pack("{s:s, s:s}", "session", to->id, "from", from->id));
	request->data = json_pack("{s:s, s:I, s:s, s:o}", "session", to->id, "uid",
				  (json_int_t)to->uid, "from", from->id, "view",
				  session_path_json(instance, child));
	return CTL_DONE;
}

int request_session_fork(struct ctl_request *request, struct err *err)
{
	uint32_t parent = 0, child = 0;

	if (target_session(request, request_text(request, "session"), &parent, err) < 0 ||
	    make_child(request, parent, &child, err) < 0)
		return -1;
	return fork_session(request, parent, child, err);
}
