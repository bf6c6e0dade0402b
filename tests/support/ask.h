/* SPDX-License-Identifier: MIT */
/*
 * Conversations with the control file of the test's instance, without a mount.
 */
#pragma once

#include "ctl/ctl.h"
#include "support/instance.h"

/* Asks on an open conversation, and checks that the answer is an envelope. A new reference. */
json_t *ask_on(struct ctl *ctl, pid_t tid, uid_t uid, const char *request);
/* The same on a conversation of its own, as a process that is not further known. */
json_t *ask(uid_t uid, const char *request);

/* The value at "data.changes.0.path" of JSON; NULL where there is none. Borrowed. */
const json_t *at(const json_t *json, const char *path);
const char *text_at(const json_t *json, const char *path);
/* error.code, "" on success. */
const char *code_of(const json_t *envelope);
