/* SPDX-License-Identifier: MIT */
#include "ops/locking_told.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"

static enum lock_idiom idiom_of(enum advisory_kind kind)
{
	return kind == ADVISORY_FLOCK ? LOCK_IDIOM_FLOCK : LOCK_IDIOM_FCNTL;
}

/* The node of an open file, as it stands now. */
static int node_of(struct fs *fs, uint64_t fh, struct node_info *ret_node)
{
	const struct handle_record *handle = handle_at(fs->handles, fh);

	return handle ? node_get_index(fs->nodes, handle->node, ret_node) : -1;
}

/* The directory of a node that may be a lock; NULL: it is none. */
static struct layer_dir *lock_parent(struct fs *fs, const struct node_info *node)
{
	struct layer_dir *parent = NULL;

	if (node->flags & NODE_NAMELESS || node_dir(fs->nodes, node->parent, &parent) < 0)
		return NULL;
	if (layer_dir_class(parent, node->name) == CLASS_LOCK)
		return parent;
	layer_dir_unref(parent);
	return NULL;
}

int told_begin(struct fs *fs, fuse_req_t req, const struct node_info *node, struct told **ret_told)
{
	_cleanup_layer_dir_ struct layer_dir *parent = lock_parent(fs, node);
	struct told *told;
	int r;

	*ret_told = NULL;
	if (!parent)
		return 0;
	told = calloc(1, sizeof(*told));
	if (!told)
		return -ENOMEM;
	r = claim_begin(fs, req, parent, node->name, LOCK_IDIOM_NONE, &told->claim);
	if (r < 0 || !told->claim.is_lock)
		free(told);
	else
		*ret_told = told;
	return r;
}

static void tell_granted(struct fs *fs, const struct lock_key *key, const struct actor *actor,
			 const struct node_info *node, enum advisory_kind kind, uint64_t owner,
			 enum range_type type)
{
	struct stat st;
	bool merged;

	if (fs_stat(fs, node, &st, &merged) == 0)
		lock_advisory_granted(fs->instance->locks, key, actor, &st, idiom_of(kind), owner,
				      kind == ADVISORY_FLOCK && type == RANGE_WRITE);
}

void told_granted(struct fs *fs, const struct told *told, const struct advisory_request *request)
{
	struct node_info node;

	if (request->range.type == RANGE_NONE) {
		if (!advisory_holds(fs->advisory, request))
			lock_advisory_released(fs->instance->locks, &told->claim.key,
					       idiom_of(request->kind), request->owner);
	} else if (node_of(fs, request->handle, &node) == 0) {
		tell_granted(fs, &told->claim.key, &told->claim.actor, &node, request->kind,
			     request->owner, request->range.type);
	}
}

void told_denied(struct fs *fs, const struct told *told, const struct advisory_request *request,
		 const struct lock_wait *wait)
{
	lock_denied_wait(fs->instance->locks, &told->claim.key, idiom_of(request->kind),
			 &told->claim.actor, wait);
}

uint64_t told_timeout_ns(struct fs *fs, const struct told *told)
{
	const struct run_record *run = runs_at(fs->instance->runs, told->claim.actor.run);
	uint64_t timeout_ms;

	if (!run)
		return 0;
	timeout_ms = run->lock_timeout_ms;
	if (timeout_ms == RUN_LOCK_TIMEOUT_RULE)
		timeout_ms = fs->instance->config->shares[told->claim.key.share].lock_timeout_ms;
	return timeout_ms * NSEC_PER_MSEC;
}

void told_waits(struct fs *fs, const struct told *told, int delta)
{
	locks_waiter_add(fs->instance->locks, &told->claim.key, delta);
}

void told_released(struct fs *fs, const struct advisory_request *request)
{
	_cleanup_layer_dir_ struct layer_dir *parent = NULL;
	struct node_info node;
	char path[PATH_MAX];
	struct lock_key key;

	if (node_of(fs, request->handle, &node) < 0)
		return;
	parent = lock_parent(fs, &node);
	if (parent && fs_lock_key(parent, node.name, path, sizeof(path), &key) == 0)
		lock_advisory_released(fs->instance->locks, &key, idiom_of(request->kind),
				       request->owner);
}

void told_again(struct fs *fs, const struct advisory_record *record)
{
	_cleanup_layer_dir_ struct layer_dir *parent = NULL;
	struct actor actor = {.tid = (pid_t)record->pid, .pid = (pid_t)record->pid};
	struct node_info node;
	char path[PATH_MAX];
	struct lock_key key;

	if (!record->pid || node_of(fs, record->handle, &node) < 0)
		return;
	parent = lock_parent(fs, &node);
	if (!parent || fs_lock_key(parent, node.name, path, sizeof(path), &key) < 0)
		return;
	actor.session = node.session;
	actor.uid = record->uid;
	actor.run = identity_run(fs->instance->identity, actor.tid, actor.uid, node.session);
	tell_granted(fs, &key, &actor, &node, (enum advisory_kind)record->kind, record->owner,
		     (enum range_type)record->type);
}
