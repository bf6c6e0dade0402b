/* SPDX-License-Identifier: MIT */
/*
 * Path rules: which class a path of a share is in (SPEC section 4). Pure; made once at the start.
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
const char *path_class_name(enum path_class path_class);
