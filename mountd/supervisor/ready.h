/* SPDX-License-Identifier: MIT */
/*
 * How a starting daemon says that its mount answers, or why there is none: one envelope (SPEC
 * section 8) on one line, on the fd of --ready-fd; without that, an error line on stderr.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"

struct ready {
	int fd;              /* -1: none */
	uint64_t started_ns; /* CLOCK_BOOTTIME */
	bool said;           /* later calls are ignored */
};

/* Success; takes data, always. Closes the fd. */
void ready_succeed_consume(struct ready *ready, json_t *data);
/* Failure. Closes the fd. Returns the exit status that the error asks for. */
int ready_fail(struct ready *ready, const struct err *err);
