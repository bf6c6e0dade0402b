/* SPDX-License-Identifier: MIT */
#include "lock/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "lock/facts.h"
#include "lock/free.h"
#include "lock/holder.h"
#include "lock/idiom.h"
#include "lock/redact.h"
#include "lock/table.h"
#include "lock/text.h"

/* SPEC section 5: a probed lock still counts for a failure within this time of its release. */
#define PROBE_COUNTS_NS NSEC_PER_SEC

/* Names the holder by pid, session and process name only. */
static void add_holder_phrase(const struct lock_facts *facts, struct buf *buf)
{
	if (facts->comm[0])
		text_sanitise(facts->comm, buf);
	else
		buf_add_str(buf, "a process");
	buf_add_str(buf, " (");
	if (facts->pid)
		buf_add_format(buf, "pid %d, ", facts->pid);
	if (facts->external)
		buf_add_str(buf, "outside sessionfs");
	else
		buf_add_format(buf, "session %s", facts->session_id);
}

static json_t *render_message(const struct lock_facts *facts)
{
	_cleanup_buf_ struct buf buf = {0};
	char age[24];

	clock_format_duration(facts->held_ms * NSEC_PER_MSEC, age, sizeof(age));
	text_sanitise(facts->host_path, &buf);
	buf_add_str(&buf, facts->stale ? " was left behind by " : " is held by ");
	add_holder_phrase(facts, &buf);
	buf_add_format(&buf, ", %s %s ago)", facts->stale ? "acquired" : "started", age);
	return buf_failed(&buf) ? NULL : json_text(buf.data);
}

/* Never one that frees a live lock. */
static json_t *render_suggestion(const struct lock_facts *facts)
{
	_cleanup_buf_ struct buf buf = {0};

	if (facts->stale) {
		buf_add_str(&buf, "Its holder is gone; free it: sessionfs unlock ");
		buf_add_shell_quoted(&buf, facts->host_path);
	} else {
		buf_add_str(&buf, "Wait and retry: sessionfs wait ");
		buf_add_shell_quoted(&buf, facts->host_path);
		buf_add_str(&buf, " --timeout 30s");
	}
	return buf_failed(&buf) ? NULL : json_text(buf.data);
}

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_text(text) : json_null();
}

static json_t *render_lock(const struct lock_facts *facts)
{
	json_t *lock = json_object();

	json_set_text(lock, "path", facts->host_path);
	json_object_set_new(lock, "idiom", json_text(lock_idiom_name(facts->idiom)));
	json_object_set_new(lock, "state", json_text(facts->stale ? "stale" : "held"));
	json_object_set_new(lock, "fencing_token",
			    facts->token ? json_integer((json_int_t)facts->token) : json_null());
	json_object_set_new(lock, "acquired_at", json_time(facts->acquired_real_ns));
	json_object_set_new(lock, "held_ms", json_integer((json_int_t)facts->held_ms));
	json_object_set_new(lock, "waiters", json_integer(facts->waiters));
	json_object_set_new(lock, "external", json_boolean(facts->external));
	return lock;
}

static json_t *render_command(const char *command, size_t size)
{
	struct redact_state state = {0};
	json_t *array = json_array();

	for (size_t at = 0; at < size && command[at]; at += strnlen(command + at, size - at) + 1) {
		_cleanup_buf_ struct buf shown = {0};
		_cleanup_buf_ struct buf clean = {0};

		redact_argument(&state, command + at, &shown);
		if (!buf_failed(&shown))
			text_sanitise(shown.data, &clean);
		if (!buf_failed(&shown) && !buf_failed(&clean))
			json_array_append_new(array, json_text(clean.data));
	}
	return array;
}

static json_t *render_holder(const struct lock_facts *facts, const char *host, uid_t viewer)
{
	json_t *holder = json_object();

	json_object_set_new(holder, "session", text_or_null(facts->session_id));
	json_object_set_new(holder, "run", text_or_null(facts->run_id));
	json_object_set_new(holder, "pid", facts->pid ? json_integer(facts->pid) : json_null());
	json_object_set_new(holder, "uid", json_integer(facts->uid));
	json_object_set_new(holder, "alive", json_boolean(facts->alive));
	json_object_set_new(holder, "host", json_text(host));
	if (viewer == 0 || viewer == facts->uid) {
		_cleanup_buf_ struct buf cwd = {0};

		json_object_set_new(holder, "command",
				    render_command(facts->command, sizeof(facts->command)));
		text_sanitise(facts->cwd, &cwd);
		json_object_set_new(holder, "cwd",
				    buf_failed(&cwd) ? json_null() : text_or_null(cwd.data));
	}
	json_object_set_new(holder, "trusted", json_false());
	return holder;
}

static const char *const denial_names[] = {
	[LOCK_DENIAL_HELD] = "held",
	[LOCK_DENIAL_TIMEOUT] = "timeout",
	[LOCK_DENIAL_DEADLOCK] = "deadlock",
};

void *facts_render(const struct lock_facts *facts, const char *host, uid_t viewer, bool for_error)
{
	json_t *answer = json_object();

	json_object_set_new(answer, "code", json_text(err_code_name(ERR_LOCK_HELD)));
	if (for_error) {
		json_object_set_new(answer, "reason", json_text(denial_names[facts->wait.denial]));
		if (facts->wait.denial != LOCK_DENIAL_HELD)
			json_object_set_new(answer, "waited_ms",
					    json_integer((json_int_t)facts->wait.waited_ms));
		json_object_set_new(answer, "exit_code",
				    json_integer(err_code_exit(ERR_LOCK_HELD)));
	}
	json_object_set_new(answer, "message", render_message(facts));
	json_object_set_new(answer, "suggestion", render_suggestion(facts));
	json_object_set_new(answer, "retryable", json_true());
	json_object_set_new(answer, "retry_after_ms", json_integer(facts->retry_after_ms));
	json_object_set_new(answer, "lock", render_lock(facts));
	json_object_set_new(answer, "holder", render_holder(facts, host, viewer));
	return answer;
}

/* Facts of a held lock as it is now; NULL where it is not held. */
static struct lock_facts *facts_now(struct locks *locks, uint32_t lock)
{
	struct facts_moment moment = {.now_boot_ns = clock_boot_ns()};
	_cleanup_free_ struct lock_report *copy = NULL;
	struct lock_facts *facts;

	if (lock == 0 || lock > arena_capacity(locks->setup.table))
		return NULL;
	copy = free_copy_held(locks, lock);
	if (!copy)
		return NULL;
	moment.alive = holder_show(locks, &copy->record);
	pthread_mutex_lock(&locks->mutex);
	facts = table_facts_locked(locks, &copy->record, &moment);
	pthread_mutex_unlock(&locks->mutex);
	return facts;
}

void *lock_answer(struct locks *locks, uint32_t lock, uid_t viewer)
{
	_cleanup_free_ struct lock_facts *facts = facts_now(locks, lock);

	return facts ? facts_render(facts, locks->host, viewer, false) : NULL;
}

int lock_host_path(struct locks *locks, uint32_t lock, char *ret, size_t size)
{
	const struct lock_record *record = table_at(locks, lock);
	const char *share;
	int r = -ENOENT;

	pthread_mutex_lock(&locks->mutex);
	/* Any other record may be being made, by whom it belongs to alone. */
	if (atomic_load(&record->head.state) == LOCK_STATE_HELD) {
		int len;

		share = locks->setup.config->shares[record->share].path;
		len = snprintf(ret, size, "%s/%s", share[1] ? share : "", record->path);
		r = len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
	}
	pthread_mutex_unlock(&locks->mutex);
	return r;
}

/* A copy of the actor's last conflict, its facts owned by the caller; false where there is none. */
static bool last_conflict(struct locks *locks, const struct conflict_actor *actor,
			  struct conflict *ret)
{
	const struct conflict *found;

	pthread_mutex_lock(&locks->mutex);
	found = conflicts_find(&locks->conflicts, actor);
	if (found) {
		*ret = *found;
		ret->facts = facts_copy(found->facts);
	}
	pthread_mutex_unlock(&locks->mutex);
	return found && ret->facts;
}

void *lock_last_conflict(struct locks *locks, uint32_t session, uint32_t run, uid_t viewer)
{
	struct conflict_actor of_run = {.run = run};
	struct conflict_actor of_session = conflict_actor_of_session(locks, session);
	_cleanup_free_ struct lock_facts *facts = NULL;
	struct conflict conflict;
	json_t *json;

	if ((run == 0 || !last_conflict(locks, &of_run, &conflict)) &&
	    !last_conflict(locks, &of_session, &conflict))
		return NULL;
	facts = conflict.facts;
	json = json_object();
	json_object_set_new(json, "kind",
			    json_text(conflict.kind == CONFLICT_DENIAL ? "denial" : "probe"));
	json_object_set_new(json, "at", json_time(conflict.at_real_ns));
	json_object_set_new(json, "resolved", json_boolean(conflict.resolved));
	if (conflict.released_boot_ns) {
		uint64_t ago_ns = clock_boot_ns() - conflict.released_boot_ns;

		json_object_set_new(json, "released_ms_ago",
				    json_integer((json_int_t)(ago_ns / NSEC_PER_MSEC)));
	}
	json_object_set_new(json, "error", facts_render(facts, locks->host, viewer, true));
	return json;
}

/* SPEC section 5, "When COMMAND fails because of a conflict". Pure. */
static bool explains_failure(const struct conflict *conflict, uint64_t now_boot_ns)
{
	if (conflict->resolved)
		return false;
	return conflict->kind == CONFLICT_DENIAL || conflict->released_boot_ns == 0 ||
	       now_boot_ns - conflict->released_boot_ns < PROBE_COUNTS_NS;
}

void *lock_conflict_of_run(struct locks *locks, uint32_t run, uid_t viewer)
{
	struct conflict_actor actor = {.run = run};
	_cleanup_free_ struct lock_facts *facts = NULL;
	struct conflict conflict;

	if (!last_conflict(locks, &actor, &conflict))
		return NULL;
	facts = conflict.facts;
	if (!explains_failure(&conflict, clock_boot_ns()))
		return NULL;
	return facts_render(facts, locks->host, viewer, true);
}
