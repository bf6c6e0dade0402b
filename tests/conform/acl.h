/* SPDX-License-Identifier: MIT */
/* POSIX ACLs as the kernel's attributes have them. */
#pragma once

#include <stddef.h>

#include "world.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"
#define ACL_SIZE_MAX 256

/*
 * Encodes entries joined by commas: u::rwx u:NAME:rw- g::r-x g:NAME:r-- m::rwx o::---, NAME as for
 * word_owner(). Returns the size in bytes.
 */
size_t acl_encode(const struct world *world, const char *text, char data[ACL_SIZE_MAX]);
/* Says an attribute's entries in the same form. */
void acl_say(struct world *world, const char *data, size_t size);
