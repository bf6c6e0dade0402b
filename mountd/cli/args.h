/* SPDX-License-Identifier: MIT */
/*
 * The one parser of command lines, driven by the verbs' option tables. Pure: it prints nothing and
 * touches nothing.
 *
 *	sessionfs [OPTION...] VERB [OPTION...] [OPERAND...] [-- OPERAND...]
 *
 * Long options take their value after '=' or as the next word; letters as "-ojson" or "-o json".
 * Global options may stand before or after the verb. Options and operands may be mixed, except
 * for a verb with command_follows: there the first operand ends the options. `help` before a verb,
 * or without one, is --help.
 */
#pragma once

#include "base/err.h"
#include "cli/verb.h"

struct args_item {
	const struct option_spec *spec;
	const char *value; /* NULL: a flag */
};

struct args {
	const struct verb *verb; /* NULL: none was named */
	struct args_item *items;
	size_t n_items;
	char **operands; /* NULL-terminated */
	size_t n_operands;
};

/* Options that every verb takes. A verb's own option of the same name goes first. */
extern const struct option_spec args_global_options[];

/*
 * Parses argv (argv[0] is skipped). Values are borrowed from argv. On failure returns -1 with a
 * VALIDATION_ERROR about the first mistake; what could be made out is in ret_args all the same
 * (was --json among it?). Counts of operands are checked too. Release in either case.
 */
int args_parse(int argc, char **argv, struct args *ret_args, struct err *err);
void args_release(struct args *args);

/* The option of that name that `verb` (may be NULL) takes, NULL where there is none. */
const struct option_spec *args_option_find(const struct verb *verb, const char *name);
