/* SPDX-License-Identifier: MIT */
/*
 * The JSON of sessions, status and locks, shared by the virtual files and the control requests.
 * All return a new json_t reference as void*, NULL when out of memory.
 */
#pragma once

#include "virt/context.h"

void *listing_status(struct instance *instance);
/* An array, sorted by uid and id, of the sessions that viewer may see. */
void *listing_sessions(struct instance *instance, uid_t viewer);
/* One session: what the array holds of it, and runs, uppers, views. */
void *listing_session(struct instance *instance, uint32_t session);
/* An array, sorted by path, of the held locks; `prefix` ("" all): host path or a directory of it. */
void *listing_locks(struct instance *instance, uid_t viewer, const char *prefix);
void *listing_whoami(struct instance *instance, pid_t tid, uid_t uid, gid_t gid);
