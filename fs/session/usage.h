/* SPDX-License-Identifier: MIT */
/*
 * How much a session holds, for the limits max_bytes and max_files (SPEC section 11).
 *
 * Counted is what its uppers hold: the blocks of all objects in bytes, and how many objects there
 * are, but for whiteouts, which are what removing leaves. A file of several names counts once.
 *
 * Two numbers in the session's record are added to as things are made, grow and go. They need not
 * be exact: a walk of the uppers sets them right some seconds after each change, sooner where they
 * are near a limit. So a limit is soft, as SPEC says, and an error of the sum does not last.
 *
 * Without limits nothing is counted. Thread-safe; only usage_count() and usage_sweep() touch the
 * disk.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "session/registry.h"

/* Sessions are warned of from this share of a limit on. */
#define USAGE_NEAR_PERCENT 90

struct usage {
	uint64_t bytes;
	uint64_t files;
};

enum usage_level {
	USAGE_BELOW,
	USAGE_NEAR, /* USAGE_NEAR_PERCENT or more of a limit */
	USAGE_FULL, /* a limit is reached */
};

/* Whether anything is limited. */
bool usage_limited(const struct config *config);
/* Pure. */
enum usage_level usage_judge(const struct config *config, const struct usage *usage);

/* What the session holds, as far as is known; never negative. */
struct usage usage_get(const struct registry *registry, uint32_t session);
/* Objects and bytes that came (negative: went). */
void usage_add(struct registry *registry, uint32_t session, int64_t files, int64_t bytes);
/*
 * Whether the session may grow by that many bytes, 0 being unknown: 0, or -ENOSPC. ret_first: this
 * is the first refusal since it was below its limits.
 */
int usage_check(struct registry *registry, uint32_t session, uint64_t bytes, bool *ret_first);

/* Counts exactly, now. What changes meanwhile may be missed. 0 or negative errno. */
int usage_count(struct registry *registry, uint32_t session);
/* Counts the sessions that are due. Once a second. */
void usage_sweep(struct registry *registry);
