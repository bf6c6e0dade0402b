/* SPDX-License-Identifier: MIT */
/*
 * last-conflict.json: what the caller's run (else his session) last met. {} where that is nothing.
 */
#include "base/json.h"
#include "lock/answer.h"
#include "virt/files.h"

int last_conflict_render(const struct virt_request *request, struct buf *buf)
{
	struct instance *instance = request->instance;
	_cleanup_json_ json_t *met = NULL;
	json_t *error;
	struct actor actor;

	if (identity_of(instance->identity, request->tid, request->uid, request->gid, &actor) ==
		    0 &&
	    (actor.run || actor.session))
		met = lock_last_conflict(instance->locks, actor.session, actor.run, request->uid);
	error = json_object_get(met, "error");
	return virt_render_json_consume(error ? json_incref(error) : json_object(), buf);
}
