/* SPDX-License-Identifier: MIT */
/*
 * metrics: the figures as OpenMetrics 1.0 text.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "virt/figures.h"
#include "virt/files.h"

/* A new metric is one line. A counter's sample gets the suffix _total. */
static const struct metric {
	const char *name;
	const char *type;
	const char *unit; /* "" : none; else the name's suffix too, as the format asks */
	size_t offset;    /* of a uint64_t in struct figures */
	double scale;
	const char *help;
} metrics[] = {
#define FIGURE(field) offsetof(struct figures, field)
	{"sessionfs_sessions", "gauge", "", FIGURE(sessions), 1, "Sessions that exist."},
	{"sessionfs_runs", "gauge", "", FIGURE(runs), 1, "Runs that live."},
	{"sessionfs_locks", "gauge", "", FIGURE(locks), 1, "Locks that are held."},
	{"sessionfs_waiters", "gauge", "", FIGURE(waiters), 1, "Requests that wait for a lock."},
	{"sessionfs_nodes", "gauge", "", FIGURE(nodes), 1, "Nodes that the kernel knows."},
	{"sessionfs_open_handles", "gauge", "", FIGURE(open_handles), 1,
	 "Open files and directories."},
	{"sessionfs_events", "counter", "", FIGURE(events), 1, "Events since the mount."},
	{"sessionfs_worker_restarts", "counter", "", FIGURE(worker_restarts), 1,
	 "Times that the worker was started again."},
	{"sessionfs_uptime_seconds", "gauge", "seconds", FIGURE(uptime_ms), 1e-3,
	 "Time since the mount."},
	{"sessionfs_memory_bytes", "gauge", "bytes", FIGURE(memory_bytes), 1,
	 "Private memory of the worker and the used part of its arena."},
	{"sessionfs_store_bytes", "gauge", "bytes", FIGURE(store_bytes), 1,
	 "Disk space that the sessions' files have allocated; a lower bound in large stores."},
#undef FIGURE
};

static void add_metric(struct buf *buf, const struct metric *metric, const struct figures *figures)
{
	const char *suffix = strcmp(metric->type, "counter") == 0 ? "_total" : "";
	uint64_t value;

	memcpy(&value, (const char *)figures + metric->offset, sizeof(value));
	buf_add_format(buf, "# TYPE %s %s\n", metric->name, metric->type);
	if (*metric->unit)
		buf_add_format(buf, "# UNIT %s %s\n", metric->name, metric->unit);
	buf_add_format(buf, "# HELP %s %s\n", metric->name, metric->help);
	if (metric->scale == 1)
		buf_add_format(buf, "%s%s %" PRIu64 "\n", metric->name, suffix, value);
	else
		buf_add_format(buf, "%s%s %.3f\n", metric->name, suffix,
			       (double)value * metric->scale);
}

int metrics_render(const struct virt_request *request, struct buf *buf)
{
	struct figures figures;

	figures_collect(request->instance, &figures);
	buf_add_str(buf, "# TYPE sessionfs_build info\n"
			 "# HELP sessionfs_build The version that runs.\n"
			 "sessionfs_build_info{version=\"" SESSIONFS_VERSION "\"} 1\n");
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		add_metric(buf, &metrics[i], &figures);
	buf_add_str(buf, "# EOF\n");
	return 0;
}
