/* SPDX-License-Identifier: MIT */
/*
 * Command lines without their secrets, as far as the look of an argument tells. Pure.
 *
 * Hidden are: the value of a name that contains `pass`, `secret`, `token`, `key`, `credential`,
 * `authoriz` or `pwd` (as --name VALUE, --name=VALUE, NAME=VALUE, name: VALUE, "name": "VALUE", also inside an
 * argument); the password in a URL and in -u USER:PASSWORD; what bears the mark of a known kind of
 * token (AKIA..., ghp_..., sk-..., JWT and others); private keys in PEM. Rather too much than too
 * little: an innocent argument that is hidden costs nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

#define REDACTED "[redacted]"

/* What one argument says of the next. Zero-initialised before the first. */
struct redact_state {
	bool started;
	bool hide_next;     /* the value of --password */
	bool user_next;     /* -u USER:PASSWORD */
	bool short_is_pass; /* a program whose -p takes a password */
};

/* Appends the argument as it may be shown; arguments in order, argv[0] first. */
void redact_argument(struct redact_state *state, const char *argument, struct buf *ret_buf);
