/* SPDX-License-Identifier: MIT */
/*
 * `run` from a checked plan to its exit status: attempts, retries, what is printed.
 */
#pragma once

#include "base/err.h"
#include "cli/run/plan.h"

/* Runs COMMAND as planned and prints what there is to print. Returns the exit status. */
int run_execute(const struct run_plan *plan);

/*
 * Says that nothing was run, in the form that the plan (as far as it could be made) asks for.
 * Returns the exit status.
 */
int run_refuse(const struct run_plan *plan, const struct err *err);
