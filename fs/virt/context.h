/* SPDX-License-Identifier: MIT */
/*
 * What virtual files and control requests draw on: borrowed pointers to the instance's parts,
 * wired once by the worker and never changed after.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/config.h"
#include "lock/lock.h"
#include "session/events.h"
#include "session/identity.h"
#include "session/registry.h"
#include "session/runs.h"
#include "store/store.h"
#include "view/rules.h"

/* Figures that only higher layers know, asked for when a file is rendered. */
struct instance_counts {
	uint64_t nodes;
	uint64_t open_handles;
	uint64_t waiters;
	uint64_t arena_bytes;
};

struct instance {
	const struct config *config;
	struct arena_globals *globals;
	struct arena *arena;
	struct store *store;
	struct registry *registry;
	struct runs *runs;
	struct events *events;
	struct identity *identity;
	struct locks *locks;
	struct rules *const *rules; /* by share */
	pid_t supervisor_pid;
	uint32_t kernel_minor;       /* of the FUSE protocol, 0 until INIT */
	bool passthrough;            /* the kernel granted it */
	const char *passthrough_why; /* why not, in words; NULL where it did */
	void (*counts)(struct instance_counts *ret_counts, void *context);
	/* The session's view changed behind the kernel's back (reset, rm): drop its caches. */
	void (*session_changed)(uint32_t session, bool removed, void *context);
	/* Names in the lowers changed: those that the kernel has cached are void. */
	void (*lower_changed)(void *context);
	void *context;
};
