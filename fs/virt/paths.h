/* SPDX-License-Identifier: MIT */
/*
 * Where a session is in the mount.
 */
#pragma once

#include "virt/context.h"

/* Adds "/run/sessionfs/sessions/1000/build-1": the directory of a live session. */
void buf_add_session_path(struct buf *buf, const struct instance *instance, uint32_t session);
/* The same as a JSON text (json_t *, new reference). */
void *session_path_json(const struct instance *instance, uint32_t session);
