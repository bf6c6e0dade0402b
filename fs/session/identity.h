/* SPDX-License-Identifier: MIT */
/*
 * Who is the caller: which session and which run (SPEC section 3).
 *
 * Ordinary operations know their session by their node and need nothing from here; locks and
 * magic links do.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/config.h"
#include "base/err.h"
#include "session/registry.h"
#include "session/runs.h"

/* A caller, as far as it was looked for. */
struct actor {
	uint32_t session; /* 0: not known */
	uint32_t run;     /* 0: none */
	pid_t tid;        /* as FUSE gave it; 0: outside our pid namespace */
	pid_t pid;        /* thread group id; 0: unknown */
	uid_t uid;
	gid_t gid;
	/* "subtree", "run", "environment:NAME", "posix-session", "" */
	char identified_by[96];
	/* The session id that identification names; it may not exist yet. */
	char session_id[SESSION_ID_SIZE];
};

struct identity {
	struct registry *registry;
	struct runs *runs;
	const struct config *config;
};

/*
 * Names the caller's session by rules 2 to 4 without making one: fills session_id, run,
 * identified_by, pid; session where it exists. Returns 0; -ESRCH where the caller cannot be told
 * (another pid namespace, gone): identified_by is then "".
 */
int identity_of(const struct identity *identity, pid_t tid, uid_t uid, gid_t gid,
		struct actor *ret_actor);

/*
 * As identity_of(), and makes the session where it does not exist. Returns 0, or with err set:
 * -ESRCH as above, -EDQUOT (sessions.max_sessions), -EIO (the store).
 */
int identity_of_create(const struct identity *identity, pid_t tid, uid_t uid, gid_t gid,
		       struct actor *ret_actor, struct err *err);

/*
 * The caller's run only (by mount namespace, else by SESSIONFS_RUN where uid and session match),
 * for a caller whose session is known from the subtree. 1 us for a process of a run.
 */
uint32_t identity_run(const struct identity *identity, pid_t tid, uid_t uid, uint32_t session);

/*
 * Expands a variable name ("CI_JOB") or a template ("${A}.${B}") from an environment block.
 * Returns false where a variable is unset or the result is no session id. Pure.
 */
bool identity_expand(const char *spec, const char *block, size_t block_len,
		     char ret_id[SESSION_ID_SIZE]);
