/* SPDX-License-Identifier: MIT */
/*
 * Into the background, and what a daemon must not keep of its starter.
 */
#pragma once

#include "base/err.h"

/* Closes every fd above stderr but `keep` (-1: none): a starter may wait for their end. */
void detach_close_fds(int keep);

/*
 * Goes on in a child with a session of its own. The parent does not return: with ready_fd >= 0 it
 * exits 0 at once; else it waits for what the child says through *ret_fd (a pipe made here),
 * prints an error line where it is one, and exits with its status. Returns 0 in the child, or -1.
 */
int detach_fork(int *ready_fd, struct err *err);

/* stdin from /dev/null, stdout and stderr appended to the file (0600, made). Returns 0 or -1. */
int detach_stdio(const char *log_path, struct err *err);
