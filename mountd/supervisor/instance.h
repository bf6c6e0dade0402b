/* SPDX-License-Identifier: MIT */
/*
 * One mounted instance from start to end: everything that is made for it, in order, and unmade in
 * the other direction, also when the start fails half-way.
 */
#pragma once

#include "base/config.h"
#include "base/err.h"
#include "supervisor/ready.h"

/*
 * Mounts and serves until unmounted; says so through `ready` in between. Success at once where
 * an equal instance stands (noop). Takes over the process: signals, stdio (in the background).
 * Returns 0, or -1 with err, and then nothing of it is left: no mount, process or directory.
 */
int instance_run(struct config *config, struct ready *ready, struct err *err);
