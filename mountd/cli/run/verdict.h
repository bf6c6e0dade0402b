/* SPDX-License-Identifier: MIT */
/*
 * What a run's end means: exit status and envelope (SPEC section 5). Pure: made from an attempt's
 * results, prints nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "cli/run/attempt.h"
#include "cli/run/plan.h"

struct run_verdict {
	int status;        /* exit status of `run` */
	bool from_command; /* it is COMMAND's own */
	bool conflict;     /* a lock or a write conflict made COMMAND fail */
	json_t *error;     /* error object of the envelope; NULL: success. Owned */
};

/* The exit status that a shell would give: the status itself, or 128 plus the signal. */
int run_exit_status(int wait_status);

void run_verdict(const struct run_plan *plan, const struct attempt *attempt,
		 struct run_verdict *ret_verdict);
void run_verdict_release(struct run_verdict *verdict);

/*
 * The envelope. attempts: how often COMMAND was run. A new reference; adds to attempt's warnings
 * what is left over.
 */
json_t *run_envelope(const struct run_plan *plan, const struct attempt *attempt,
		     const struct run_verdict *verdict, int64_t attempts);

/* The id of a session that was made for this run and is kept, for it holds changes; else NULL. */
const char *run_kept_session(const struct attempt *attempt);
