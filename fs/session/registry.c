/* SPDX-License-Identifier: MIT */
#include "session/registry.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "session/session_table.h"

#define TOUCH_INTERVAL_NS (60 * NSEC_PER_SEC)

static void registry_cleanup(struct registry **registry)
{
	registry_free(*registry);
}

int registry_new(struct arena_table *table, struct store *store, const struct config *config,
		 bool first, struct registry **ret_registry)
{
	_cleanup_(registry_cleanup) struct registry *registry = calloc(1, sizeof(*registry));
	int r;

	if (!registry)
		return -ENOMEM;
	registry->table = table;
	registry->store = store;
	registry->config = config;
	pthread_mutex_init(&registry->mutex, NULL);
	pthread_cond_init(&registry->settled, NULL);
	r = session_table_rebuild(registry);
	if (!r && first)
		r = session_table_load(registry);
	if (r)
		return r;
	*ret_registry = TAKE_PTR(registry);
	return 0;
}

void registry_free(struct registry *registry)
{
	if (!registry)
		return;
	index_release(&registry->by_id);
	index_release(&registry->by_sid);
	retired_release(&registry->retired);
	pthread_cond_destroy(&registry->settled);
	pthread_mutex_destroy(&registry->mutex);
	free(registry);
}

uint32_t registry_find(struct registry *registry, uid_t uid, const char *id)
{
	uint32_t session;

	pthread_mutex_lock(&registry->mutex);
	session = session_table_find_locked(registry, uid, id);
	if (session &&
	    session_table_state(session_table_at(registry, session)) != SESSION_STATE_LIVE)
		session = 0;
	pthread_mutex_unlock(&registry->mutex);
	return session;
}

/* What a new session is to be; flags as registry_open() was given them. */
static void meta_init(struct session_meta *meta, uid_t uid, const char *id, uint32_t flags)
{
	unsigned long long ticks;

	*meta = (struct session_meta){.uid = uid, .flags = flags & ~(uint32_t)SESSION_POSIX};
	meta->created_real_ns = meta->used_real_ns = clock_real_ns();
	snprintf(meta->id, sizeof(meta->id), "%s", id);
	if (flags & SESSION_POSIX && sscanf(id, "sid-%u-%llu", &meta->posix_sid, &ticks) == 2) {
		meta->posix_start_ticks = ticks;
		meta->flags |= SESSION_POSIX;
	}
}

static int limit_error(const struct registry *registry, struct err *err)
{
	err_set(err, ERR_LIMIT_REACHED,
		"no more sessions can be made: there are %u (sessions.max_sessions is %u)",
		registry_count(registry), registry->config->max_sessions);
	return err_suggest(err, "Remove sessions (sessionfs ls, sessionfs rm SESSION), or raise "
				"sessions.max_sessions");
}

/*
 * Finds the settled session of that key, or adds one in state MAKING (*ret_created). Waits while
 * another thread makes or removes it. Returns 0 where the limit is reached.
 */
static uint32_t find_or_add(struct registry *registry, const struct session_meta *meta,
			    bool *ret_created)
{
	uint32_t session;

	*ret_created = false;
	pthread_mutex_lock(&registry->mutex);
	while ((session = session_table_find_locked(registry, meta->uid, meta->id)) &&
	       session_table_state(session_table_at(registry, session)) != SESSION_STATE_LIVE)
		pthread_cond_wait(&registry->settled, &registry->mutex);
	if (!session && registry->used < registry->config->max_sessions) {
		session = session_table_add_locked(registry, meta, SESSION_STATE_MAKING);
		*ret_created = session != 0;
	}
	pthread_mutex_unlock(&registry->mutex);
	return session;
}

int registry_open(struct registry *registry, uid_t uid, const char *id, uint32_t flags,
		  uint32_t *ret_session, bool *ret_created, struct err *err)
{
	struct session_meta meta;
	uint32_t session;
	bool created;
	int r;

	if (!path_is_session_id(id)) {
		err_set(err, ERR_VALIDATION_ERROR, "'%.80s' is no session id", id);
		return err_suggest(err, "An id is 1 to 64 of A-Z a-z 0-9 . _ : - and begins with "
					"a letter or digit");
	}
	meta_init(&meta, uid, id, flags);
	session = find_or_add(registry, &meta, &created);
	if (!session)
		return limit_error(registry, err);
	if (created) {
		r = store_session_make(registry->store, &meta);
		pthread_mutex_lock(&registry->mutex);
		if (r == -EEXIST) {
			session_table_adopt_locked(registry, session);
			created = false;
			r = 0;
		}
		if (r)
			session_table_drop_locked(registry, session);
		else
			session_table_settle_locked(registry, session);
		pthread_mutex_unlock(&registry->mutex);
		if (r)
			return err_set_errno(err, ERR_IO_ERROR, -r,
					     "cannot make session %s in the store %s", id,
					     store_path(registry->store));
	}
	if (!created)
		registry_touch(registry, session);
	*ret_session = session;
	if (ret_created)
		*ret_created = created;
	return 0;
}

const struct session_record *registry_at(const struct registry *registry, uint32_t session)
{
	return session_table_at(registry, session);
}

uint32_t registry_next(const struct registry *registry, uint32_t session)
{
	while ((session = arena_next(registry->table, session)))
		if (session_table_state(session_table_at(registry, session)) == SESSION_STATE_LIVE)
			break;
	return session;
}

uint32_t registry_count(const struct registry *registry)
{
	return atomic_load(&registry->live);
}

void registry_touch(struct registry *registry, uint32_t session)
{
	struct session_record *record = session_table_at(registry, session);
	uint64_t now = clock_real_ns();
	uint64_t before = atomic_exchange(&record->used_real_ns, now);

	if (now / TOUCH_INTERVAL_NS != before / TOUCH_INTERVAL_NS)
		(void)store_session_touch(registry->store, record->uid, record->id, now);
}

int registry_open_upper(struct registry *registry, uint32_t session, size_t share,
			int *ret_upper_fd, int *ret_work_fd)
{
	const struct session_record *record = session_table_at(registry, session);
	const struct share_config *config = &registry->config->shares[share];
	struct stat root;

	if (session_table_state(record) != SESSION_STATE_LIVE)
		return -ENOENT;
	if (fstat(config->lower_fd, &root))
		return -errno;
	return store_open_upper(registry->store, record->uid, record->id, config->path, true, &root,
				ret_upper_fd, ret_work_fd);
}

int registry_peek_upper(struct registry *registry, uint32_t session, size_t share,
			int *ret_upper_fd, int *ret_work_fd)
{
	const struct session_record *record = session_table_at(registry, session);

	if (session_table_state(record) != SESSION_STATE_LIVE)
		return -ENOENT;
	return store_open_upper(registry->store, record->uid, record->id,
				registry->config->shares[share].path, false, NULL, ret_upper_fd,
				ret_work_fd);
}

int registry_has_changes(struct registry *registry, uint32_t session)
{
	const struct session_record *record = session_table_at(registry, session);

	if (session_table_state(record) != SESSION_STATE_LIVE)
		return -ENOENT;
	return store_session_has_changes(registry->store, record->uid, record->id);
}

static int no_session(struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "the session is gone");
}

int registry_remove(struct registry *registry, uint32_t session, struct err *err)
{
	struct session_record *record = session_table_at(registry, session);
	char name[STORE_TRASH_NAME_SIZE];
	bool live;
	int r;

	pthread_mutex_lock(&registry->mutex);
	live = session_table_state(record) == SESSION_STATE_LIVE;
	if (live) {
		session_table_set_state(record, SESSION_STATE_REMOVING);
		atomic_fetch_sub(&registry->live, 1);
	}
	pthread_mutex_unlock(&registry->mutex);
	if (!live)
		return no_session(err);

	r = store_session_detach(registry->store, record->uid, record->id, name);
	if (r && r != -ENOENT)
		err_set_errno(err, ERR_IO_ERROR, -r, "cannot remove session %s from the store %s",
			      record->id, store_path(registry->store));
	pthread_mutex_lock(&registry->mutex);
	if (r && r != -ENOENT)
		session_table_settle_locked(registry, session);
	else
		session_table_drop_locked(registry, session);
	pthread_mutex_unlock(&registry->mutex);
	if (!r)
		store_trash_delete(registry->store, name);
	return r && r != -ENOENT ? -1 : 0;
}

int registry_reset(struct registry *registry, uint32_t session, struct err *err)
{
	struct session_record *record = session_table_at(registry, session);
	char name[STORE_TRASH_NAME_SIZE];
	int r;

	if (session_table_state(record) != SESSION_STATE_LIVE)
		return no_session(err);
	r = store_session_detach_uppers(registry->store, record->uid, record->id, name);
	if (r)
		return err_set_errno(err, ERR_IO_ERROR, -r,
				     "cannot reset session %s in the store %s", record->id,
				     store_path(registry->store));
	session_table_raise_epoch(record);
	record->used_bytes = 0;
	record->used_files = 0;
	record->usage_refused = 0;
	store_trash_delete(registry->store, name);
	return 0;
}

void registry_raise_epoch(struct registry *registry, uint32_t session)
{
	struct session_record *record = session_table_at(registry, session);

	session_table_raise_epoch(record);
	record->usage_changed = 1;
}

void registry_fresh_id(struct registry *registry, uid_t uid, char *ret)
{
	uint32_t random;

	do {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			random = (uint32_t)clock_boot_ns();
		snprintf(ret, SESSION_ID_SIZE, "s-%08x", random);
	} while (registry_find(registry, uid, ret) ||
		 store_session_exists(registry->store, uid, ret) == 1);
}
