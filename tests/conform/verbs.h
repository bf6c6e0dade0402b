/* SPDX-License-Identifier: MIT */
/*
 * The verbs of the cases: each is one system call, or a few, and says what it gave. A verb is a
 * line in the table of its family, and a function. The words of its line are its arguments, without
 * the verb itself; those that are left out are NULL.
 */
#pragma once

#include <stddef.h>

#include "words.h"
#include "world.h"

struct verb {
	const char *name;
	unsigned min, max; /* number of arguments */
	void (*run)(struct world *world, char **arg);
};

/* Each ends with a NULL name. */
extern const struct verb verbs_open[];
extern const struct verb verbs_data[];
extern const struct verb verbs_name[];
extern const struct verb verbs_attr[];
extern const struct verb verbs_xattr[];
extern const struct verb verbs_dir[];
extern const struct verb verbs_lock[];
extern const struct verb verbs_map[];
extern const struct verb verbs_process[];
extern const struct verb verbs_event[];
