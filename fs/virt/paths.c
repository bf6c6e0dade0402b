/* SPDX-License-Identifier: MIT */
#include "virt/paths.h"

#include "base/json.h"

void buf_add_session_path(struct buf *buf, const struct instance *instance, uint32_t session)
{
	const struct session_record *record = registry_at(instance->registry, session);

	buf_add_format(buf, "%s/sessions/%u/%s", instance->config->mountpoint, record->uid,
		       record->id);
}

void *session_path_json(const struct instance *instance, uint32_t session)
{
	_cleanup_buf_ struct buf path = {0};

	buf_add_session_path(&path, instance, session);
	return buf_failed(&path) ? NULL : json_text(path.data);
}
