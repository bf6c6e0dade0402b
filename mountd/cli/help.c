/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/args.h"

/* Columns of the left part of an option's or a verb's line. */
#define OPTION_COLUMN 30
#define VERB_COLUMN 10

const char *help_exit_code(enum exit_code code)
{
	switch (code) {
	case EXIT_CODE_OK:
		return "Done as asked.";
	case EXIT_CODE_OTHER:
		return "Failed for a reason without a code of its own.";
	case EXIT_CODE_VALIDATION:
		return "The arguments are wrong; nothing was done.";
	case EXIT_CODE_PARTIAL:
		return "Only a part was done.";
	case EXIT_CODE_PRECONDITION:
		return "Something stands in the way: a held lock, a live run, a limit.";
	case EXIT_CODE_NOT_FOUND:
		return "There is no such session, lock or path.";
	case EXIT_CODE_CONFLICT:
		return "Somebody else changed the same thing.";
	case EXIT_CODE_PERMISSION:
		return "The caller may not do this.";
	case EXIT_CODE_TIMEOUT:
		return "The time given ran out.";
	case EXIT_CODE_UNAVAILABLE:
		return "No sessionfs is mounted there, or it does not answer.";
	}
	return "";
}

static void put_option(const struct option_spec *spec)
{
	_cleanup_buf_ struct buf left = {0};
	int padding;

	if (spec->letter)
		buf_add_format(&left, "  -%c, ", spec->letter);
	else
		buf_add_str(&left, "      ");
	buf_add_format(&left, "--%s", spec->name);
	if (spec->kind == OPTION_FLAG_CHOICE)
		buf_add_format(&left, "[=%s]", spec->value);
	else if (spec->value)
		buf_add_format(&left, " %s", spec->value);
	if (buf_failed(&left))
		return;
	padding = left.len + 1 < OPTION_COLUMN ? OPTION_COLUMN - (int)left.len : 1;
	printf("%s%*s%s", left.data, padding, "", spec->help);
	if (spec->fallback && !strstr(spec->help, spec->fallback))
		printf(" (default %s)", spec->fallback);
	putchar('\n');
}

static bool is_own_option(const struct verb *verb, const char *name)
{
	for (const struct option_spec *o = verb->options; o && o->name; o++) {
		if (strcmp(o->name, name) == 0)
			return true;
	}
	return false;
}

/* --version and --schema belong to the whole program. */
static bool is_program_option(const char *name)
{
	return strcmp(name, "version") == 0 || strcmp(name, "schema") == 0;
}

void help_print_all(void)
{
	puts("sessionfs: programs run in parallel, each with a private view of shared directories\n\n"
	     "Usage: sessionfs VERB [OPTION...] [ARGUMENT...]\n\nVerbs:");
	for (size_t i = 0; verbs[i]; i++)
		printf("  %-*s%s\n", VERB_COLUMN, verbs[i]->name, verbs[i]->summary);
	puts("\nOptions of every verb:");
	for (const struct option_spec *o = args_global_options; o->name; o++)
		put_option(o);
	puts("\nMore: sessionfs VERB --help, sessionfs help VERB\n"
	     "First steps: sessionfs mount; sessionfs run -- COMMAND");
}

static void put_exit_codes(const struct verb *verb)
{
	puts("\nExit status:");
	for (int code = 0; code < 32; code++) {
		bool listed = code <= EXIT_CODE_VALIDATION || (verb->exits & (1u << code));

		if (listed)
			printf("  %-4d%s\n", code, help_exit_code((enum exit_code)code));
	}
	if (verb->command_follows)
		puts("  126 COMMAND cannot be executed; 127 it is not found; 128+N signal N ended "
		     "it;\n      otherwise that of COMMAND");
}

void help_print_verb(const struct verb *verb)
{
	printf("sessionfs %s: %s\n\nUsage: sessionfs %s%s%s%s\n", verb->name, verb->summary,
	       verb->name, verb->options ? " [OPTION...]" : "", verb->usage[0] ? " " : "",
	       verb->usage);
	if (verb->description)
		printf("\n%s\n", verb->description);
	puts("\nOptions:");
	for (const struct option_spec *o = verb->options; o && o->name; o++)
		put_option(o);
	for (const struct option_spec *o = args_global_options; o->name; o++) {
		if (!is_own_option(verb, o->name) && !is_program_option(o->name))
			put_option(o);
	}
	put_exit_codes(verb);
	if (!verb->examples)
		return;
	puts("\nExamples:");
	for (const struct verb_example *e = verb->examples; e->description; e++)
		printf("  %s\n      # %s\n", e->command, e->description);
}
