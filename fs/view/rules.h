/* SPDX-License-Identifier: MIT */
/*
 * Path rules: which class a path of a share is in (SPEC section 4). Pure; made once at the start,
 * read by many threads without a lock.
 *
 * One ordered list decides: the defaults, then the share's `lock` globs, then its `merge` globs,
 * each in the order given; the last that matches wins. '!' takes paths out of the class whose list
 * it stands in: "!a" among the lock globs makes `a` no lock, "!a" among the merge globs leaves `a`
 * to what the lock globs say.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/config.h"

enum path_class { CLASS_PRIVATE, CLASS_LOCK, CLASS_MERGE, CLASS_SHARED };

struct rules;

/* Defaults for the share, then its own globs. Returns 0 or -ENOMEM. */
int rules_new(const struct share_config *share, struct rules **ret_rules);
void rules_free(struct rules *rules);

/*
 * The class by name alone where that decides; -1 where the relative path is needed (call
 * rules_class then). Nearly every name is decided here.
 */
int rules_class_by_name(const struct rules *rules, const char *name);
/* The class of a path relative to the share; not of what lies below a lock directory. */
enum path_class rules_class(const struct rules *rules, const char *relative_path);
/* "private", "lock", "merge", "shared". */
const char *path_class_name(enum path_class path_class);
