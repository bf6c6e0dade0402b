/* SPDX-License-Identifier: MIT */
/*
 * The instance in numbers, for status.json and metrics.
 */
#pragma once

#include "virt/context.h"

struct figures {
	uint64_t sessions;
	uint64_t runs;
	uint64_t locks;
	uint64_t waiters;
	uint64_t nodes;
	uint64_t open_handles;
	uint64_t events; /* since the mount */
	uint64_t worker_restarts;
	uint64_t uptime_ms;
	uint64_t memory_bytes; /* the worker's private memory and the used part of the arena */
	uint64_t store_bytes;  /* see usage.h */
	bool store_exact;
};

void figures_collect(struct instance *instance, struct figures *ret_figures);
