/* SPDX-License-Identifier: MIT */
/*
 * The sessions of an instance.
 *
 * A session is a flat record in the arena and a directory in the store; its number is the record's
 * index, stable for the life of the mount. The registry finds, makes and removes sessions; what
 * is inside a view is view/'s business.
 *
 * Calls that touch the disk: registry_load, registry_open with create, registry_remove,
 * registry_reset. The registry's mutex is never held over those: a session under construction has
 * state SESSION_STATE_MAKING and is invisible to finds; a second maker of the same id waits on a
 * condition variable (microseconds: two mkdirs).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/config.h"
#include "base/err.h"
#include "store/store.h" /* enum session_flags */

#define SESSION_ID_SIZE 65 /* with the NUL */

enum session_state {
	SESSION_STATE_MAKING = 1,
	SESSION_STATE_LIVE,
	SESSION_STATE_REMOVING,
	SESSION_STATE_GONE, /* removed; its number rests a while before it is given out again */
};

struct session_record {
	struct arena_record head;
	uint32_t uid;
	uint32_t flags; /* enum session_flags */
	/*
	 * Raised by reset: view nodes of an earlier epoch are stale. It begins anew with each session
	 * of this number, in a range of its own, so that nodes of a removed session are stale too.
	 */
	_Atomic uint32_t epoch;
	uint32_t posix_sid; /* SESSION_POSIX: the leader's pid and start, else 0 */
	uint64_t posix_start_ticks;
	uint64_t created_real_ns;
	_Atomic uint64_t used_real_ns; /* last time it was named by run, create or a magic link */
	/* How much it holds: usage.h. Written by anybody. */
	_Atomic int64_t used_bytes;
	_Atomic int64_t used_files;
	_Atomic uint32_t usage_changed;         /* since it was counted */
	_Atomic uint32_t usage_refused;         /* something was, since it was below its limits */
	_Atomic uint64_t usage_counted_boot_ns; /* 0: never */
	_Atomic uint64_t usage_took_ns;         /* the last count */
	char id[SESSION_ID_SIZE];
	char pad[7];
};

struct registry;

/*
 * Makes the registry over `table` (records of struct session_record), and rebuilds its index.
 * On the first worker (`first`) the store's sessions are loaded into the table, but those that
 * would be gone had we not stopped: ephemeral ones without changes, and POSIX sessions of an
 * earlier boot. Later workers find the records there, and finish or undo what a killed one had
 * begun. Sessions beyond the table's capacity stay on disk, with a warning. Returns 0 or negative
 * errno.
 */
int registry_new(struct arena_table *table, struct store *store, const struct config *config,
		 bool first, struct registry **ret_registry);
void registry_free(struct registry *registry);

/* The live session of that uid and id, 0 where there is none. */
uint32_t registry_find(struct registry *registry, uid_t uid, const char *id);

/*
 * Finds or makes. `flags` are for a new one; with SESSION_POSIX the id is "sid-<sid>-<ticks>", and
 * the record's posix_ fields are taken from it. ret_created (may be NULL) tells which. Returns 0 or
 * -1 with err: VALIDATION_ERROR (no id), LIMIT_REACHED (max_sessions), IO_ERROR (store full ...).
 */
int registry_open(struct registry *registry, uid_t uid, const char *id, uint32_t flags,
		  uint32_t *ret_session, bool *ret_created, struct err *err);

/* The record; borrowed, valid while the session is live and some seconds more (retired.h). */
const struct session_record *registry_at(const struct registry *registry, uint32_t session);
/* The next live session after `session` (0 to begin), in no order; 0 at the end. */
uint32_t registry_next(const struct registry *registry, uint32_t session);
uint32_t registry_count(const struct registry *registry);
/* The session was used now. Reaches the disk once a minute at most. */
void registry_touch(struct registry *registry, uint32_t session);

/*
 * The session's backing directories of one share, made at first use with owner and mode of the
 * lower's root. Both fds are O_PATH | O_DIRECTORY, owned by the caller. Returns 0 or negative
 * errno.
 */
int registry_open_upper(struct registry *registry, uint32_t session, size_t share,
			int *ret_upper_fd, int *ret_work_fd);
/* As above, but -ENOENT where that share's upper was never made. ret_work_fd may be NULL. */
int registry_peek_upper(struct registry *registry, uint32_t session, size_t share,
			int *ret_upper_fd, int *ret_work_fd);

/* Whether anything is in any upper of the session. 1, 0, or negative errno. */
int registry_has_changes(struct registry *registry, uint32_t session);

/*
 * Removes the session from table and store. The caller has made sure that no run lives in it. Its
 * id and number are free before its files are deleted. Returns 0 or -1 with err: NOT_FOUND,
 * IO_ERROR (the session is then as it was).
 */
int registry_remove(struct registry *registry, uint32_t session, struct err *err);
/*
 * Empties the session's uppers (moved aside first: atomic), and raises its epoch. Errors as above.
 */
int registry_reset(struct registry *registry, uint32_t session, struct err *err);
/* Raises the epoch of a session, after parts of its uppers were removed behind the views' back. */
void registry_raise_epoch(struct registry *registry, uint32_t session);

/* Makes an unused id "s-xxxxxxxx" for that uid. `ret` has SESSION_ID_SIZE bytes. */
void registry_fresh_id(struct registry *registry, uid_t uid, char *ret);

/*
 * The live SESSION_POSIX session of that uid and that getsid(2); with several, the one whose leader
 * is the youngest. 0 where there is none.
 */
uint32_t registry_find_posix(struct registry *registry, uid_t uid, uint32_t posix_sid);
