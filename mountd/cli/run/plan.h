/* SPDX-License-Identifier: MIT */
/*
 * What `run` and `enter` were asked to do: checked in full before anything runs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/verb.h"

enum run_json {
	RUN_JSON_OFF,
	RUN_JSON_ALWAYS,   /* stdout is one envelope */
	RUN_JSON_ON_ERROR, /* stdout is COMMAND's, or one envelope where sessionfs made it fail */
};

struct run_plan {
	const char *mountpoint;
	bool mountpoint_is_default;
	const char *mountpoint_hint; /* as in struct call */
	const char *session; /* "ID" or "UID/ID"; NULL: the environment decides, else a fresh one */
	char *const *command; /* argv, NULL-terminated, not empty */
	enum run_json json;
	bool reset;  /* --on-exit reset */
	bool commit; /* --on-exit commit */
	int64_t retries;
	int64_t lock_timeout_ms; /* -1: the share's rule */
	uint64_t timeout_ns;     /* 0: none */
	uint64_t deadline_ns;    /* CLOCK_BOOTTIME at which timeout_ns is over; 0: none */
	int report_fd;           /* -1: none; owned */
	uint64_t started_ns;
};

/* The JSON mode that options, else SESSIONFS_RUN_JSON ask for. VALIDATION_ERROR for the latter. */
int run_plan_json(const struct call *call, enum run_json *ret_json, struct err *err);

/*
 * The plan of a call of `run`. On failure -1 with VALIDATION_ERROR, and ret_plan holds what could
 * be made out (json, report_fd); release it in either case.
 */
int run_plan_parse(const struct call *call, struct run_plan *ret_plan, struct err *err);
/* Of a call of `enter`: the session is the first operand, the command optional. */
int run_plan_parse_enter(const struct call *call, struct run_plan *ret_plan, struct err *err);
void run_plan_release(struct run_plan *plan);

/*
 * Checks the variables that choose a session (SPEC section 3): the first that is set must hold an
 * id. A variable that is wrong would otherwise put the caller silently into another session.
 */
int run_plan_check_environment(struct err *err);
