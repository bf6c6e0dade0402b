/* SPDX-License-Identifier: MIT */
/*
 * Who keeps a mount busy: processes with a working directory, root, program or open file on it.
 */
#pragma once

#include "base/json.h"

#define BUSY_MAX 16 /* processes that are listed */

/*
 * An array, by pid, of {"pid": N, "name": TEXT, "uses": "cwd" | "root" | "exe" | "fd 3", "path": TEXT},
 * one a process. Reads /proc only: no request goes to the mount. A new reference.
 */
json_t *busy_processes(const char *mountpoint);
