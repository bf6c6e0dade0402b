/* SPDX-License-Identifier: MIT */
/*
 * Advisory locks on files: flock(2), POSIX (F_SETLK) and open file description (F_OFD_SETLK) locks
 * of every file of every view, and who waits for one.
 *
 * A file is known by what it is, not by a nodeid: a private one by its session and constant inode
 * number, which outlive copy-up, renames and the loss of its name; one that lives in the lower by
 * its device and inode there, so that all sessions meet at it.
 *
 *	request = {key, kind, type, start, end, owner, ...};
 *	switch (advisory_set(advisory, &request, &waiter)) {
 *	case ADVISORY_DONE:    granted, or unlocked
 *	case ADVISORY_CARRY:   a file of the lower: nobody here is in the way, now an outsider must be
 *	                       excluded by a real lock there. advisory_settle() with how that went
 *	case ADVISORY_HELD:    another has it; `waiter`, where one was given, stands in the queue
 *	case ADVISORY_BUSY:    another call of the same owner is between CARRY and settle; as HELD
 *	case ADVISORY_CONVERT: somebody has it, and the owner holds a flock of the other type, which he
 *	                       loses first, as in the kernel: unlock, then set again
 *	case ADVISORY_DEADLOCK: the wait would close a cycle of POSIX waits
 *	}
 *
 * What a release makes possible is granted in the same critical section, in the order in which the
 * waiters called (fuse_req unique), so that nobody slips in between; such a waiter is `due`, and
 * advisory_resume() tells what it got. Shared locks pass waiting writers, as in the kernel: if they
 * queued, programs that hold one and start others that take it too would wait for ever.
 *
 * Locks are flat records in the arena; waiters are not, for the kernel sends their requests again.
 * A change of a lock first adds records, then removes the old ones: a worker killed in between
 * leaves an owner with too much, which his request, sent again, puts right.
 *
 * Mutex: one, internal, held over no system call and no callback.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/proc.h"
#include "lock/range.h"

#define ADVISORY_MAX 65536          /* ranges that are locked, of an instance: ENOLCK beyond */
#define ADVISORY_PER_USER_MAX 32768 /* by the processes of a user who is not root */
#define ADVISORY_PER_FILE_MAX 4096  /* on one file: each call looks at all of them */

enum advisory_kind {
	ADVISORY_POSIX = 1, /* of a process: owner is its table of descriptors */
	ADVISORY_OFD,       /* of an open file: the handle owns it */
	ADVISORY_FLOCK,     /* the same, and nothing to the other two */
};

enum advisory_state { ADVISORY_STATE_HELD = 1, ADVISORY_STATE_PENDING };

enum advisory_outcome {
	ADVISORY_DONE = 0,
	ADVISORY_CARRY,
	ADVISORY_HELD,
	ADVISORY_BUSY,
	ADVISORY_CONVERT,
	ADVISORY_DEADLOCK,
};

struct advisory_key {
	uint32_t session; /* 0: a file of the lower, by dev and ino there */
	uint32_t share;
	uint64_t dev; /* 0 with a session */
	uint64_t ino;
};

struct advisory_request {
	struct advisory_key key;
	struct range range;
	enum advisory_kind kind;
	/*
	 * Of an open file whose closes are not told (FOPEN_NOFLUSH): a POSIX lock then ends with the
	 * open file, or with its process.
	 */
	bool unflushed;
	uint64_t owner;     /* FUSE lock owner */
	uint64_t handle;    /* by which the call was made */
	uint64_t first_ino; /* 0: the key's; see struct advisory_record */
	uint32_t uid;
	struct proc_id process; /* pid 0: outside our pid namespace; start only where unflushed */
};

struct advisory_record {
	struct arena_record head;
	uint32_t session;
	uint32_t share;
	uint64_t dev;
	uint64_t ino;
	uint64_t start;
	uint64_t end;
	uint64_t owner;
	uint64_t handle;
	uint64_t process_start;
	uint64_t first_ino; /* of its key when it was set: the number by which a process knows it */
	uint32_t pid;
	uint32_t uid;
	uint8_t type; /* enum range_type */
	uint8_t kind; /* enum advisory_kind */
	uint8_t unflushed;
	uint8_t doomed; /* PENDING: its owner has closed the file */
	uint8_t spare[4];
};

/* A waiting call. Its memory is the caller's, who keeps it while it is in the queue. */
struct advisory_waiter {
	struct advisory_request request;
	uint64_t order; /* by which it is queued: the number of the FUSE request */
	bool finite;    /* it gives up soon by itself: no wait for it closes a cycle */
	/* To be asked advisory_resume(): it was granted, or has to be asked now and then. */
	_Atomic bool due;
	/* The table's; guarded by its mutex. */
	struct advisory_waiter *next, *previous;
	int outcome; /* as of advisory_set() */
	bool queued;
	bool outsider; /* waits for somebody of whose release nobody tells */
};

struct advisory;

/*
 * Takes over the records that stand in the arena's table. woken() is called, outside the mutex,
 * when waiters have become due. 0 or -ENOMEM.
 */
int advisory_new(struct arena_table *table, void (*woken)(void *context), void *context,
		 struct advisory **ret_advisory);
void advisory_free(struct advisory *advisory);

/*
 * Sets or, with RANGE_NONE, unlocks. Returns an outcome, or -ENOLCK, -ENOMEM; an outcome other than
 * DONE and CARRY changed nothing. waiter NULL: does not wait; else it is filled but for `request`,
 * which is set here, and is queued with HELD and BUSY.
 */
int advisory_set(struct advisory *advisory, const struct advisory_request *request,
		 struct advisory_waiter *waiter);
/*
 * After CARRY. First, whether the owner will have anything on the file when it is settled so;
 * where not, what carries his locks there is to be closed before. Then settle.
 */
bool advisory_keeps(struct advisory *advisory, const struct advisory_request *request, int r);
/*
 * r: 0, or the error of the real call, -EAGAIN: an outsider has it; then the waiter, if there is one,
 * is queued again. Returns r, -ENOLCK or -ENOMEM; or ADVISORY_BUSY, having done nothing: the owner
 * has closed the file meanwhile, and `kept` is not true any more.
 */
int advisory_settle(struct advisory *advisory, const struct advisory_request *request, int r,
		    struct advisory_waiter *waiter, bool kept);
/*
 * What a waiter has got: DONE or CARRY, it is out of the queue then; HELD: it still waits. With
 * `cancel` it leaves the queue in any case.
 */
int advisory_resume(struct advisory *advisory, struct advisory_waiter *waiter, bool cancel);

/* The lock of another that is in the request's way and begins first. False where there is none. */
bool advisory_test(struct advisory *advisory, const struct advisory_request *request,
		   struct advisory_record *ret_record);
/* Whether there are POSIX or OFD locks at all. */
bool advisory_any(const struct advisory *advisory);
/* Whether anybody has a POSIX or OFD lock on the file; cheap where nobody has one on any. */
bool advisory_in_use(struct advisory *advisory, const struct advisory_key *key);
/* Whether the owner of the request has something on the file. */
bool advisory_holds(struct advisory *advisory, const struct advisory_request *request);

/*
 * The request's owner has closed the file (FLUSH), or is gone: drops all that he has on it. DONE,
 * or CARRY as of advisory_set(), with the request's range made everything and its type nothing. BUSY:
 * a call of his is under way, whose settle sees to it. ret_had: whether he had anything.
 */
int advisory_close(struct advisory *advisory, struct advisory_request *request, bool *ret_had);
/* One of those who locked something by this handle, as a request to close. False: none (any more). */
bool advisory_of_handle(struct advisory *advisory, uint64_t handle,
			struct advisory_request *ret_request);
/*
 * A file is known by another key from now on, to those who locked it by handles for which is()
 * holds. Where the table of indexes has no memory left, they lose their locks.
 */
void advisory_move(struct advisory *advisory, const struct advisory_key *from,
		   const struct advisory_key *to, bool (*is)(uint64_t handle, void *context),
		   void *context);

/* The records, for a worker that begins: 0 to begin, 0 at the end. */
uint32_t advisory_next(struct advisory *advisory, uint32_t number,
		       struct advisory_record *ret_record);
/* Locked ranges now, of all files. */
uint32_t advisory_count(const struct advisory *advisory);
