/* SPDX-License-Identifier: MIT */
#include "ops/locking.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ops/carrier.h"
#include "ops/locking_told.h"
#include "ops/parking.h"
#include "ops/serial.h"

/*
 * How long a call that must not block waits all the same, for a lock that ends with an open file: the
 * kernel tells us of its close by a RELEASE that nobody waits for, so that one that was read before
 * this call may be served after it. A local file system has released the lock when close() returns.
 * As long as a thread may have to wait for a processor on a busy machine, and longer while one of ours
 * still does.
 */
#define LINGER_NS (10 * NSEC_PER_MSEC)
#define LINGER_MAX_NS (60 * NSEC_PER_MSEC)

/*
 * Whether a handle's locks have ended untold is read from /proc, 2 us for each descriptor of the
 * process. It is not read again before so many times the time that it took have passed.
 */
#define LOOK_PAUSE 10

struct call {
	struct advisory_waiter waiter;
	struct fs *fs;
	bool sleeps;         /* for as long as it takes */
	bool waits;          /* for ever, or for timeout_ns */
	uint64_t timeout_ns; /* the run's; 0: none */
	uint64_t begun_boot_ns;
	uint64_t parked_boot_ns;
	struct told *told; /* NULL: the file is no lock of ours */
};

static void call_free(struct call *call)
{
	free(call->told);
	free(call);
}

/* Between CARRY and the end. 0 or negative errno; with -EAGAIN and a waiter it is queued again. */
static int carry(struct fs *fs, const struct advisory_request *request,
		 struct advisory_waiter *waiter)
{
	int real = 0, r;
	bool kept;

	/* Closing releases: where nothing stays, no other call is needed. */
	if (request->range.type != RANGE_NONE || advisory_keeps(fs->advisory, request, 0))
		real = carrier_set(fs, request);
	do {
		kept = advisory_keeps(fs->advisory, request, real);
		if (!kept)
			carrier_close(fs, request);
		r = advisory_settle(fs->advisory, request, real, waiter, kept);
	} while (r == ADVISORY_BUSY);
	if (r < 0 && real == 0 && request->range.type != RANGE_NONE) {
		struct advisory_request undo = *request;

		undo.range.type = RANGE_NONE;
		carrier_set(fs, &undo);
	}
	return r;
}

/*
 * 0 or negative errno. With a waiter, that is in the queue then: HELD, BUSY; CARRY: an outsider has
 * the lock. Without one HELD, BUSY, too.
 */
static int attempt(struct fs *fs, const struct advisory_request *request,
		   struct advisory_waiter *waiter)
{
	int r = advisory_set(fs->advisory, request, waiter);

	if (r == ADVISORY_CONVERT) {
		struct advisory_request old = *request;

		old.range.type = RANGE_NONE;
		r = attempt(fs, &old, NULL);
		if (r < 0)
			return r;
		r = advisory_set(fs->advisory, request, waiter);
	}
	if (r == ADVISORY_CARRY) {
		r = carry(fs, request, waiter);
		return r == -EAGAIN && waiter ? ADVISORY_CARRY : r;
	}
	if (r == ADVISORY_DEADLOCK)
		return -EDEADLK;
	/* Another thread has locked by the same open file between the two steps. */
	return r == ADVISORY_CONVERT ? -EAGAIN : r;
}

/* What the kernel's close of a file would have released, had it waited for us. */
static bool lingers(const struct advisory_record *record)
{
	return record->kind != ADVISORY_POSIX || record->unflushed;
}

void locking_close_owner(struct fs *fs, struct advisory_request *request)
{
	bool had;
	int r = advisory_close(fs->advisory, request, &had);

	if (r == ADVISORY_CARRY)
		carry(fs, request, NULL);
	if (had && r != ADVISORY_BUSY)
		told_released(fs, request);
}

/* Whether a POSIX lock has ended, for its process has: or has closed the file, which nobody told us. */
static bool has_ended(struct fs *fs, const struct advisory_record *record)
{
	const struct proc_id process = {(pid_t)record->pid, record->process_start};
	struct handle_record *handle;
	uint64_t begun_ns, now_ns;
	bool ended;

	if (record->kind != ADVISORY_POSIX || !record->unflushed || !process.pid)
		return false;
	handle = handle_at(fs->handles, record->handle);
	begun_ns = clock_boot_ns();
	if (!handle || begun_ns < atomic_load(&handle->look_after_boot_ns))
		return !handle;
	/* It may know the file by either number. */
	ended = !proc_alive(&process) || (!proc_has_open(process.pid, record->ino) &&
					  (record->first_ino == record->ino ||
					   !proc_has_open(process.pid, record->first_ino)));
	now_ns = clock_boot_ns();
	atomic_store(&handle->look_after_boot_ns, now_ns + LOOK_PAUSE * (now_ns - begun_ns));
	return ended;
}

bool locking_obstacle(struct fs *fs, const struct advisory_request *request,
		      struct advisory_record *ret_record)
{
	while (advisory_test(fs->advisory, request, ret_record)) {
		struct advisory_request owner;

		if (!has_ended(fs, ret_record))
			return true;
		owner = (struct advisory_request){.key = request->key,
						  .kind = ADVISORY_POSIX,
						  .owner = ret_record->owner,
						  .handle = ret_record->handle,
						  .uid = ret_record->uid};
		locking_close_owner(fs, &owner);
	}
	return false;
}

/*
 * The last act of a call. What did not want to wait gets no error that only a wait can give; a wait
 * that ends in -EAGAIN has reached its timeout.
 */
static void finish(struct call *call_consume, fuse_req_t req, int r)
{
	struct call *call = call_consume;
	struct lock_wait wait = {.waited_ms =
					 (clock_boot_ns() - call->begun_boot_ns) / NSEC_PER_MSEC};

	if (call->timeout_ns && r == -EAGAIN)
		wait.denial = LOCK_DENIAL_TIMEOUT;
	if (call->timeout_ns && r == -EDEADLK) {
		wait.denial = LOCK_DENIAL_DEADLOCK;
		r = -EAGAIN;
	}

	if (call->told && r == 0)
		told_granted(call->fs, call->told, &call->waiter.request);
	else if (call->told && r == -EAGAIN)
		told_denied(call->fs, call->told, &call->waiter.request, &wait);
	call_free(call);
	fs_reply(req, r);
}

/* Leaves the queue: 0 where it was granted at the last moment, else `r`. */
static int give_up(struct call *call, int r)
{
	struct fs *fs = call->fs;
	int got = advisory_resume(fs->advisory, &call->waiter, true);

	if (got == ADVISORY_CARRY)
		got = carry(fs, &call->waiter.request, NULL);
	return got == ADVISORY_HELD || got == -EAGAIN ? r : got;
}

static int try_waiting(struct call *call)
{
	struct advisory_record record;
	struct fs *fs = call->fs;
	int r;

	locking_obstacle(fs, &call->waiter.request, &record);
	r = advisory_resume(fs->advisory, &call->waiter, false);
	if (r == ADVISORY_CARRY) {
		r = carry(fs, &call->waiter.request, &call->waiter);
		if (r == -EAGAIN)
			r = ADVISORY_HELD;
	}
	return r;
}

/* Whether what was read before the call may not have been served yet, though its time is over. */
static bool may_be_told_yet(const struct call *call)
{
	return !call->timeout_ns && clock_boot_ns() - call->parked_boot_ns < LINGER_MAX_NS &&
	       proc_others_run();
}

static bool try_parked(fuse_req_t req, enum parked_state state, void *context)
{
	struct call *call = context;
	int r;

	if (state == PARKED_INTERRUPTED)
		r = give_up(call, -EINTR);
	else if (state == PARKED_DEADLINE && !call->sleeps && !may_be_told_yet(call))
		r = give_up(call, -EAGAIN);
	else
		r = try_waiting(call);
	if (r == ADVISORY_HELD)
		return false;
	if (call->told && call->waits)
		told_waits(call->fs, call->told, -1);
	finish(call, req, r);
	return true;
}

/* In the queue already. Replies only where that fails. */
static void park(struct call *call, fuse_req_t req)
{
	struct fs *fs = call->fs;
	bool tells = call->told && call->waits;
	uint64_t deadline_boot_ns = 0;
	int r;

	/* The time to hear of a close begins now: what came before may have taken as long. */
	call->parked_boot_ns = clock_boot_ns();
	if (!call->sleeps) {
		deadline_boot_ns = call->parked_boot_ns + LINGER_NS;
		if (call->begun_boot_ns + call->timeout_ns > deadline_boot_ns)
			deadline_boot_ns = call->begun_boot_ns + call->timeout_ns;
	}
	if (tells)
		told_waits(fs, call->told, 1);
	r = parking_park(fs->parking, req, deadline_boot_ns, &call->waiter.due, try_parked, call);
	if (r == 0)
		return;
	if (tells)
		told_waits(fs, call->told, -1);
	finish(call, req, give_up(call, r));
}

static int begin(struct fs *fs, fuse_req_t req, const struct advisory_request *request, bool sleeps,
		 struct call **ret_call)
{
	const struct handle_record *handle = handle_at(fs->handles, request->handle);
	struct node_info node;
	struct call *call;
	int r;

	if (!handle || node_get_index(fs->nodes, handle->node, &node) < 0)
		return -ESTALE;
	call = calloc(1, sizeof(*call));
	if (!call)
		return -ENOMEM;
	*call = (struct call){.fs = fs, .sleeps = sleeps, .begun_boot_ns = clock_boot_ns()};
	call->waiter.request = *request;
	call->waiter.order = serial_now();
	r = told_begin(fs, req, &node, &call->told);
	if (r < 0) {
		call_free(call);
		return r;
	}
	if (call->told && !sleeps && request->range.type != RANGE_NONE)
		call->timeout_ns = told_timeout_ns(fs, call->told);
	call->waits = sleeps || call->timeout_ns;
	call->waiter.finite = !call->waits;
	*ret_call = call;
	return 0;
}

/* A call that is in the queue: whether it may stay there for some time at least. */
static bool may_wait(struct fs *fs, const struct advisory_request *request, int outcome, bool waits)
{
	struct advisory_record record;
	bool met = locking_obstacle(fs, request, &record);

	if (waits || outcome == ADVISORY_BUSY)
		return true;
	return met && lingers(&record);
}

void locking_reply(struct fs *fs, fuse_req_t req, const struct advisory_request *request,
		   bool sleeps)
{
	struct call *call;
	int r = begin(fs, req, request, sleeps, &call);

	if (r < 0) {
		fs_reply(req, r);
		return;
	}
	r = attempt(fs, request, &call->waiter);
	if (r > 0 && may_wait(fs, request, r, call->waits)) {
		park(call, req);
		return;
	}
	if (r > 0)
		r = give_up(call, -EAGAIN);
	finish(call, req, r);
}
