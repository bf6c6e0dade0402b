/* SPDX-License-Identifier: MIT */
#include "ctl/gate.h"

#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct gate_change *changes; /* guarded by: mutex */

static bool is_closed_locked(uint32_t session)
{
	for (const struct gate_change *change = changes; change; change = change->next)
		if (change->session == session)
			return true;
	return false;
}

bool gate_close(struct runs *runs, uint32_t session, uint32_t own, struct gate_change *change)
{
	bool closed;

	pthread_mutex_lock(&mutex);
	closed = !is_closed_locked(session) && runs_in_session(runs, session) <= own;
	if (closed) {
		*change = (struct gate_change){.session = session, .next = changes};
		changes = change;
	}
	pthread_mutex_unlock(&mutex);
	return closed;
}

void gate_open(struct gate_change *change)
{
	pthread_mutex_lock(&mutex);
	for (struct gate_change **at = &changes; *at; at = &(*at)->next) {
		if (*at == change) {
			*at = change->next;
			break;
		}
	}
	pthread_mutex_unlock(&mutex);
}

static int begin_locked(struct registry *registry, struct runs *runs, const struct gate_run *run,
			uint32_t *ret_run, struct err *err)
{
	const struct session_record *record = registry_at(registry, run->session);

	if (is_closed_locked(run->session) ||
	    registry_find(registry, record->uid, record->id) != run->session)
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "session %s is just being reset or removed", record->id);
	if (run->alone && runs_in_session(runs, run->session) > 0)
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "other runs live in session %s, so this one may not reset it",
			       record->id);
	return runs_begin(runs, run->session, run->uid, run->tid, run->command, run->command_len,
			  run->cwd, ret_run, err);
}

int gate_begin_run(struct registry *registry, struct runs *runs, const struct gate_run *run,
		   uint32_t *ret_run, struct err *err)
{
	int r;

	/* What runs_begin() does is a few reads of /proc: microseconds, and no disk. */
	pthread_mutex_lock(&mutex);
	r = begin_locked(registry, runs, run, ret_run, err);
	pthread_mutex_unlock(&mutex);
	return r;
}
