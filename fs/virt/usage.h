/* SPDX-License-Identifier: MIT */
/*
 * How much the store occupies: what its sessions' files have allocated on disk.
 *
 * Summed by a walk when somebody asks and the last sum is older than USAGE_TTL_S; whoever asks
 * meanwhile gets the last one. A walk stops after USAGE_ENTRIES_MAX entries: the sum is then a lower
 * bound, and said to be one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

#define USAGE_TTL_S 10
#define USAGE_ENTRIES_MAX 20000

uint64_t usage_store_bytes(struct store *store, bool *ret_exact);
