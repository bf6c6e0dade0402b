/* SPDX-License-Identifier: MIT */
/*
 * The checks of `sessionfs doctor`: each looks at one thing that sessionfs needs and says how it
 * is. A new one is a function here and a line in the table of checks.c.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"

enum check_result { CHECK_OK, CHECK_WARN, CHECK_FAIL };

struct check {
	const char *name;
	enum check_result result;
	struct buf detail; /* what was found */
	struct buf advice; /* what to do about it; empty where there is nothing to do */
};

/* What the checks look at, gathered once. */
struct check_facts {
	const char *mountpoint;
	const json_t *status;   /* the instance's status, NULL where it does not answer */
	const char *unanswered; /* why not; "" where status is there */
	const char *cure;       /* what to do about that; "" where nothing is known */
	bool hangs;             /* it is mounted, and does not answer */
};

/*
 * Runs all checks. A new array of {"name", "result": "ok"|"warn"|"fail", "detail", "advice"}, in
 * fixed order.
 */
json_t *checks_run(const struct check_facts *facts);

/* "warn" for CHECK_WARN. */
const char *check_result_name(enum check_result result);

/*
 * What a kernel of that version can do (SPEC section 12): fills result, detail and advice. Pure.
 */
void check_kernel_release(const char *release, struct check *check);
/* Whether that much free space is enough. Pure. */
enum check_result check_free_space(uint64_t free_bytes, uint64_t total_bytes);
