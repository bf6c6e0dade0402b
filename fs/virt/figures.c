/* SPDX-License-Identifier: MIT */
#include "virt/figures.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"
#include "virt/usage.h"

/* Pages that are ours alone: the arena is shared, and counted by itself. */
static uint64_t private_memory(void)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long size, resident, shared;

	if (sys_read_file(AT_FDCWD, "/proc/self/statm", 256, &text) < 0 ||
	    sscanf(text, "%llu %llu %llu", &size, &resident, &shared) != 3 || resident < shared)
		return 0;
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void figures_collect(struct instance *instance, struct figures *ret_figures)
{
	struct instance_counts counts = {.arena_bytes = arena_used_bytes(instance->arena)};
	struct figures *figures = ret_figures;
	uint64_t started = instance->globals->started_boot_ns;
	uint64_t now = clock_boot_ns();

	if (instance->counts)
		instance->counts(&counts, instance->context);
	*figures = (struct figures){
		.sessions = registry_count(instance->registry),
		.runs = runs_count(instance->runs),
		.locks = locks_count(instance->locks),
		.waiters = counts.waiters,
		.nodes = counts.nodes,
		.open_handles = counts.open_handles,
		.events = events_newest(instance->events),
		.worker_restarts = instance->globals->worker_restarts,
		.uptime_ms = now > started ? (now - started) / NSEC_PER_MSEC : 0,
		.memory_bytes = private_memory() + counts.arena_bytes,
	};
	figures->store_bytes = usage_store_bytes(instance->store, &figures->store_exact);
}
