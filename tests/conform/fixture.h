/* SPDX-License-Identifier: MIT */
/*
 * The objects that a case finds. They are made by root, in the current directory, and bear TIME_MADE.
 *
 *	file NAME [MODE [OWNER [TEXT]]]		644, me, "hello"
 *	big NAME SIZE				no byte of it is 0
 *	holes NAME SIZE				data at both ends only
 *	dir NAME [MODE [OWNER]]			755, me
 *	symlink NAME TARGET
 *	hard NAME OLD
 *	fifo|socket NAME [MODE [OWNER]]
 *	char|block NAME MAJOR MINOR
 *	script NAME [MODE [OWNER]]		prints "ran"
 *	program NAME [MODE [OWNER]]		a binary: this program
 *	xattr NAME KEY VALUE
 *	acl NAME access|default ENTRIES		as the verb setacl
 *	mode NAME MODE				changes the mode of what was made
 */
#pragma once

#include "table.h"
#include "world.h"

/* Makes all of a case. */
void fixture_make(const struct world *world, const struct conform_case *c);
/* They are there, in a lower: has each copied up, and leaves it as it looked. */
void fixture_copy_up(const struct world *world, const struct conform_case *c);
