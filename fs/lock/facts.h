/* SPDX-License-Identifier: MIT */
/*
 * What is known of a lock at one moment, apart from the table: what an answer is rendered from,
 * and what is kept of a denial. Rendering is in answer.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lock/lock.h"

struct lock_facts {
	size_t size; /* of the allocation */
	enum lock_idiom idiom;
	bool stale;
	bool external;
	bool alive; /* the holder's process */
	uid_t uid;
	pid_t pid;      /* 0: unknown */
	uint64_t token; /* 0: none was given */
	uint64_t acquired_real_ns;
	uint64_t held_ms;
	uint32_t waiters;
	uint32_t retry_after_ms;
	struct lock_wait wait; /* of who was denied */
	char session_id[72];   /* "": outside sessionfs */
	char run_id[24];       /* "": outside a run */
	char comm[24];
	char command[256]; /* NUL-separated, ends in two NULs */
	char cwd[256];
	char host_path[];
};

/* How the table sees the lock at that moment; alive is the caller's to find out. */
struct facts_moment {
	uint64_t now_boot_ns;
	uint32_t waiters;
	uint32_t retry_after_ms;
	bool alive;
};

/* New facts from a record. Pure but for the allocation; NULL when out of memory. */
struct lock_facts *facts_new(const struct lock_record *record, const char *share_path,
			     const struct facts_moment *moment);
struct lock_facts *facts_copy(const struct lock_facts *facts);

/* The JSON of SPEC section 6 (json_t *); `for_error` adds reason and exit_code. */
void *facts_render(const struct lock_facts *facts, const char *host, uid_t viewer, bool for_error);
