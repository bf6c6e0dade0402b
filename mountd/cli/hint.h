/* SPDX-License-Identifier: MIT */
/*
 * Commands that are suggested to the user ("sessionfs diff s-1"): who follows one must come to the
 * instance that he has asked, although he named it by --mountpoint in this call only.
 */
#pragma once

#include "base/buf.h"
#include "base/json.h"

/*
 * Adds text with " --mountpoint DIR" behind each `sessionfs VERB` in it, but for those of `mount`,
 * those that ask for help, and a text that names the mount point already. mountpoint as in struct
 * call: NULL adds the text as it is.
 */
void hint_add(struct buf *buf, const char *mountpoint, const char *text);
/* The same with the member `suggestion` of an error object, where there is one. NULL is no error. */
void hint_in_error(const char *mountpoint, json_t *error);
