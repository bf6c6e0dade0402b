/* SPDX-License-Identifier: MIT */
/*
 * --retry: what is worth running again, and waiting for it.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "cli/run/plan.h"
#include "cli/run/verdict.h"

bool retry_wanted(const struct run_verdict *verdict);
/* One line on stderr. */
void retry_announce(const json_t *error, int64_t attempts, int64_t retries);
/*
 * Until the lock of that LOCK_HELD error is free or its retry_after_ms has passed, whichever is
 * first; never beyond the plan's deadline.
 */
void retry_wait(const struct run_plan *plan, const json_t *error);
