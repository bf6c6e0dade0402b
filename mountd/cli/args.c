/* SPDX-License-Identifier: MIT */
#include "cli/args.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/nearest.h"

static const char *const formats[] = {"json", "table", NULL};

const struct option_spec args_global_options[] = {
	{"mountpoint", 0, OPTION_TEXT, "DIR",
	 "The instance; else $SESSIONFS_MOUNT, else /run/sessionfs", NULL, "/run/sessionfs"},
	{"json", 0, OPTION_FLAG, NULL, "Answer with one JSON envelope on stdout", NULL, NULL},
	{"output", 'o', OPTION_CHOICE, "FORMAT",
	 "json or table; the default is a table at a terminal, else json", formats, NULL},
	{"help", 'h', OPTION_FLAG, NULL, "Show help and exit", NULL, NULL},
	{"version", 0, OPTION_FLAG, NULL, "Show the version and exit", NULL, NULL},
	{"schema", 0, OPTION_FLAG, NULL, "Show all verbs as JSON and exit", NULL, NULL},
	{0},
};

/* The state of one parse. */
struct parser {
	int argc;
	char **argv;
	int next;
	struct args *args;
	struct err *err;
	bool failed;
};

static const char *parser_verb_name(const struct parser *parser)
{
	return parser->args->verb ? parser->args->verb->name : NULL;
}

/* Keeps the first mistake only. `suggestion` may be NULL. */
static void parser_fail(struct parser *parser, const char *message, const char *suggestion)
{
	if (parser->failed)
		return;
	parser->failed = true;
	err_set(parser->err, ERR_VALIDATION_ERROR, "%s", message);
	if (suggestion)
		err_suggest(parser->err, "%s", suggestion);
}

static void parser_fail_option(struct parser *parser, const char *option, const char *what,
			       const char *given)
{
	_cleanup_buf_ struct buf text = {0};

	buf_add_format(&text, "%s %s", option, what);
	if (given) {
		buf_add_str(&text, ", not ");
		buf_add_shell_quoted(&text, given);
	}
	parser_fail(parser, buf_failed(&text) ? "out of memory" : text.data, NULL);
}

static void parser_suggest_help(struct parser *parser, const char *message)
{
	_cleanup_buf_ struct buf hint = {0};
	const char *verb = parser_verb_name(parser);

	buf_add_format(&hint, "See: sessionfs %s%s--help", verb ? verb : "", verb ? " " : "");
	parser_fail(parser, message, hint.data);
}

static const struct option_spec *table_find(const struct option_spec *table, const char *name,
					    size_t name_len, char letter)
{
	for (const struct option_spec *spec = table; spec && spec->name; spec++) {
		if (letter ? spec->letter == letter
			   : strlen(spec->name) == name_len && !memcmp(spec->name, name, name_len))
			return spec;
	}
	return NULL;
}

static const struct option_spec *spec_find(const struct verb *verb, const char *name,
					   size_t name_len, char letter)
{
	const struct option_spec *spec = NULL;

	if (verb)
		spec = table_find(verb->options, name, name_len, letter);
	return spec ? spec : table_find(args_global_options, name, name_len, letter);
}

const struct option_spec *args_option_find(const struct verb *verb, const char *name)
{
	return spec_find(verb, name, strlen(name), 0);
}

static void parser_unknown_option(struct parser *parser, const char *word)
{
	_cleanup_buf_ struct buf message = {0}, hint = {0};
	_cleanup_free_ char *name = strndup(word + 2, strcspn(word + 2, "="));
	struct nearest nearest = nearest_begin(name ? name : "");
	const struct verb *verb = parser->args->verb;

	for (const struct option_spec *o = verb ? verb->options : NULL; o && o->name; o++)
		nearest_consider(&nearest, o->name);
	for (const struct option_spec *o = args_global_options; o->name; o++)
		nearest_consider(&nearest, o->name);
	buf_add_str(&message, "unknown option ");
	buf_add_shell_quoted(&message, word);
	if (verb)
		buf_add_format(&message, " of `sessionfs %s`", verb->name);
	if (!nearest.best) {
		parser_suggest_help(parser, message.data);
		return;
	}
	buf_add_format(&hint, "Did you mean --%s?", nearest.best);
	parser_fail(parser, message.data, hint.data);
}

static void parser_unknown_verb(struct parser *parser, const char *word)
{
	_cleanup_buf_ struct buf message = {0}, hint = {0};
	struct nearest nearest = nearest_begin(word);

	for (size_t i = 0; verbs[i]; i++)
		nearest_consider(&nearest, verbs[i]->name);
	buf_add_str(&message, "unknown verb ");
	buf_add_shell_quoted(&message, word);
	if (nearest.best)
		buf_add_format(&hint, "Did you mean `sessionfs %s`? All verbs: sessionfs --help",
			       nearest.best);
	else
		buf_add_str(&hint, "All verbs: sessionfs --help");
	parser_fail(parser, message.data, hint.data);
}

static bool is_integer(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || text[digits])
		return false;
	errno = 0;
	strtoll(text, NULL, 10);
	return errno == 0;
}

static bool is_choice(const struct option_spec *spec, const char *value)
{
	for (size_t i = 0; spec->choices[i]; i++) {
		if (strcmp(spec->choices[i], value) == 0)
			return true;
	}
	return false;
}

static void parser_fail_choice(struct parser *parser, const struct option_spec *spec,
			       const char *option, const char *value)
{
	_cleanup_buf_ struct buf what = {0};

	buf_add_str(&what, "takes ");
	for (size_t i = 0; spec->choices[i]; i++) {
		const char *separator = i == 0 ? "" : spec->choices[i + 1] ? ", " : " or ";

		buf_add_format(&what, "%s%s", separator, spec->choices[i]);
	}
	parser_fail_option(parser, option, what.data, value);
}

static void parser_check_value(struct parser *parser, const struct option_spec *spec,
			       const char *option, const char *value)
{
	uint64_t duration_ns;

	switch (spec->kind) {
	case OPTION_INTEGER:
		if (!is_integer(value))
			parser_fail_option(parser, option, "takes a whole number", value);
		break;
	case OPTION_DURATION:
		if (clock_parse_duration(value, &duration_ns) < 0)
			parser_fail_option(parser, option,
					   "takes a duration such as 500ms, 30s or 2m", value);
		break;
	case OPTION_CHOICE:
	case OPTION_FLAG_CHOICE:
		if (!is_choice(spec, value))
			parser_fail_choice(parser, spec, option, value);
		break;
	case OPTION_TEXT:
	case OPTION_LIST:
		if (!value[0])
			parser_fail_option(parser, option, "takes a value that is not empty", NULL);
		break;
	case OPTION_FLAG:
		break;
	}
}

/* `attached` is the value in the same word, NULL where there is none. */
static void parser_take(struct parser *parser, const struct option_spec *spec, const char *option,
			const char *attached)
{
	struct args *args = parser->args;
	const char *value = attached;

	if (spec->kind == OPTION_FLAG && attached) {
		parser_fail_option(parser, option, "takes no value", NULL);
		return;
	}
	if (spec->kind != OPTION_FLAG && spec->kind != OPTION_FLAG_CHOICE && !value) {
		const char *word = parser->next < parser->argc ? parser->argv[parser->next] : NULL;

		/* An option where a value should be is a forgotten value; "=" can say it is not. */
		if (!word || strncmp(word, "--", 2) == 0) {
			parser_fail_option(parser, option, "needs a value", NULL);
			return;
		}
		parser->next++;
		value = word;
	}
	if (value)
		parser_check_value(parser, spec, option, value);
	args->items[args->n_items++] = (struct args_item){.spec = spec, .value = value};
}

static void parser_long_option(struct parser *parser, const char *word)
{
	size_t name_len = strcspn(word + 2, "=");
	const struct option_spec *spec;
	_cleanup_free_ char *option = NULL;
	const char *attached = word[2 + name_len] ? word + 2 + name_len + 1 : NULL;

	spec = spec_find(parser->args->verb, word + 2, name_len, 0);
	if (!spec) {
		parser_unknown_option(parser, word);
		return;
	}
	option = strndup(word, name_len + 2);
	parser_take(parser, spec, option ? option : "option", attached);
}

static void parser_letters(struct parser *parser, const char *word)
{
	for (const char *at = word + 1; *at; at++) {
		const struct option_spec *spec = spec_find(parser->args->verb, NULL, 0, *at);
		char option[3] = {'-', *at, 0};
		bool takes_value;

		if (!spec) {
			_cleanup_buf_ struct buf message = {0};

			buf_add_str(&message, "unknown option ");
			buf_add_shell_quoted(&message, word);
			parser_suggest_help(parser, message.data);
			return;
		}
		takes_value = spec->kind != OPTION_FLAG && spec->kind != OPTION_FLAG_CHOICE;
		parser_take(parser, spec, option, takes_value && at[1] ? at + 1 : NULL);
		if (takes_value)
			return;
	}
}

static void parser_operand(struct parser *parser, char *word)
{
	struct args *args = parser->args;

	if (args->verb) {
		args->operands[args->n_operands++] = word;
		return;
	}
	/* No verb of its own: what follows is the verb that is asked about. */
	if (strcmp(word, "help") == 0) {
		args->items[args->n_items++] =
			(struct args_item){.spec = args_option_find(NULL, word)};
		return;
	}
	args->verb = verb_find(word);
	if (!args->verb)
		parser_unknown_verb(parser, word);
}

static void parser_run(struct parser *parser)
{
	struct args *args = parser->args;
	bool options_end = false;

	while (parser->next < parser->argc) {
		char *word = parser->argv[parser->next++];

		if (options_end || word[0] != '-' || !word[1])
			parser_operand(parser, word);
		else if (strcmp(word, "--") == 0 && args->verb)
			options_end = true;
		else if (word[1] == '-')
			parser_long_option(parser, word);
		else
			parser_letters(parser, word);
		/* What follows an unknown verb cannot be told apart. */
		if (parser->failed && !args->verb && word[0] != '-')
			return;
		if (args->verb && args->verb->command_follows &&
		    args->n_operands > args->verb->command_operand)
			options_end = true;
	}
}

static void parser_check_operands(struct parser *parser)
{
	const struct args *args = parser->args;
	_cleanup_buf_ struct buf message = {0};

	if (!args->verb || args_given(args, "help") || args_given(args, "version") ||
	    args_given(args, "schema"))
		return;
	if (args->n_operands < args->verb->min_operands) {
		buf_add_format(&message, "`sessionfs %s` needs %s", args->verb->name,
			       args->verb->usage);
		parser_suggest_help(parser, message.data);
	} else if (args->n_operands > args->verb->max_operands) {
		buf_add_format(&message, "`sessionfs %s` does not take ", args->verb->name);
		buf_add_shell_quoted(&message, args->operands[args->verb->max_operands]);
		parser_suggest_help(parser, message.data);
	}
}

int args_parse(int argc, char **argv, struct args *ret_args, struct err *err)
{
	struct parser parser = {
		.argc = argc, .argv = argv, .next = 1, .args = ret_args, .err = err};
	size_t room = (size_t)(argc > 0 ? argc : 1);
	size_t letters = 0;

	/* Letters share a word: "-hh" holds two options. */
	for (int i = 1; i < argc; i++)
		letters += argv[i][0] == '-' ? strlen(argv[i]) : 0;
	*ret_args = (struct args){0};
	ret_args->items = calloc(room + letters, sizeof(*ret_args->items));
	ret_args->operands = calloc(room + 1, sizeof(*ret_args->operands));
	if (!ret_args->items || !ret_args->operands)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	parser_run(&parser);
	parser_check_operands(&parser);
	return parser.failed ? -1 : 0;
}

void args_release(struct args *args)
{
	free(args->items);
	free(args->operands);
	*args = (struct args){0};
}
