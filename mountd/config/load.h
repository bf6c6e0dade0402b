/* SPDX-License-Identifier: MIT */
/*
 * The configuration of an instance: files, then options, then what the file system says of the
 * paths (SPEC section 11). Nothing is changed anywhere.
 */
#pragma once

#include "base/config.h"
#include "base/err.h"
#include "config/options.h"

#define CONFIG_DIR "/etc/sessionfs"

/*
 * Reads `<dir>/config.json` and `<dir>/config.d/<name>.json` in byte order of the names (where they
 * exist), or options->config_file alone; applies the options; checks the paths (check.h).
 * Returns 0 with a configuration that the caller releases, or -1:
 *   VALIDATION_ERROR     with file, line and column, or the option
 *   NOT_FOUND            --config or a share is not there
 *   PRECONDITION_FAILED  a share, the store and the mount point get in each other's way
 *   PERMISSION_DENIED, IO_ERROR  something cannot be read
 */
int config_load(const struct mount_options *options, const char *dir, struct config *ret_config,
		struct err *err);
