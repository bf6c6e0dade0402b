/* SPDX-License-Identifier: MIT */
/*
 * The tables of conformance cases, read from text files (*.cases).
 *
 *	# comment
 *	base [who=a,b] [origin=a,b]	begins the objects that the cases below find; the words are
 *					their defaults (who=root,user, origin=lower,copied,upper)
 *	given FIXTURE			one such object (fixture.h), for the cases that mention it;
 *					in a case: one more, for it alone
 *	case NAME [who=..] [origin=..] [spread] [VAR=a,b]...
 *	VERB WORD...			one call (verbs.h); $VAR stands for each value in turn
 *
 * A case with variables is one case for each combination: NAME,a,x NAME,a,y, ... In a value "_"
 * is empty and "+" a space. With
 * "spread" each of them is played by one person over one origin only, unless CONFORM_FULL is set.
 */
#pragma once

#include <stddef.h>

enum origin { ORIGIN_LOWER, ORIGIN_COPIED, ORIGIN_UPPER, N_ORIGINS };

extern const char *const origin_names[N_ORIGINS];

#define LINES_MAX 48

struct conform_case {
	char *name; /* family/NAME; the family is the file's name */
	char *given[LINES_MAX];
	size_t n_given;
	char *line[LINES_MAX];
	size_t n_lines;
	unsigned who;    /* bits, by enum person_name */
	unsigned origin; /* bits, by enum origin */
};

struct table {
	struct conform_case *cases;
	size_t n;
};

/* Adds the cases of a file. Ends the program with file and line where it is malformed. */
void table_read(struct table *table, const char *path);
