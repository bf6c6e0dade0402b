/* SPDX-License-Identifier: MIT */
#include "worker/wiring.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "ctl/gate.h"
#include "ops/carrier.h"
#include "ops/flights.h"
#include "ops/notifier.h"
#include "ops/parking.h"
#include "ops/poll.h"
#include "txn/commit.h"
#include "worker/tables.h"

static void count(struct instance_counts *ret_counts, void *context)
{
	struct wiring *wiring = context;

	*ret_counts = (struct instance_counts){
		.nodes = nodes_count(wiring->fs.nodes),
		.open_handles = handles_count(wiring->fs.handles),
		.waiters = wiring->fs.parking ? parking_count(wiring->fs.parking) : 0,
		.arena_bytes = arena_used_bytes(wiring->heritage->arena),
	};
}

/* The virtual node of a path, without looking it up; 0 where the kernel knows none. */
static uint64_t virtual_node(struct fs *fs, const char *path, char *ret_last, size_t size)
{
	uint64_t nodeid = NODE_ROOT_ID;
	char copy[PATH_MAX];
	char *rest = copy, *part, *next;
	struct node_info node;

	snprintf(copy, sizeof(copy), "%s", path);
	part = strsep(&rest, "/");
	while ((next = strsep(&rest, "/"))) {
		if (node_get(fs->nodes, nodeid, &node) < 0)
			return 0;
		nodeid = node_find(fs->nodes, node.index, part);
		if (!nodeid)
			return 0;
		part = next;
	}
	snprintf(ret_last, size, "%s", part);
	return nodeid;
}

static void expire_path(struct fs *fs, const char *path)
{
	char name[NAME_MAX + 1];
	uint64_t parent = virtual_node(fs, path, name, sizeof(name));

	if (parent && fs->notifier)
		notifier_expire(fs->notifier, parent, name);
}

/* The roots of the session's views are other nodes now, or it is gone: the kernel forgets. */
static void session_changed(uint32_t session, bool removed, void *context)
{
	struct wiring *wiring = context;
	const struct config *config = wiring->heritage->config;
	const struct session_record *record = registry_at(wiring->instance.registry, session);
	char path[PATH_MAX];

	for (size_t i = 0; i < config->n_shares; i++) {
		snprintf(path, sizeof(path), "sessions/%u/%s/%s", record->uid, record->id,
			 share_relative(&config->shares[i]));
		expire_path(&wiring->fs, path);
	}
	if (removed) {
		snprintf(path, sizeof(path), "sessions/%u/%s", record->uid, record->id);
		expire_path(&wiring->fs, path);
	}
}

/* A commit: sessions without copies of their own see it at once. */
static void lower_changed(void *context)
{
	struct wiring *wiring = context;

	if (wiring->fs.notifier)
		notifier_expire_all(wiring->fs.notifier);
}

static void lock_released(void *context)
{
	struct wiring *wiring = context;

	if (wiring->fs.parking)
		parking_wake(wiring->fs.parking);
}

/* A long copy is over: who waits for it is parked. */
static void copy_landed(void *context)
{
	struct wiring *wiring = context;

	if (wiring->fs.parking)
		parking_wake(wiring->fs.parking);
}

struct freed_name {
	struct fs *fs;
	const char *name;
};

static void expire_in_dir(uint64_t nodeid, void *context)
{
	const struct freed_name *freed = context;

	notifier_expire(freed->fs->notifier, nodeid, freed->name);
}

/* We deleted a lock file below the kernel's feet, in every session's view of its directory. */
static void lock_freed(uint32_t share, const char *path, void *context)
{
	struct wiring *wiring = context;
	struct freed_name freed = {.fs = &wiring->fs, .name = path_base(path)};
	char dir[PATH_MAX];

	if (!wiring->fs.notifier)
		return;
	snprintf(dir, sizeof(dir), "%.*s", (int)(freed.name > path ? freed.name - path - 1 : 0),
		 path);
	nodes_each_lower_dir(wiring->fs.nodes, share, dir, expire_in_dir, &freed);
}

static void event_emitted(void *context)
{
	struct wiring *wiring = context;

	if (wiring->fs.notifier && wiring->fs.pollers)
		pollers_wake(&wiring->fs);
}

/* A session that was made for one run alone goes with it, if it holds nothing. */
static void drop_ephemeral(struct wiring *wiring, uint32_t session)
{
	struct instance *instance = &wiring->instance;
	const struct session_record *record = registry_at(instance->registry, session);
	struct gate_change change;
	struct err err;

	if (!(record->flags & SESSION_EPHEMERAL) ||
	    !gate_close(instance->runs, session, 0, &change))
		return;
	if (registry_has_changes(instance->registry, session) == 0) {
		session_changed(session, true, wiring);
		if (registry_remove(instance->registry, session, &err) < 0)
			log_warning("cannot drop the empty session of a run: %s", err.message);
	}
	gate_open(&change);
}

/* A run is over: its locks are free. */
static void run_ended(uint32_t run, void *context)
{
	struct wiring *wiring = context;
	struct instance *instance = &wiring->instance;
	const struct run_record *record = runs_at(instance->runs, run);
	json_t *members;

	if (!record)
		return;
	locks_run_ended(instance->locks, run);
	members = json_object();
	if (members) {
		json_object_set_new(members, "run", json_string(record->id));
		json_object_set_new(
			members, "session",
			json_text(registry_at(instance->registry, record->session)->id));
	}
	events_emit_consume(instance->events, record->uid, record->session, "run_ended", members);
	drop_ephemeral(wiring, record->session);
}

/* Before anything is served: whoever looks shall see all of a commit or nothing. */
static int recover_commit(const struct heritage *heritage)
{
	struct layout_names names;
	const struct commit_setup setup = {
		.store = heritage->store, .config = heritage->config, .names = &names};
	int r;

	layout_names_init(&names, store_xattr_prefix(heritage->store));
	r = commit_recover(&setup);
	/*
	 * Its share is not mounted, or the disk has damaged it: the journal stays, the log says so, and no other
	 * commit is made meanwhile.
	 */
	return r == -EXDEV || r == -EBADMSG ? 0 : r;
}

static int make_sessions(struct wiring *wiring)
{
	const struct heritage *heritage = wiring->heritage;
	struct instance *instance = &wiring->instance;
	struct arena *arena = heritage->arena;
	bool first = instance->globals->init_size == 0;
	int r;

	/* What an earlier instance left half done; a later worker's predecessor may be half-way. */
	if (first)
		store_clean(heritage->store);
	r = recover_commit(heritage);
	if (r < 0)
		return r;
	r = registry_new(arena_table(arena, TABLE_SESSIONS), heritage->store, heritage->config,
			 first, &instance->registry);
	if (r == 0)
		r = events_new(arena_table(arena, TABLE_EVENTS), instance->globals, event_emitted,
			       wiring, &instance->events);
	if (r == 0)
		r = runs_new(arena_table(arena, TABLE_RUNS), instance->globals, run_ended, wiring,
			     &instance->runs);
	wiring->identity = (struct identity){
		.registry = instance->registry, .runs = instance->runs, .config = heritage->config};
	instance->identity = &wiring->identity;
	return r;
}

static int make_locks(struct wiring *wiring)
{
	struct instance *instance = &wiring->instance;
	struct locks_setup setup = {
		.table = arena_table(wiring->heritage->arena, TABLE_LOCKS),
		.globals = instance->globals,
		.store = instance->store,
		.events = instance->events,
		.identity = instance->identity,
		.config = instance->config,
		.released = lock_released,
		.freed = lock_freed,
		.context = wiring,
	};

	int r = locks_new(&setup, &instance->locks);

	if (r == 0)
		r = advisory_new(arena_table(wiring->heritage->arena, TABLE_ADVISORY),
				 lock_released, wiring, &wiring->fs.advisory);
	return r < 0 ? r : carriers_new(&wiring->fs.carriers);
}

static int make_views(struct wiring *wiring)
{
	const struct heritage *heritage = wiring->heritage;
	struct view_setup *views = &wiring->fs.views;
	struct fs *fs = &wiring->fs;
	int r = 0;

	views->registry = wiring->instance.registry;
	views->config = heritage->config;
	wiring->instance.rules = views->rules;
	layout_names_init(&views->names, store_xattr_prefix(heritage->store));
	for (size_t i = 0; r == 0 && i < heritage->config->n_shares; i++)
		r = rules_new(&heritage->config->shares[i], &views->rules[i]);
	if (r == 0)
		r = nodes_new(arena_table(heritage->arena, TABLE_NODES),
			      arena_table(heritage->arena, TABLE_NAMES), views, &fs->nodes);
	if (r == 0)
		r = handles_new(arena_table(heritage->arena, TABLE_HANDLES), &fs->handles);
	return r;
}

int wiring_new(const struct heritage *heritage, struct wiring **ret_wiring)
{
	struct wiring *wiring = calloc(1, sizeof(*wiring));
	int r;

	if (!wiring)
		return -ENOMEM;
	wiring->heritage = heritage;
	wiring->instance = (struct instance){
		.config = heritage->config,
		.globals = arena_globals(heritage->arena),
		.arena = heritage->arena,
		.store = heritage->store,
		.supervisor_pid = heritage->supervisor_pid,
		.counts = count,
		.session_changed = session_changed,
		.lower_changed = lower_changed,
		.context = wiring,
	};
	wiring->fs.instance = &wiring->instance;
	wiring->fs.fuse_fd = heritage->fuse_fd;
	r = arena_attach(heritage->arena);
	if (r == 0)
		r = make_sessions(wiring);
	if (r == 0)
		r = make_locks(wiring);
	if (r == 0)
		r = make_views(wiring);
	if (r == 0)
		r = pollers_new(&wiring->fs.pollers);
	if (r == 0)
		r = flights_new(copy_landed, wiring, &wiring->fs.flights);
	if (r < 0) {
		wiring_free(wiring);
		return r;
	}
	*ret_wiring = wiring;
	return 0;
}

void wiring_operations(struct fuse_lowlevel_ops *ret_ops)
{
	memset(ret_ops, 0, sizeof(*ret_ops));
	ops_init(ret_ops);
	ops_lookup(ret_ops);
	ops_attr(ret_ops);
	ops_create(ret_ops);
	ops_tmpfile(ret_ops);
	ops_remove(ret_ops);
	ops_rename(ret_ops);
	ops_open(ret_ops);
	ops_data(ret_ops);
	ops_range(ret_ops);
	ops_ioctl(ret_ops);
	ops_dir(ret_ops);
	ops_xattr(ret_ops);
	ops_advisory(ret_ops);
	ops_poll(ret_ops);
}

int wiring_open_session(struct wiring *wiring)
{
	struct fs *fs = &wiring->fs;
	char *argv[] = {"sessionfs", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_lowlevel_ops ops;
	char path[32];
	int r;

	wiring_operations(&ops);
	fs->session = fuse_session_new(&args, &ops, sizeof(ops), fs);
	fuse_opt_free_args(&args);
	if (!fs->session)
		return -ENOMEM;
	/* The mount stands; libfuse takes the descriptor by this name. */
	snprintf(path, sizeof(path), "/dev/fd/%d", fs->fuse_fd);
	if (fuse_session_mount(fs->session, path))
		return -EIO;
	r = notifier_new(fs->session, &fs->notifier);
	return r < 0 ? r : parking_new(&fs->parking);
}

void wiring_free(struct wiring *wiring)
{
	struct fs *fs = &wiring->fs;

	/* Who is stuck goes on using everything: then the process's end frees it. */
	if (!flights_stop(fs->flights) || !parking_free(fs->parking))
		return;
	flights_free(fs->flights);
	if (!notifier_free(fs->notifier))
		return;
	if (fs->session)
		fuse_session_destroy(fs->session);
	pollers_free(fs->pollers);
	carriers_free(fs->carriers);
	advisory_free(fs->advisory);
	handles_free(fs->handles);
	nodes_free(fs->nodes);
	for (size_t i = 0; i < SHARES_MAX; i++)
		rules_free(fs->views.rules[i]);
	locks_free(wiring->instance.locks);
	runs_free(wiring->instance.runs);
	events_free(wiring->instance.events);
	registry_free(wiring->instance.registry);
	free(wiring);
}
