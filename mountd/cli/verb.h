/* SPDX-License-Identifier: MIT */
/*
 * A verb of the command line: `sessionfs VERB ...`.
 *
 * A verb is one file, verb_NAME.c, that defines `const struct verb verb_NAME`, and one line in
 * verbs.def. From that table come dispatch, the option parser, --help and --schema.
 *
 * An ordinary verb acts first and is shown after:
 *
 *	act()	does the work and fills the answer (or err); prints nothing;
 *	show()	prints answer->data for a person.
 *
 * main.c parses the command line, calls act(), and prints either the envelope (SPEC section 8) or
 * what show() makes of the data, and the error in the form that suits. A verb whose output is not
 * an envelope (run, enter, events --follow) sets own() instead and returns the exit status.
 *
 * Single-threaded. Strings in these tables are static.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"

/* Exit statuses of `run` beyond enum exit_code. */
enum exit_status {
	EXIT_STATUS_NOT_EXECUTABLE = 126,
	EXIT_STATUS_NOT_FOUND = 127,
	EXIT_STATUS_SIGNAL = 128, /* plus the signal's number */
};

enum option_kind {
	OPTION_FLAG,     /* --foreground */
	OPTION_TEXT,     /* --store DIR, --store=DIR; given twice, the last wins */
	OPTION_LIST,     /* may be repeated; see args_next() */
	OPTION_INTEGER,  /* decimal, 0 to INT64_MAX */
	OPTION_DURATION, /* as clock_parse_duration() */
	OPTION_CHOICE,   /* one of `choices` */
	/* A flag that may carry a choice, only with '=': --json, --json=always. */
	OPTION_FLAG_CHOICE,
};

struct option_spec {
	const char *name; /* without "--"; NULL ends the table */
	char letter;      /* "-o"; 0: none */
	enum option_kind kind;
	const char *value;          /* "DIR", for the help; NULL for flags */
	const char *help;           /* one line, no final stop */
	const char *const *choices; /* NULL-terminated; for the choice kinds */
	const char *fallback;       /* the default as text, for help and schema; NULL: none */
};

enum verb_danger { VERB_SAFE, VERB_MUTATING, VERB_DESTRUCTIVE };

struct verb_example {
	const char *description; /* NULL ends the table */
	const char *command;
};

struct args;
struct call;

/* What a verb found, in the envelope's parts. All references are owned; NULL is none. */
struct answer {
	json_t *data;     /* object or array */
	json_t *error;    /* object: the call failed with it (as the daemon said it, say) */
	json_t *warnings; /* array of strings */
	json_t *meta;     /* members that are added to the envelope's meta */
};

#define EXITS(code) (1u << EXIT_CODE_##code)

struct verb {
	const char *name;
	const char *summary;               /* one line, imperative, no final stop */
	const char *usage;                 /* what follows the name: "SESSION [PATH...]"; "" */
	const char *description;           /* paragraphs for --help, with newlines; NULL: none */
	const struct option_spec *options; /* besides the global ones; NULL: none */
	const struct verb_example *examples;
	unsigned int min_operands;
	unsigned int max_operands;    /* UINT_MAX: any number */
	bool command_follows;         /* the operands end in COMMAND [ARG...] (run, enter) */
	unsigned int command_operand; /* COMMAND's index: the options end with it */
	enum verb_danger danger;
	unsigned int exits; /* EXITS(NOT_FOUND) | ...: besides OK, OTHER and VALIDATION */

	/*
	 * Fills `answer` and returns 0 (answer->error set: the call failed), or sets err and
	 * returns -1. Prints nothing.
	 */
	int (*act)(struct call *call, struct answer *answer, struct err *err);
	/*
	 * Prints answer->data on stdout for a person, of a failure too where there is data beside
	 * the error. NULL: nothing is said on success.
	 */
	void (*show)(const struct call *call, const struct answer *answer);
	/* Instead of the two above: prints by itself, returns the exit status. */
	int (*own)(struct call *call);
	/* With own(): says what is wrong with the command line. NULL: main.c does. */
	int (*refuse)(struct call *call, const struct err *err);
};

/* One invocation, as parsed. */
struct call {
	const struct verb *verb;
	const struct args *args;
	/*
	 * The instance: --mountpoint, else SESSIONFS_MOUNT, else /run/sessionfs. Borrowed.
	 */
	const char *mountpoint;
	bool mountpoint_is_default; /* neither the option nor the variable was given */
	/* What hints have to say for others to come there (hint.h); NULL: nothing. Borrowed. */
	const char *mountpoint_hint;
	bool json;           /* print envelopes; show() is not called */
	bool colour;         /* stdout may be coloured */
	uint64_t started_ns; /* CLOCK_BOOTTIME */
};

/* Options and operands. Everything borrowed from argv. */

/* Whether an option was given. `name` must be in the verb's table or be global (asserted). */
bool args_given(const struct args *args, const char *name);
/* Its (last) text, NULL where it was not given, or is a flag without a value. */
const char *args_text(const struct args *args, const char *name);
/* Values as checked by the parser; `fallback` where not given. */
int64_t args_integer(const struct args *args, const char *name, int64_t fallback);
uint64_t args_duration_ns(const struct args *args, const char *name, uint64_t fallback_ns);
/* Iterates an option's values in order: start with *cursor 0; NULL at the end. */
const char *args_next(const struct args *args, const char *name, size_t *cursor);

size_t args_operand_count(const struct args *args);
/* The operand, or NULL beyond the last. The operands are NULL-terminated, as for execvp(). */
const char *args_operand(const struct args *args, size_t index);
char **args_operands(const struct args *args);

/* All verbs in the order of the help; NULL ends it. */
extern const struct verb *const verbs[];
/* The verb of that name, NULL where there is none. */
const struct verb *verb_find(const char *name);

#define VERB(name) extern const struct verb verb_##name;
#include "cli/verbs.def"
#undef VERB
