/* SPDX-License-Identifier: MIT */
/*
 * --help, made from the verb tables: text on stdout, whatever stdout is.
 */
#pragma once

#include "cli/verb.h"

/* The overview of all verbs. */
void help_print_all(void);
/* Usage, description, options, exit codes and examples of one verb. */
void help_print_verb(const struct verb *verb);
/* One line on what an exit code means, as for the manifest. */
const char *help_exit_code(enum exit_code code);
