/* SPDX-License-Identifier: MIT */
/*
 * --schema: the manifest of all verbs (the CLI Agent Spec's manifest-response), made from the verb
 * tables.
 */
#pragma once

#include "base/json.h"

/* A new reference. */
json_t *schema_manifest(void);
