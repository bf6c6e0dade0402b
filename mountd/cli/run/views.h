/* SPDX-License-Identifier: MIT */
/*
 * Which mounts make up a session's world: the views over their shares, the mount point itself
 * where a share would hide it, and the host's sockets.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"
#include "cli/run/binds.h"

/*
 * Collects the binds for `shares` (the array of run.begin's answer, docs/ctl.md). Must be called
 * inside the run's namespace and before binds_apply().
 */
int views_collect(const char *mountpoint, const json_t *shares, struct binds *binds,
		  struct err *err);

/* The path of the share that `path` is in, NULL where it is in none. Borrowed from shares. */
const char *views_share_of(const json_t *shares, const char *path);
