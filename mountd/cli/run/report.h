/* SPDX-License-Identifier: MIT */
/*
 * --report FILE|FD: where the envelope of a run goes in every case.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"

/*
 * A number is an open descriptor, anything else a file that is made or truncated. The descriptor
 * is not passed on to COMMAND: whoever reads a pipe's end waits for the report, not for what is
 * left over of COMMAND. Returns 0, or -1 with VALIDATION_ERROR.
 */
int report_open(const char *target, int *ret_fd, struct err *err);

/* Writes the envelope as one line. 0 or negative errno. */
int report_write(int fd, const json_t *envelope);
