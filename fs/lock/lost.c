/* SPDX-License-Identifier: MIT */
/*
 * Lost locks (SPEC section 6): what is noted of a loss, what the loser's run is told, and his own removal
 * of the name.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "lock/answer.h"
#include "lock/holder.h"
#include "lock/lockfile.h"
#include "lock/table.h"
#include "lock/text.h"

static struct conflict_actor loser_of(const struct locks *locks, const struct lock_record *record)
{
	if (record->run)
		return (struct conflict_actor){.run = record->run};
	return conflict_actor_of_session(locks, record->session);
}

void lost_note_locked(struct locks *locks, const struct lock_report *report)
{
	struct facts_moment moment = {.now_boot_ns = clock_boot_ns()};
	const struct lock_key key = table_key_of(&report->record);
	const struct loss loss = {
		.holder = loser_of(locks, &report->record),
		.hash = table_key_hash(&key),
		.removal_due = true,
		.has_by = report->has_by,
		.by = report->by,
		.facts = table_facts_locked(locks, &report->record, &moment),
	};

	losses_note_consume(&locks->losses, &loss);
}

/*
 * The file is not the holder's, though nobody has told of it: an outsider has put it there. To be told
 * apart from a claim of ours that will be settled in a moment.
 */
static bool was_replaced(struct locks *locks, const struct lock_key *key, uint32_t held,
			 uint64_t token)
{
	struct lock_report *report = NULL;
	struct lockfile file;

	if (lockfile_stat(locks, key, &file) < 0)
		return false;
	pthread_mutex_lock(&locks->mutex);
	if (table_is_held_locked(locks, held, token) &&
	    !lockfile_is_of(&file, table_at(locks, held)) &&
	    !table_pending_locked(locks, key, NULL))
		report = table_drop_locked(locks, held, LOCK_END_LOST, NULL);
	pthread_mutex_unlock(&locks->mutex);
	lock_reports_emit_consume(locks, report);
	return report != NULL;
}

bool lock_removal_is_void(struct locks *locks, const struct lock_key *key,
			  const struct actor *actor)
{
	struct conflict_actor loser = {.run = actor->run};
	uint64_t hash = table_key_hash(key), token = 0;
	bool is_own, lost;
	struct lockfile file;
	uint32_t held;

	pthread_mutex_lock(&locks->mutex);
	if (!actor->run)
		loser = conflict_actor_of_session(locks, actor->session);
	held = table_held_locked(locks, key);
	is_own = held && holder_is(table_at(locks, held), actor);
	if (is_own)
		token = table_at(locks, held)->token;
	lost = !is_own && losses_take_removal(&locks->losses, &loser, hash);
	pthread_mutex_unlock(&locks->mutex);
	if (!is_own)
		return lost && lockfile_stat(locks, key, &file) == 0;
	if (!was_replaced(locks, key, held, token))
		return false;
	pthread_mutex_lock(&locks->mutex);
	losses_take_removal(&locks->losses, &loser, hash);
	pthread_mutex_unlock(&locks->mutex);
	return true;
}

static json_t *render_message(const struct loss *loss)
{
	_cleanup_buf_ struct buf buf = {0};

	text_sanitise(loss->facts->host_path, &buf);
	buf_add_str(&buf, " was taken away from its holder by ");
	if (!loss->has_by) {
		buf_add_str(&buf, "a program outside sessionfs");
	} else {
		text_sanitise(loss->by.comm[0] ? loss->by.comm : "a process", &buf);
		buf_add_format(&buf, " (pid %d%s%s)", loss->by.pid,
			       loss->by.session_id[0] ? ", session " : "", loss->by.session_id);
	}
	return buf_failed(&buf) ? NULL : json_text(buf.data);
}

static json_t *render_suggestion(const struct loss *loss)
{
	_cleanup_buf_ struct buf buf = {0};

	buf_add_str(&buf,
		    "Look at what it protects, which both may have changed, and at who has it "
		    "now: sessionfs locks ");
	buf_add_shell_quoted(&buf, loss->facts->host_path);
	return buf_failed(&buf) ? NULL : json_text(buf.data);
}

static json_t *render(const struct locks *locks, const struct loss *loss, uid_t viewer)
{
	json_t *error = facts_render(loss->facts, locks->host, viewer, true);

	json_object_set_new(error, "code", json_text(err_code_name(ERR_LOCK_LOST)));
	json_object_set_new(error, "exit_code", json_integer(err_code_exit(ERR_LOCK_LOST)));
	json_object_set_new(error, "message", render_message(loss));
	json_object_set_new(error, "suggestion", render_suggestion(loss));
	json_object_set_new(error, "retryable", json_false());
	json_object_del(error, "reason");
	json_object_del(error, "retry_after_ms");
	json_object_set_new(error, "by", lock_party_json(loss->has_by ? &loss->by : NULL));
	return error;
}

void *lock_loss_of_run(struct locks *locks, uint32_t run, uid_t viewer)
{
	_cleanup_free_ struct lock_facts *facts = NULL;
	const struct loss *found;
	struct loss loss = {0};

	locks_check_run(locks, run);
	pthread_mutex_lock(&locks->mutex);
	found = losses_of_run(&locks->losses, run);
	if (found) {
		loss = *found;
		loss.facts = facts = facts_copy(found->facts);
	}
	pthread_mutex_unlock(&locks->mutex);
	return facts ? render(locks, &loss, viewer) : NULL;
}
