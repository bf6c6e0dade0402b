/* SPDX-License-Identifier: MIT */
/*
 * `self` and the shares' magic links: symbolic links into the session of whoever reads them. They
 * make the session where it is not there yet, and count as a use of it.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "virt/files.h"
#include "virt/paths.h"
#include "virt/shares.h"

int magic_links_resolve(struct instance *instance, const char *path, struct virt_entry *ret_entry)
{
	switch (shares_place(instance->config, path, NULL)) {
	case SHARE_ABOVE:
		*ret_entry = (struct virt_entry){
			.type = VIRT_DIR, .mode = S_IFDIR | 0755, .stable = true};
		return 0;
	case SHARE_ROOT:
		*ret_entry = (struct virt_entry){.type = VIRT_LINK, .mode = S_IFLNK | 0777};
		return 0;
	case SHARE_BELOW:
		return -ENOTDIR;
	case SHARE_NOWHERE:
		break;
	}
	return -ENOENT;
}

static int error_of(const struct err *err)
{
	switch (err->code) {
	case ERR_LIMIT_REACHED:
		return -ENOSPC;
	case ERR_VALIDATION_ERROR:
		return -EINVAL;
	default:
		return -EIO;
	}
}

/* The caller's session, made where it is not there yet. */
static int open_session(const struct virt_request *request, uint32_t *ret_session)
{
	struct instance *instance = request->instance;
	struct err err = {0};
	struct actor actor;
	bool created;
	int r;

	r = identity_of(instance->identity, request->tid, request->uid, request->gid, &actor);
	if (r < 0)
		return r;
	created = actor.session == 0;
	if (created) {
		r = identity_of_create(instance->identity, request->tid, request->uid, request->gid,
				       &actor, &err);
		if (r < 0)
			return r == -ESRCH ? r : error_of(&err);
		events_emit_consume(instance->events, request->uid, actor.session,
				    "session_created",
				    json_pack("{s:s, s:s}", "session", actor.session_id,
					      "identified_by", actor.identified_by));
	}
	registry_touch(instance->registry, actor.session);
	*ret_session = actor.session;
	return 0;
}

int magic_links_read(const struct virt_request *request, struct buf *buf)
{
	bool self = strcmp(request->path, "self") == 0;
	const struct session_record *record;
	uint32_t session;
	int r = open_session(request, &session);

	if (r < 0)
		return r;
	record = registry_at(request->instance->registry, session);
	for (const char *at = request->path; (at = strchr(at, '/')); at++)
		buf_add_str(buf, "../");
	buf_add_format(buf, "sessions/%u/%s", record->uid, record->id);
	if (!self)
		buf_add_format(buf, "/%s", request->path);
	return 0;
}
