/* SPDX-License-Identifier: MIT */
/*
 * The way into a run, taken by the keeper before COMMAND starts: open ctl, enter the namespace,
 * register the run, put the views in place, find the working directory in them, export who we are.
 */
#pragma once

#include "base/json.h"
#include "cli/run/plan.h"

/*
 * `session` of an earlier attempt goes before the plan's. Returns 0 with the members of the "begun"
 * frame, or -1 with the error object of an envelope; both are new references. *ret_ctl_fd is the
 * descriptor that keeps the run alive, of a failure too (-1: none). The caller never closes it but
 * leaves that to its own exit: a process that lives on without it counts as one that is left over,
 * and the run would end only when the daemon next looks.
 */
int enter_run(const struct run_plan *plan, const char *session, int *ret_ctl_fd, json_t **ret_begun,
	      json_t **ret_failure);
