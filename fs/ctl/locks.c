/* SPDX-License-Identifier: MIT */
/*
 * Requests on locks: locks, lock.wait, lock.unlock.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/path.h"
#include "ctl/request.h"
#include "ctl/target.h"
#include "lock/answer.h"
#include "virt/listing.h"
#include "virt/visible.h"

/*
 * How often a waiting request looks for itself: an outsider's unlink of a lock file makes no event
 * here.
 */
#define LOOK_AGAIN_NS (250 * NSEC_PER_MSEC)

/* The lock of that very path, where an outsider has it. */
static void add_external(const struct ctl_request *request, const char *text, json_t *locks)
{
	_cleanup_target_path_ struct target_path path = {0};
	struct err ignored = {0};
	struct lock_key key;
	json_t *answer;

	if (target_path_parse(request, text, &path, &ignored) < 0 ||
	    !visible_is_lock(request->instance, path.share, path.rest) ||
	    !visible_path(request->instance->config, path.share, path.rest, request->uid))
		return;
	key = (struct lock_key){.share = path.share, .path = path.rest};
	answer = lock_external_answer(request->instance->locks, &key, request->uid);
	if (!answer)
		return;
	json_object_set_new(json_object_get(answer, "lock"), "scope", json_string("lower"));
	json_array_append_new(locks, answer);
}

int request_locks(struct ctl_request *request, struct err *err)
{
	const char *text = request_text(request, "path");
	_cleanup_free_ char *prefix = NULL;
	json_t *locks;

	if (text && target_prefix_parse(request, text, &prefix, err) < 0)
		return -1;
	locks = listing_locks(request->instance, request->uid, prefix ? prefix : "");
	if (text && locks)
		add_external(request, text, locks);
	request->data = locks ? json_pack("{s:o}", "locks", locks) : NULL;
	return CTL_DONE;
}

static struct lock_key waited_key(const struct ctl_request *request)
{
	return (struct lock_key){.share = request->waits_share,
				 .session = request->waits_session,
				 .path = request->waits_path};
}

static void stop_waiting(struct ctl_request *request)
{
	struct lock_key key = waited_key(request);

	locks_waiter_add(request->instance->locks, &key, -1);
	request->abandon = NULL;
}

/*
 * The held lock of that path, as the caller sees it: one private to his session comes before the
 * lower's. *key says which.
 */
static uint32_t find_lock(const struct ctl_request *request, struct lock_key *key)
{
	struct instance *instance = request->instance;
	struct actor actor;
	uint32_t lock = 0;

	if (identity_of(instance->identity, request->tid, request->uid, request->gid, &actor) ==
		    0 &&
	    actor.session) {
		key->session = actor.session;
		lock = locks_find(instance->locks, key);
	}
	if (!lock) {
		key->session = 0;
		lock = locks_find(instance->locks, key);
	}
	return lock;
}

/* Begins to wait: remembers the lock and counts as its waiter. */
static int start_waiting(struct ctl_request *request, const struct lock_key *key, struct err *err)
{
	request->waits_path = strdup(key->path);
	if (!request->waits_path)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	request->waits_share = key->share;
	request->waits_session = key->session;
	request->abandon = stop_waiting;
	locks_waiter_add(request->instance->locks, key, 1);
	return 0;
}

/* lock 0: an outsider has it. */
static int timed_out(struct ctl_request *request, const struct lock_key *key, uint32_t lock,
		     uint64_t waited_ms, const char *host, struct err *err)
{
	struct locks *locks = request->instance->locks;
	_cleanup_json_ json_t *answer = lock ? lock_answer(locks, lock, request->uid)
					     : lock_external_answer(locks, key, request->uid);
	_cleanup_buf_ struct buf shown = {0};
	json_t *about = json_object_get(answer, "lock");
	json_t *holder = json_object_get(answer, "holder");
	json_t *retry_after = json_object_get(answer, "retry_after_ms");

	buf_add_shell_quoted(&shown, host);
	request_detail_consume(request, "waited_ms", json_integer((json_int_t)waited_ms));
	if (about && holder) {
		request_detail_consume(request, "lock", json_incref(about));
		request_detail_consume(request, "holder", json_incref(holder));
	}
	/* Unlike other calls that ran out of time, this one has done nothing. */
	request_detail_consume(request, "retryable", json_true());
	if (retry_after)
		request_detail_consume(request, "retry_after_ms", json_incref(retry_after));
	err_set(err, ERR_TIMEOUT, "%s was still held after %llu ms", shown.data ? shown.data : "",
		(unsigned long long)waited_ms);
	return err_suggest(err, "Wait longer, or look who holds it: sessionfs locks %.300s",
			   shown.data ? shown.data : "");
}

/* Free, held and to be waited for, or out of time. */
static int look(struct ctl_request *request, const struct target_path *path, struct err *err)
{
	struct lock_key key = {.share = path->share, .path = path->rest};
	uint64_t timeout_ms = request_number(request, "timeout_ms", UINT64_MAX);
	uint64_t now = clock_boot_ns();
	uint64_t waited_ns = now - request->started_boot_ns;
	uint64_t left_ns = UINT64_MAX;
	uint32_t lock;

	if (request->abandon) {
		key = waited_key(request);
		lock = locks_find(request->instance->locks, &key);
	} else {
		lock = find_lock(request, &key);
	}
	if (!lock && !(visible_is_lock(request->instance, key.share, key.path) &&
		       lock_is_external(request->instance->locks, &key))) {
		json_t *data = json_object();

		json_set_text(data, "path", path->host);
		json_object_set_new(data, "waited_ms",
				    json_integer((json_int_t)(waited_ns / NSEC_PER_MSEC)));
		json_object_set_new(data, "free", json_true());
		request->data = data;
		return CTL_DONE;
	}
	if (timeout_ms < UINT64_MAX / NSEC_PER_MSEC) {
		if (waited_ns >= timeout_ms * NSEC_PER_MSEC)
			return timed_out(request, &key, lock, waited_ns / NSEC_PER_MSEC, path->host,
					 err);
		left_ns = timeout_ms * NSEC_PER_MSEC - waited_ns;
	}
	if (!request->abandon && start_waiting(request, &key, err) < 0)
		return -1;
	request->deadline_boot_ns = now + (left_ns < LOOK_AGAIN_NS ? left_ns : LOOK_AGAIN_NS);
	return CTL_WAITS;
}

/* The path of a request, where its caller may see the locks in its directory. */
static int visible_target(const struct ctl_request *request, struct target_path *ret_path,
			  struct err *err)
{
	_cleanup_buf_ struct buf shown = {0};

	if (target_path_parse(request, request_text(request, "path"), ret_path, err) < 0)
		return -1;
	if (visible_path(request->instance->config, ret_path->share, ret_path->rest, request->uid))
		return 0;
	buf_add_shell_quoted(&shown, ret_path->host);
	return err_set(err, ERR_PERMISSION_DENIED, "uid %u may not search the directories of %s",
		       request->uid, shown.data ? shown.data : "");
}

int request_lock_wait(struct ctl_request *request, struct err *err)
{
	_cleanup_target_path_ struct target_path path = {0};

	return visible_target(request, &path, err) < 0 ? -1 : look(request, &path, err);
}

/* Adds what is known of the lock to the error. */
static void detail_lock(struct ctl_request *request, uint32_t lock)
{
	_cleanup_json_ json_t *answer = lock_answer(request->instance->locks, lock, request->uid);
	static const char *const members[] = {"lock", "holder", "retry_after_ms"};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		request_detail_consume(request, members[i],
				       json_incref(json_object_get(answer, members[i])));
}

static int not_unlocked(struct ctl_request *request, uint32_t lock, int r, const char *host,
			struct err *err)
{
	_cleanup_buf_ struct buf shown = {0};
	const char *path;

	buf_add_shell_quoted(&shown, host);
	path = shown.data ? shown.data : "";
	switch (r) {
	case LOCK_UNLOCK_OTHERS:
		return err_set(err, ERR_PERMISSION_DENIED,
			       "%s is another user's lock: only he and root may free it", path);
	case LOCK_UNLOCK_LIVE:
		detail_lock(request, lock);
		request->reason = "held";
		err_set(err, ERR_LOCK_HELD, "%s is held by a live holder", path);
		return err_suggest(
			err, "Wait until it is free: sessionfs wait %.300s --timeout 30s", path);
	case LOCK_UNLOCK_NEWER:
		detail_lock(request, lock);
		err_set(err, ERR_PRECONDITION_FAILED,
			"%s has been taken anew since: its token is another", path);
		return err_suggest(err, "Look who has it now: sessionfs locks %.300s", path);
	case LOCK_UNLOCK_KEPT:
		detail_lock(request, lock);
		err_set(err, ERR_PRECONDITION_FAILED, "%s holds more than a lock does", path);
		return err_suggest(err, "Look at it; if nothing needs it any more: rm -r -- %.300s",
				   path);
	default:
		return err_set_errno(err, ERR_IO_ERROR, -r, "cannot free %s", path);
	}
}

/* Nobody's record is on the path now: it is free, unless a program outside has made the file. */
static int check_free(const struct ctl_request *request, const struct lock_key *key,
		      const struct target_path *path, struct err *err)
{
	struct locks *locks = request->instance->locks;
	_cleanup_buf_ struct buf shown = {0};

	if (locks_find(locks, key) || !lock_has_file(locks, key))
		return 0;
	buf_add_shell_quoted(&shown, path->host);
	err_set(err, ERR_PRECONDITION_FAILED,
		"%s was made outside sessionfs, which knows nothing of who holds it",
		shown.data ? shown.data : "");
	return err_suggest(err, "If nothing needs it any more: rm -r -- %.300s",
			   shown.data ? shown.data : "");
}

int request_lock_unlock(struct ctl_request *request, struct err *err)
{
	_cleanup_target_path_ struct target_path path = {0};
	uint64_t token = request_number(request, "token", 0);
	struct actor actor = {.uid = request->uid, .gid = request->gid, .tid = request->tid};
	struct lock_key key;
	uint32_t lock;
	int r;

	if (request_flag(request, "force") != (token != 0))
		return err_set(
			err, ERR_VALIDATION_ERROR,
			"lock.unlock: \"force\" and \"token\" go together, and 0 is no token");
	if (visible_target(request, &path, err) < 0)
		return -1;
	key = (struct lock_key){.share = path.share, .path = path.rest};
	lock = find_lock(request, &key);
	if (lock) {
		(void)identity_of(request->instance->identity, request->tid, request->uid,
				  request->gid, &actor);
		r = lock_unlock(request->instance->locks, lock, token, &actor);
		if (r != LOCK_UNLOCK_FREE)
			return not_unlocked(request, lock, r, path.host, err);
	}
	if (check_free(request, &key, &path, err) < 0)
		return -1;
	request->data = json_object();
	json_set_text(request->data, "path", path.host);
	json_object_set_new(request->data, "was_held", json_boolean(lock != 0));
	return CTL_DONE;
}
