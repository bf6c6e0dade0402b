/* SPDX-License-Identifier: MIT */
/*
 * The mount namespace of a run.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/*
 * Moves the calling process into a new mount namespace, whose mounts follow the host's but not the
 * other way round (slave propagation). With CAP_SYS_ADMIN directly, otherwise by way of a user
 * namespace in which the caller's uid and gid keep their numbers; *ret_user_namespace tells which.
 *
 * The process must have one thread. Errors: PERMISSION_DENIED where the system forbids user
 * namespaces (with what to change), PRECONDITION_FAILED where the mounts cannot be detached from
 * the host's (a chroot).
 */
int namespace_enter(bool *ret_user_namespace, struct err *err);
