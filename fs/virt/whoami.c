/* SPDX-License-Identifier: MIT */
/*
 * whoami.json: the caller's session and run, and which rule named them. Makes no session.
 */
#include "base/json.h"
#include "virt/files.h"
#include "virt/listing.h"
#include "virt/paths.h"

void *listing_whoami(struct instance *instance, pid_t tid, uid_t uid, gid_t gid)
{
	struct actor actor = {0};
	int r = identity_of(instance->identity, tid, uid, gid, &actor);
	const struct run_record *run = r == 0 ? runs_at(instance->runs, actor.run) : NULL;
	bool known = r == 0 && actor.session_id[0];
	json_t *view = r == 0 && actor.session ? session_path_json(instance, actor.session)
					       : json_null();

	return json_pack("{s:s?, s:s?, s:s?, s:I, s:I, s:o}", "session",
			 known ? actor.session_id : NULL, "identified_by",
			 known ? actor.identified_by : NULL, "run", run ? run->id : NULL, "uid",
			 (json_int_t)uid, "pid", (json_int_t)actor.pid, "view", view);
}

int whoami_render(const struct virt_request *request, struct buf *buf)
{
	return virt_render_json_consume(
		listing_whoami(request->instance, request->tid, request->uid, request->gid), buf);
}
