/* SPDX-License-Identifier: MIT */
/*
 * The instance that already stands at our mount point: is it the one that was asked for?
 *
 * A running instance keeps its effective configuration in <store>/config.json, for this question
 * and for people; its status.json names the store.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/config.h"
#include "base/err.h"
#include "base/json.h"
#include "store/store.h"

#define TWIN_CONFIG_FILE "config.json"

/* Everything of a configuration, in the order of docs/configuration.md. A new reference. */
json_t *twin_render(const struct config *config);

/*
 * Writes "shares, sessions.idle_ttl_ns": what differs between two rendered configurations. Returns
 * whether anything does. Pure.
 */
bool twin_differs(const json_t *a, const json_t *b, struct buf *ret_names);

/* Writes the configuration into the store. Returns 0 or -1. */
int twin_write(const struct config *config, struct store *store, struct err *err);

enum twin {
	TWIN_EQUAL, /* nothing is to be done */
	TWIN_DYING, /* its supervisor is gone: it will be a dead mount presently */
};

/*
 * Compares what is mounted at config->mountpoint. Returns 0, with the supervisor's pid where they are equal;
 * PRECONDITION_FAILED names what differs; UNAVAILABLE where it does not answer.
 */
int twin_compare(const struct config *config, enum twin *ret_twin, pid_t *ret_supervisor,
		 struct err *err);

/*
 * Whether the instance that uses the store is not mounted where its configuration says: it ends,
 * for a store is given up after the mount, or it begins.
 */
bool twin_passing(const char *store);
