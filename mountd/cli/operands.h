/* SPDX-License-Identifier: MIT */
/*
 * Operands that several verbs take, checked before anything is asked of the daemon.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"

/*
 * Whether text names a session: ID, or UID/ID (for root). `what` says where it stands ("SESSION",
 * "--session", "$AGENT_SESSION_ID"). Returns 0, or -1 with VALIDATION_ERROR.
 */
int operand_check_session(const char *text, const char *what, struct err *err);

/*
 * A host path as the daemon knows it: absolute, normalised, symbolic links of the parent
 * directories resolved where they exist; the last component is taken as it is. Returns a new
 * string, or NULL with VALIDATION_ERROR.
 */
char *operand_path(const char *text, struct err *err);

struct args;
/*
 * All operands from `first` on as such paths, in the request's member "paths", which is absent where
 * there are none; in "paths_b64" too where one is not UTF-8. 0, or -1 with err.
 */
int operand_paths(const struct args *args, size_t first, json_t *request, struct err *err);
