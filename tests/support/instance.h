/* SPDX-License-Identifier: MIT */
/*
 * A whole instance without a mount, of real parts: the world (world.h) and what is made over it.
 * One per test process.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"
#include "support/world.h"
#include "virt/context.h"
#include "virt/tree.h"

#define INSTANCE_MOUNTPOINT "/run/test-mount"

extern struct instance instance;

/* What instance.session_changed() was told last. */
extern uint32_t instance_changed_session;
extern bool instance_changed_removed;

/* The world's two shares, but at the paths given (NULL: /lower, /other). */
void instance_make(const char *first_path, const char *second_path);
void instance_free(void);

/* Makes a live session. */
uint32_t instance_session(uid_t uid, const char *id);
/*
 * Takes a lock in a share's lower, with its directories and its file, held by this process in that
 * session (and run). `session_scope` 0: between sessions.
 */
uint32_t instance_lock(uint32_t share, uint32_t session_scope, const char *path, uint32_t session,
		       uint32_t run);

/* Lists a directory as "name/ name name@ ", NULL where that fails. Free it. */
char *instance_list(const char *path, uid_t uid);
/* Renders a file and parses it. NULL where it cannot be rendered. */
json_t *instance_json(const char *path, pid_t tid, uid_t uid);
