/* SPDX-License-Identifier: MIT */
/*
 * Lock files: who holds which, who was denied.
 *
 * A lock is keyed by (scope, path): scope is the share for a lock whose file lives in the lower,
 * or (session, share) for one whose parent directory exists only in an upper. It knows paths and
 * holders, never views or nodes.
 *
 * Acquiring by create, mkdir or symlink is a claim around the system call that makes the file, so
 * that whoever meets the file in between already finds the holder:
 *
 *	claim = lock_claim(table, &key, idiom, &actor);      record, state PENDING
 *	r = openat(... O_CREAT | O_EXCL ...);
 *	if (r >= 0) lock_claim_commit(table, claim, &st);    state HELD, a fencing token
 *	else        lock_claim_abort(table, claim);          and lock_denied() if it was EEXIST
 *
 * The kernel answers EEXIST by itself where its LOOKUP found the file; lock_looked_up() tells a
 * denial from a probe by the system call that the caller is in.
 *
 * Mutex: one, internal, never held over a system call that can block nor over the callbacks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/config.h"
#include "base/proc.h"
#include "session/events.h"
#include "session/identity.h"
#include "store/store.h"

#define LOCKS_MAX 16384        /* held locks of an instance: acquiring gives ENOLCK beyond */
#define LOCK_WAITERS_MAX 65536 /* requests waiting for locks: ENOLCK beyond */

/* One table: idiom, name in JSON. A new idiom is one line here and its use in ops/. */
#define LOCK_IDIOMS(X)                                                                             \
	X(CREATE, "create")                                                                        \
	X(MKDIR, "mkdir")                                                                          \
	X(LINK, "link")                                                                            \
	X(SYMLINK, "symlink")                                                                      \
	X(RENAME, "rename")                                                                        \
	X(FLOCK, "flock")                                                                          \
	X(FCNTL, "fcntl")                                                                          \
	X(PRESENCE, "presence")

enum lock_idiom {
	LOCK_IDIOM_NONE,
#define X(name, text) LOCK_IDIOM_##name,
	LOCK_IDIOMS(X)
#undef X
};
const char *lock_idiom_name(enum lock_idiom idiom);

enum lock_record_state { LOCK_STATE_PENDING = 1, LOCK_STATE_HELD };

enum lock_flags {
	LOCK_STALE = 1,        /* its holder is gone, and it is reported, not freed */
	LOCK_EXTERNAL = 2,     /* made by an outsider: only in copies, never in the table */
	LOCK_FREEING = 4,      /* its file is being deleted by us */
	LOCK_FOREIGN_PIDS = 8, /* the creator's pid namespace is not ours: text names no pid */
};

struct lock_key {
	uint32_t share;
	uint32_t session; /* 0: the lower's, between sessions; else private to that session */
	const char *path; /* relative to the share, no leading slash */
};

struct lock_record {
	struct arena_record head;
	uint32_t share;
	uint32_t session_scope; /* lock_key.session */
	uint32_t idiom;
	uint32_t shared_count; /* flock, fcntl: holders beyond this one */
	uint32_t flags;        /* enum lock_flags */
	uint32_t file_birth;   /* of the file below, sys_stat_birth(); 0: not known */
	/* the holder */
	uint32_t session;
	uint32_t run;
	uint32_t uid;
	uint32_t pgid;
	struct proc_id creator;
	uint64_t token;
	uint64_t acquired_boot_ns;
	uint64_t acquired_real_ns;
	/* identity of the file that is the lock, so that only that one is ever freed */
	uint64_t file_dev;
	uint64_t file_ino;
	/* flock, fcntl: the process or open file that holds (FUSE lock owner) */
	uint64_t owner;
	char session_id[72]; /* of `session`, which may be gone when the record is shown */
	char run_id[24];     /* of `run`; "" outside a run */
	char command[256];   /* argv of the creator, NUL-separated, ends in two NULs, cut to fit */
	char cwd[256];
	char comm[24];
	char path[4096];
};

/* Why a call was denied what it would have got by waiting. */
enum lock_denial {
	LOCK_DENIAL_HELD, /* it was not to wait */
	LOCK_DENIAL_TIMEOUT,
	LOCK_DENIAL_DEADLOCK,
};

struct lock_wait {
	enum lock_denial denial;
	uint64_t waited_ms;
};

struct locks;

struct locks_setup {
	struct arena_table *table;
	struct arena_globals *globals;
	struct store *store;
	struct events *events;
	struct identity *identity;
	const struct config *config;
	/* Called after every release, outside the mutex: parked requests may be able to go on. */
	void (*released)(void *context);
	/* A lock file was deleted from the lower by us: kernels' caches of that name are void. */
	void (*freed)(uint32_t share, const char *path, void *context);
	void *context;
};

int locks_new(const struct locks_setup *setup, struct locks **ret_locks);
void locks_free(struct locks *locks);
/* Writes the hold times to disk, where they changed: what is left to do where nothing may be freed. */
void locks_save_history(struct locks *locks);

/*
 * Claims a lock before the system call that would make its file. Returns a claim, or 0 where the
 * table is full (then the call must fail with ENOLCK).
 */
uint32_t lock_claim(struct locks *locks, const struct lock_key *key, enum lock_idiom idiom,
		    const struct actor *actor);
/* The file was made: `st` is its identity. Gives the fencing token. */
void lock_claim_commit(struct locks *locks, uint32_t claim, const struct stat *st);
void lock_claim_abort(struct locks *locks, uint32_t claim);

/*
 * The caller looked up a name of class lock that exists with identity `st`: records a denial or a
 * probe where another run holds it, nothing else. Reads /proc/<tid>/syscall only then.
 */
void lock_looked_up(struct locks *locks, const struct lock_key *key, const struct actor *actor,
		    const struct stat *st);
/* An acquiring call of the caller met the lock (EEXIST, EWOULDBLOCK): records the denial. */
void lock_denied(struct locks *locks, const struct lock_key *key, enum lock_idiom idiom,
		 const struct actor *actor);
/* The same of one that waited, or would have, but for that reason. */
void lock_denied_wait(struct locks *locks, const struct lock_key *key, enum lock_idiom idiom,
		      const struct actor *actor, const struct lock_wait *wait);

/*
 * The name was unlinked, removed, renamed away or replaced by the caller (who may not be the
 * holder). To be called after the fact; whether it was the recorded file is verified.
 */
void lock_removed(struct locks *locks, const struct lock_key *key, const struct actor *actor);
/*
 * The file was created without O_EXCL, or truncated: recorded with idiom `presence` where no lock
 * is on the path.
 */
void lock_present(struct locks *locks, const struct lock_key *key, const struct actor *actor,
		  const struct stat *st);
/*
 * A lock of idiom flock or fcntl was granted on the file to this owner (FUSE lock owner), his first
 * or another; he has released all that he had. alone: nobody else can have one of this idiom now, so
 * that whoever is recorded has released his.
 */
void lock_advisory_granted(struct locks *locks, const struct lock_key *key,
			   const struct actor *actor, const struct stat *st, enum lock_idiom idiom,
			   uint64_t owner, bool alone);
void lock_advisory_released(struct locks *locks, const struct lock_key *key, enum lock_idiom idiom,
			    uint64_t owner);

/*
 * Whether the actor is about to remove, or to rename away, the name of a lock that was his and is
 * another's by now: then the call is to do nothing. Each loss counts once, for the removal with which he
 * would have released it.
 */
bool lock_removal_is_void(struct locks *locks, const struct lock_key *key,
			  const struct actor *actor);
/* Looks for locks of a run that are gone without a word: they are lost. For its end. */
void locks_check_run(struct locks *locks, uint32_t run);
enum lock_unlocked {
	LOCK_UNLOCK_FREE = 1, /* the lock is free now, or was */
	LOCK_UNLOCK_OTHERS,   /* it is not the actor's to free, who is not root */
	LOCK_UNLOCK_LIVE,     /* its holder lives, and it was not to be taken away from him */
	LOCK_UNLOCK_NEWER,    /* it is another acquisition than that which was to be ended */
	LOCK_UNLOCK_KEPT,     /* its file holds more than a lock does (lock/lockfile.h) */
};
/*
 * Frees a held lock because the actor asks for it: a stale one; with force_token (0: none) whatever has
 * that token, and nothing else. The file is deleted, also where its existence is not the lock: who has it
 * open has one that nobody else comes to. Returns enum lock_unlocked or negative errno.
 */
int lock_unlock(struct locks *locks, uint32_t lock, uint64_t force_token,
		const struct actor *actor);
/* Whether there is a file under that name, held or not. */
bool lock_has_file(const struct locks *locks, const struct lock_key *key);
/* Whether that path of a share is a directory. */
bool lock_in_directory(const struct locks *locks, const struct lock_key *key);
/* A run has ended: frees its locks (their files too, where SPEC section 6 "Dead holder" says so). */
void locks_run_ended(struct locks *locks, uint32_t run);
/*
 * Looks for stale locks; once a second. Where a sweep is stuck in a directory that does not answer,
 * another one passes that over.
 */
void locks_sweep(struct locks *locks);

/* For listings: the next held lock after `lock` (0 to begin); 0 at the end. */
uint32_t locks_next(struct locks *locks, uint32_t lock);
uint32_t locks_count(struct locks *locks);
/* The held lock of that key, 0 where it is free. A lock of an outsider is found only by path. */
uint32_t locks_find(struct locks *locks, const struct lock_key *key);
/* Whether an outsider holds the lock: its file is there, and names a live process. */
bool lock_is_external(struct locks *locks, const struct lock_key *key);
/* A copy of the record. False where it is not held any more. */
bool locks_read(struct locks *locks, uint32_t lock, struct lock_record *ret_record);

/* Waiters now registered on that lock (flock queue and `wait`). */
uint32_t locks_waiters(struct locks *locks, const struct lock_key *key);
void locks_waiter_add(struct locks *locks, const struct lock_key *key, int delta);
