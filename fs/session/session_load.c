/* SPDX-License-Identifier: MIT */
/*
 * Filling the table of sessions: from the disk, or from what an earlier worker left.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "session/session_table.h"

struct load {
	struct registry *registry;
	uint32_t left_out;
};

/* Whether a stopped instance would have dropped this session by now. */
static bool is_leftover(struct registry *registry, const struct session_meta *meta)
{
	if (meta->flags & SESSION_POSIX)
		return meta->other_boot;
	return meta->flags & SESSION_EPHEMERAL &&
	       store_session_has_changes(registry->store, meta->uid, meta->id) == 0;
}

static int load_session(const struct session_meta *meta, void *ctx)
{
	struct load *load = ctx;
	struct registry *registry = load->registry;
	bool added;
	int r;

	if (is_leftover(registry, meta)) {
		r = store_session_remove(registry->store, meta->uid, meta->id);
		if (!r)
			return 0;
		log_warning("session %u/%s cannot be removed: %s", meta->uid, meta->id,
			    strerror(-r));
	}
	pthread_mutex_lock(&registry->mutex);
	/* There already: a first worker died while it loaded, and this one is the first again. */
	added = session_table_find_locked(registry, meta->uid, meta->id) ||
		session_table_add_locked(registry, meta, SESSION_STATE_LIVE) != 0;
	pthread_mutex_unlock(&registry->mutex);
	if (!added)
		load->left_out++;
	return 0;
}

int session_table_load(struct registry *registry)
{
	struct load load = {.registry = registry};
	int r = store_each_session(registry->store, load_session, &load);

	if (load.left_out)
		log_warning("%u sessions of the store %s do not fit into this instance and stay "
			    "on disk",
			    load.left_out, store_path(registry->store));
	return r;
}

/* What a killed worker had begun: a session's directory is there whole or not at all. */
static void recover_session(struct registry *registry, uint32_t session)
{
	struct session_record *record = session_table_at(registry, session);
	char name[STORE_TRASH_NAME_SIZE];
	int r;

	switch (session_table_state(record)) {
	case SESSION_STATE_MAKING:
		if (store_session_exists(registry->store, record->uid, record->id) == 1)
			session_table_settle_locked(registry, session);
		else
			session_table_drop_locked(registry, session);
		return;
	case SESSION_STATE_REMOVING:
		r = store_session_detach(registry->store, record->uid, record->id, name);
		if (r && r != -ENOENT) {
			log_warning("session %u/%s cannot be removed: %s", record->uid, record->id,
				    strerror(-r));
			session_table_settle_locked(registry, session);
			return;
		}
		session_table_drop_locked(registry, session);
		if (!r)
			store_trash_delete(registry->store, name);
		return;
	default:
		atomic_fetch_add(&registry->live, 1);
	}
}

/* Nobody else knows the registry yet: its mutex is not needed. */
int session_table_rebuild(struct registry *registry)
{
	uint32_t session = 0;

	while ((session = arena_next(registry->table, session))) {
		if (session_table_state(session_table_at(registry, session)) ==
		    SESSION_STATE_GONE) {
			arena_free(registry->table, session);
			continue;
		}
		if (session_table_index_locked(registry, session))
			return -ENOMEM;
		registry->used++;
		recover_session(registry, session);
	}
	return 0;
}
