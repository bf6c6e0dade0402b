/* SPDX-License-Identifier: MIT */
/*
 * status.json: what this instance is, what it lacks, how much there is in it.
 */
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "virt/figures.h"
#include "virt/files.h"
#include "virt/listing.h"
#include "virt/shares.h"

/* What a kernel of an older FUSE protocol cannot do (linux/fuse.h lists what came when). */
static const struct {
	uint32_t minor;
	const char *feature;
	const char *lacks;
} kernel_features[] = {
	{40, "worker-recovery",
	 "requests in flight fail when the worker dies; resending them takes 7.40 (Linux 6.9)"},
	{44, "commit-invalidation",
	 "caches are dropped one by one after a commit; all at once takes 7.44 (Linux 6.16)"},
};

static void add_degraded(json_t *array, const char *feature, const char *reason)
{
	json_array_append_new(array, json_pack("{s:s, s:s}", "feature", feature, "reason", reason));
}

static json_t *degraded_json(const struct instance *instance)
{
	json_t *array = json_array();

	if (!instance->passthrough)
		add_degraded(array, "passthrough",
			     instance->passthrough_why ? instance->passthrough_why
						       : "the kernel did not grant it");
	for (size_t i = 0; i < sizeof(kernel_features) / sizeof(*kernel_features); i++) {
		_cleanup_buf_ struct buf reason = {0};

		if (!instance->kernel_minor || instance->kernel_minor >= kernel_features[i].minor)
			continue;
		buf_add_format(&reason, "the kernel speaks FUSE 7.%u: %s", instance->kernel_minor,
			       kernel_features[i].lacks);
		if (!buf_failed(&reason))
			add_degraded(array, kernel_features[i].feature, reason.data);
	}
	if (strncmp(store_xattr_prefix(instance->store), "user.", 5) == 0)
		add_degraded(array, "overlay-attributes",
			     "the store takes no trusted.* attributes: user.overlay.* is used, and "
			     "the kernel's overlayfs mounts an upper only with -o userxattr");
	return array;
}

static json_t *globs_json(const struct string_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_text(list->items[i]));
	return array;
}

static json_t *shares_json(const struct config *config)
{
	json_t *array = json_array();

	for (size_t i = 0; i < config->n_shares; i++) {
		const struct share_config *share = &config->shares[i];
		json_t *json = json_object();

		json_set_text(json, "path", share->path);
		json_object_set_new(json, "mode", json_string(share_mode_name(share->mode)));
		json_object_set_new(json, "lock", globs_json(&share->lock));
		json_object_set_new(json, "merge", globs_json(&share->merge));
		json_object_set_new(json, "passthrough", shares_passthrough(share));
		json_object_set_new(json, "lock_timeout_ms",
				    json_integer((json_int_t)share->lock_timeout_ms));
		json_object_set_new(json, "stale",
				    json_string(share->stale_report ? "report" : "release"));
		json_array_append_new(array, json);
	}
	return array;
}

static void add_number(json_t *json, const char *key, uint64_t value)
{
	json_object_set_new(json, key, json_integer((json_int_t)value));
}

void *listing_status(struct instance *instance)
{
	struct figures figures;
	json_t *json = json_object();

	if (!json)
		return NULL;
	figures_collect(instance, &figures);
	json_object_set_new(json, "version", json_string(SESSIONFS_VERSION));
	json_set_text(json, "mountpoint", instance->config->mountpoint);
	json_set_text(json, "store", store_path(instance->store));
	add_number(json, "supervisor_pid", (uint64_t)instance->supervisor_pid);
	add_number(json, "worker_pid", (uint64_t)getpid());
	add_number(json, "worker_restarts", figures.worker_restarts);
	add_number(json, "uptime_ms", figures.uptime_ms);
	json_object_set_new(json, "passthrough", json_boolean(instance->passthrough));
	json_object_set_new(json, "degraded", degraded_json(instance));
	json_object_set_new(json, "shares", shares_json(instance->config));
	add_number(json, "sessions", figures.sessions);
	add_number(json, "runs", figures.runs);
	add_number(json, "locks", figures.locks);
	add_number(json, "waiters", figures.waiters);
	add_number(json, "nodes", figures.nodes);
	add_number(json, "open_handles", figures.open_handles);
	add_number(json, "memory_bytes", figures.memory_bytes);
	add_number(json, "store_bytes", figures.store_bytes);
	json_object_set_new(json, "store_bytes_exact", json_boolean(figures.store_exact));
	return json;
}

int status_render(const struct virt_request *request, struct buf *buf)
{
	return virt_render_json_consume(listing_status(request->instance), buf);
}
