/* SPDX-License-Identifier: MIT */
#include "support/instance.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sys.h"

struct instance instance;
uint32_t instance_changed_session;
bool instance_changed_removed;

static struct arena *locks_arena;
static char mountpoint[] = INSTANCE_MOUNTPOINT;

static void counts(struct instance_counts *ret_counts, void *context)
{
	(void)context;
	ret_counts->nodes = 7;
	ret_counts->open_handles = 3;
}

static void session_changed(uint32_t session, bool removed, void *context)
{
	(void)context;
	instance_changed_session = session;
	instance_changed_removed = removed;
}

static void run_ended(uint32_t run, void *context)
{
	(void)context;
	locks_run_ended(instance.locks, run);
}

static void ignore_release(void *context)
{
	(void)context;
}

static void ignore_freed(uint32_t share, const char *path, void *context)
{
	(void)share;
	(void)path;
	(void)context;
}

static void set_path(struct share_config *share, const char *path)
{
	if (!path)
		return;
	free(share->path);
	share->path = strdup(path);
}

static void make_locks(void)
{
	static const struct arena_table_spec spec = {"locks", sizeof(struct lock_record), 64};
	struct locks_setup setup;

	cr_assert_eq(arena_new(&spec, 1, &locks_arena), 0);
	cr_assert_eq(arena_attach(locks_arena), 0);
	setup = (struct locks_setup){
		.table = arena_table(locks_arena, 0),
		.globals = world.globals,
		.store = world.store,
		.events = instance.events,
		.identity = instance.identity,
		.config = &world.config,
		.released = ignore_release,
		.freed = ignore_freed,
	};
	cr_assert_eq(locks_new(&setup, &instance.locks), 0);
}

static struct rules *rules[SHARES_MAX];

void instance_make(const char *first_path, const char *second_path)
{
	static struct identity identity;

	world_make();
	set_path(&world.shares[0], first_path);
	set_path(&world.shares[1], second_path);
	world.config.mountpoint = mountpoint;
	instance = (struct instance){
		.config = &world.config,
		.globals = world.globals,
		.arena = world.arena,
		.store = world.store,
		.identity = &identity,
		.rules = rules,
		.supervisor_pid = getppid(),
		.counts = counts,
		.session_changed = session_changed,
	};
	cr_assert_eq(registry_new(world.sessions, world.store, &world.config, true,
				  &instance.registry),
		     0);
	cr_assert_eq(runs_new(world.runs, world.globals, run_ended, NULL, &instance.runs), 0);
	cr_assert_eq(
		events_new(world.events, world.globals, ignore_release, NULL, &instance.events), 0);
	identity = (struct identity){instance.registry, instance.runs, &world.config};
	make_locks();
	for (size_t i = 0; i < world.config.n_shares; i++)
		cr_assert_eq(rules_new(&world.shares[i], &rules[i]), 0);
}

void instance_free(void)
{
	for (size_t i = 0; i < world.config.n_shares; i++)
		rules_free(rules[i]);
	locks_free(instance.locks);
	events_free(instance.events);
	runs_free(instance.runs);
	registry_free(instance.registry);
	arena_free_all(locks_arena);
	world_free();
}

uint32_t instance_session(uid_t uid, const char *id)
{
	struct err err;
	uint32_t session;

	cr_assert_eq(registry_open(instance.registry, uid, id, 0, &session, NULL, &err), 0, "%s",
		     err.message);
	return session;
}

uint32_t instance_lock(uint32_t share, uint32_t session_scope, const char *path, uint32_t session,
		       uint32_t run)
{
	const struct lock_key key = {.share = share, .session = session_scope, .path = path};
	struct actor actor = {.session = session, .run = run, .tid = getpid(), .pid = getpid()};
	int lower = world.shares[share].lower_fd;
	const char *name = path_base(path);
	struct stat st;
	uint32_t claim;
	char *parent;
	int fd;

	snprintf(actor.session_id, sizeof(actor.session_id), "%s",
		 registry_at(instance.registry, session)->id);
	actor.uid = registry_at(instance.registry, session)->uid;
	parent = strndup(path, name > path ? (size_t)(name - path - 1) : 0);
	cr_assert(!*parent || sys_mkdir_all(lower, parent, 0755) == 0);
	free(parent);
	claim = lock_claim(instance.locks, &key, LOCK_IDIOM_CREATE, &actor);
	cr_assert(claim);
	fd = openat(lower, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	close(fd);
	lock_claim_commit(instance.locks, claim, &st);
	return claim;
}

static int list_one(const char *name, uint32_t mode, void *context)
{
	const char *mark = S_ISDIR(mode) ? "/" : S_ISLNK(mode) ? "@" : "";

	buf_add_format(context, "%s%s ", name, mark);
	return 0;
}

char *instance_list(const char *path, uid_t uid)
{
	struct buf names = {0};

	buf_add_str(&names, "");
	if (virt_list(&instance, path, uid, list_one, &names) == 0)
		return names.data ? names.data : strdup("");
	buf_release(&names);
	return NULL;
}

json_t *instance_json(const char *path, pid_t tid, uid_t uid)
{
	_cleanup_buf_ struct buf text = {0};
	struct err err;
	json_t *json;

	if (virt_render(&instance, path, tid, uid, uid, &text) < 0)
		return NULL;
	cr_assert_eq(text.data[text.len - 1], '\n');
	json = json_parse(text.data, text.len, path, &err);
	cr_assert(json, "%s", err.message);
	return json;
}
