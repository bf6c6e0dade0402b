/* SPDX-License-Identifier: MIT */
/*
 * events --follow: the virtual file `events`, copied to stdout as it grows.
 */
#pragma once

#include "base/err.h"
#include "cli/verb.h"

/*
 * Copies whole lines until stdout is closed (then 0) or the mount is gone (then -1 and
 * UNAVAILABLE).
 */
int events_follow(const struct call *call, struct err *err);
