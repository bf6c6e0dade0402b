/* SPDX-License-Identifier: MIT */
#include "cli/args.h"

#include <criterion/criterion.h>
#include <string.h>

#define WORDS_MAX 16
#define WORD_SIZE 512

static struct args args;
static struct err err;

/* Parses "sessionfs" and the words given. */
static int parse(const char *const *words)
{
	static char program[] = "sessionfs";
	static char *argv[WORDS_MAX + 2] = {program};
	static char copies[WORDS_MAX][WORD_SIZE];
	int argc = 1;

	args_release(&args);
	err = (struct err){0};
	for (; words[argc - 1]; argc++) {
		strcpy(copies[argc], words[argc - 1]);
		argv[argc] = copies[argc];
	}
	argv[argc] = NULL;
	return args_parse(argc, argv, &args, &err);
}

static void release(void)
{
	args_release(&args);
}

TestSuite(args, .fini = release);

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void refused(int r, const char *message, const char *suggestion)
{
	cr_assert_eq(r, -1);
	cr_assert_eq(err.code, ERR_VALIDATION_ERROR);
	cr_assert(strstr(err.message, message), "\"%s\" lacks \"%s\"", err.message, message);
	cr_assert(strstr(err.suggestion, suggestion), "\"%s\" lacks \"%s\"", err.suggestion,
		  suggestion);
}

Test(args, values_follow_an_equals_sign_or_come_as_the_next_word)
{
	cr_assert_eq(PARSE("run", "--session=a", "true"), 0);
	cr_assert_str_eq(args_text(&args, "session"), "a");
	cr_assert_eq(PARSE("run", "--session", "b", "true"), 0);
	cr_assert_str_eq(args_text(&args, "session"), "b");
	cr_assert_eq(PARSE("run", "--session=a", "--session=b=c", "true"), 0);
	cr_assert_str_eq(args_text(&args, "session"), "b=c");
}

Test(args, a_letter_takes_its_value_attached_or_next)
{
	cr_assert_eq(PARSE("ls", "-ojson"), 0);
	cr_assert_str_eq(args_text(&args, "output"), "json");
	cr_assert_eq(PARSE("ls", "-o", "table"), 0);
	cr_assert_str_eq(args_text(&args, "output"), "table");
	refused(PARSE("ls", "-x"), "unknown option -x", "sessionfs ls --help");
	refused(PARSE("ls", "-o"), "-o needs a value", "");
}

Test(args, many_letters_in_one_word_fit)
{
	char word[300] = "-";

	memset(word + 1, 'h', 298);
	cr_assert_eq(PARSE("ls", word), 0);
	cr_assert(args_given(&args, "help"));
	cr_assert_eq(args.n_items, 298);
}

Test(args, global_options_stand_before_or_after_the_verb)
{
	cr_assert_eq(PARSE("--mountpoint", "/m", "--json", "ls"), 0);
	cr_assert_str_eq(args_text(&args, "mountpoint"), "/m");
	cr_assert(args_given(&args, "json"));
	cr_assert_eq(PARSE("ls", "--mountpoint=/m"), 0);
	cr_assert_str_eq(args_text(&args, "mountpoint"), "/m");
	cr_assert_not(args_given(&args, "json"));
}

Test(args, options_of_the_command_are_left_to_it)
{
	cr_assert_eq(PARSE("run", "--json", "tool", "--json", "--bogus", "--", "-x"), 0);
	cr_assert_eq(args_operand_count(&args), 5);
	cr_assert_str_eq(args_operand(&args, 1), "--json");
	cr_assert_str_eq(args_operand(&args, 3), "--");
	cr_assert_null(args_operands(&args)[5]);
	cr_assert_eq(PARSE("run", "--", "--tool"), 0);
	cr_assert_str_eq(args_operand(&args, 0), "--tool");
}

Test(args, enter_takes_options_around_its_session_and_none_after_the_command)
{
	cr_assert_eq(PARSE("enter", "s", "--json", "--", "ls", "-l"), 0);
	cr_assert(args_given(&args, "json"));
	cr_assert_eq(args_operand_count(&args), 3);
	cr_assert_str_eq(args_operand(&args, 2), "-l");
	cr_assert_eq(PARSE("enter", "s", "ls", "-l"), 0);
	cr_assert_eq(args_operand_count(&args), 3);
}

Test(args, a_flag_that_may_carry_a_choice_never_takes_the_next_word)
{
	cr_assert_eq(PARSE("run", "--json", "always"), 0);
	cr_assert(args_given(&args, "json"));
	cr_assert_null(args_text(&args, "json"));
	cr_assert_str_eq(args_operand(&args, 0), "always");
	cr_assert_eq(PARSE("run", "--json=on-error", "true"), 0);
	cr_assert_str_eq(args_text(&args, "json"), "on-error");
	refused(PARSE("run", "--json=yes", "true"), "--json takes always or on-error, not yes", "");
}

Test(args, mistyped_options_are_answered_with_the_nearest)
{
	refused(PARSE("run", "--sesion", "x", "true"), "unknown option --sesion of `sessionfs run`",
		"Did you mean --session?");
	refused(PARSE("ls", "--jsno"), "unknown option --jsno", "--json");
	refused(PARSE("ls", "--mount"), "unknown option --mount", "--mountpoint");
	refused(PARSE("ls", "--zzzzzzzz"), "unknown option --zzzzzzzz", "sessionfs ls --help");
	refused(PARSE("ls", "--jsn;rm x"), "unknown option '--jsn;rm x'", "--help");
}

Test(args, mistyped_verbs_are_answered_with_the_nearest)
{
	refused(PARSE("staus"), "unknown verb staus", "sessionfs status");
	refused(PARSE("--json", "lss", "--follow"), "unknown verb lss", "sessionfs ls");
	cr_assert(args_given(&args, "json"));
	refused(PARSE("xyzzyx"), "unknown verb xyzzyx", "sessionfs --help");
}

Test(args, values_are_checked_before_anything_is_done)
{
	refused(PARSE("run", "--retry", "-1", "true"), "--retry takes a whole number, not -1", "");
	refused(PARSE("run", "--retry=1x", "true"), "--retry takes a whole number", "");
	refused(PARSE("run", "--retry=99999999999999999999", "true"), "a whole number", "");
	refused(PARSE("run", "--timeout=soon", "true"), "--timeout takes a duration", "");
	refused(PARSE("run", "--timeout=-1s", "true"), "--timeout takes a duration", "");
	refused(PARSE("run", "--on-exit=publish", "true"),
		"--on-exit takes keep, reset or commit, not publish", "");
	refused(PARSE("run", "--session=", "true"), "--session takes a value that is not empty",
		"");
	refused(PARSE("ls", "--json=1"), "--json takes no value", "");
	refused(PARSE("ls", "--output=xml"), "--output takes json or table, not xml", "");
	cr_assert_eq(PARSE("run", "--retry=3", "--timeout=1.5s", "true"), 0);
	cr_assert_eq(args_integer(&args, "retry", 0), 3);
	cr_assert_eq(args_duration_ns(&args, "timeout", 0), 1500000000);
	cr_assert_eq(PARSE("run", "true"), 0);
	cr_assert_eq(args_integer(&args, "retry", 7), 7);
	cr_assert_eq(args_duration_ns(&args, "timeout", 9), 9);
}

Test(args, an_option_is_no_value_of_another)
{
	refused(PARSE("run", "--session", "--json", "true"), "--session needs a value", "");
	refused(PARSE("run", "--session"), "--session needs a value", "");
	cr_assert_eq(PARSE("run", "--report=--x", "true"), 0);
	cr_assert_str_eq(args_text(&args, "report"), "--x");
}

Test(args, operands_are_counted)
{
	refused(PARSE("show"), "`sessionfs show` needs SESSION", "sessionfs show --help");
	refused(PARSE("show", "a", "b c"), "does not take 'b c'", "sessionfs show --help");
	refused(PARSE("run"), "`sessionfs run` needs", "sessionfs run --help");
	refused(PARSE("ls", "--", "-x"), "does not take -x", "");
	cr_assert_eq(PARSE("show", "--help"), 0);
	cr_assert_eq(PARSE("rm", "a", "b", "c"), 0);
	cr_assert_eq(args_operand_count(&args), 3);
	cr_assert_null(args_operand(&args, 3));
}

Test(args, the_first_mistake_is_named_and_what_parsed_is_kept)
{
	refused(PARSE("run", "--bogus-one", "--json", "--retry=x", "true"), "--bogus-one", "");
	cr_assert(args_given(&args, "json"));
	cr_assert_str_eq(args.verb->name, "run");
}

Test(args, repeated_options_come_in_order)
{
	size_t cursor = 0;

	cr_assert_eq(PARSE("mount", "--share", "/a", "--store=/s", "--share=/b"), 0);
	cr_assert_str_eq(args_next(&args, "share", &cursor), "/a");
	cr_assert_str_eq(args_next(&args, "share", &cursor), "/b");
	cr_assert_null(args_next(&args, "share", &cursor));
}

Test(args, nothing_at_all_is_no_mistake)
{
	cr_assert_eq(parse((const char *const[]){NULL}), 0);
	cr_assert_null(args.verb);
}

Test(args, every_verb_describes_itself)
{
	for (size_t i = 0; verbs[i]; i++) {
		const struct verb *verb = verbs[i];

		cr_assert(verb->name && verb->summary && verb->usage, "%zu", i);
		cr_assert_neq(!verb->own, !verb->act, "%s acts in one way", verb->name);
		cr_assert_leq(verb->min_operands, verb->max_operands, "%s", verb->name);
		cr_assert_eq(verb_find(verb->name), verb);
		for (const struct option_spec *o = verb->options; o && o->name; o++) {
			bool choice = o->kind == OPTION_CHOICE || o->kind == OPTION_FLAG_CHOICE;

			cr_assert(o->help, "%s --%s", verb->name, o->name);
			cr_assert_eq(!o->value, o->kind == OPTION_FLAG, "%s --%s", verb->name,
				     o->name);
			cr_assert_eq(!o->choices, !choice, "%s --%s", verb->name, o->name);
		}
	}
}
