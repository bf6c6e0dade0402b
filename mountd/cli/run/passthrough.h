/* SPDX-License-Identifier: MIT */
/*
 * Host sockets inside a view (SPEC section 4): sockets, FIFOs and directories at the top of a share
 * whose names match its passthrough globs, and the sockets that SSH_AUTH_SOCK, TMUX and *_SOCK
 * name. What cannot be bound is passed over: nothing of a run depends on it being there.
 */
#pragma once

#include "base/json.h"
#include "cli/run/binds.h"

/* Adds the binds of one share (an object of run.begin's answer). */
void passthrough_add_share(const json_t *share, struct binds *binds);
/* Adds the sockets that the environment names below any of the shares. */
void passthrough_add_environment(const json_t *shares, struct binds *binds);

/*
 * The socket path that an environment entry "NAME=value" names, NULL where it names none. The
 * result is allocated. Pure.
 */
char *passthrough_socket_of(const char *entry);
