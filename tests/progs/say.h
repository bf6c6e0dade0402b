/* SPDX-License-Identifier: MIT */
/*
 * Programs that try what a directory can do, and print one line for each trial: what was tried and
 * how it ended. Two directories are alike where a program prints the same in both.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was tried: "name: 5" for a result, "name: ENOENT" for a failure (-1, errno). */
static inline void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
}

/* What must not fail, for the next trials need it. */
static inline long must(const char *what, long result)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, strerrorname_np(errno));
		exit(1);
	}
	return result;
}
#define MUST(call) must(#call, (long)(call))
#define SAY(call) say(#call, (long)(call))
