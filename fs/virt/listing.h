/* SPDX-License-Identifier: MIT */
/*
 * The JSON of sessions, status and locks, shared by the virtual files and the control requests.
 * All return a new json_t reference as void*, NULL when out of memory. docs/virtual-files.md shows
 * what is in them.
 */
#pragma once

#include "virt/context.h"

void *listing_status(struct instance *instance);
/* An array, sorted by uid and id, of the sessions that viewer may see. */
void *listing_sessions(struct instance *instance, uid_t viewer);
/* One session: what the array holds of it, and views (share -> path of its view). */
void *listing_session(struct instance *instance, uint32_t session);
/*
 * An array, sorted by path, of the held locks; `prefix` ("" all): host path or a directory of it.
 * Each is a lock_answer() whose `lock` also tells its `scope`: "lower", or "session".
 */
void *listing_locks(struct instance *instance, uid_t viewer, const char *prefix);
void *listing_whoami(struct instance *instance, pid_t tid, uid_t uid, gid_t gid);
/* A run; command and cwd only for its own uid and root. JSON null where it has ended. */
void *listing_run(struct instance *instance, uint32_t run, uid_t viewer);
/* An array of the runs that live in a session (0: in any), of the viewer's uid; root: all. */
void *listing_runs(struct instance *instance, uint32_t session, uid_t viewer);
