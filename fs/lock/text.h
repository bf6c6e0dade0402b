/* SPDX-License-Identifier: MIT */
/*
 * Text of other people: the pid that a lock names, and what may be shown on a terminal. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * The pid that a lock's text names, 0 where it names none: a decimal number with white space
 * around it, alone or as the first of several lines; in a symlink's target also `user@host.pid`
 * (and `user@host.pid:boot`) or `host-pid`, where host is this one. Numbers that no Linux
 * process can have are no pids.
 */
pid_t text_pid(const char *text, size_t len, bool is_symlink, const char *host);

/*
 * Appends str with what acts on a terminal replaced by '?': C0 and C1 controls, DEL, and the
 * characters that hide or reorder text.
 */
void text_sanitise(const char *str, struct buf *ret_buf);
