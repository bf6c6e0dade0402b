/* SPDX-License-Identifier: MIT */
/*
 * Other processes that take part in a case: a line that begins with one's name is done by it.
 *
 *	other	another process of the same user
 *	root	a process of root
 *	stranger	a process of a user to whom nothing belongs
 *
 *	other VERB ...		waits for what it gives
 *	other& VERB ...		does not; "blocked other" is said when it hangs in the call
 *	await other		waits for that
 */
#pragma once

#include <stdbool.h>

#include "table.h"
#include "world.h"

/* Does a case name any? */
bool helpers_named(const struct conform_case *c);
/* Starts those that a case names; the caller is still root. */
void helpers_start(const struct world *world, const struct conform_case *c);
/* True where the line was for a helper, or about one; what it gave is said. */
bool helper_do(struct world *world, const char *line);
