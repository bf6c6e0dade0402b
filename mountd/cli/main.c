/* SPDX-License-Identifier: MIT */
/* sessionfs: parse, let the verb act, print its answer in the form that suits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/stdio.h"
#include "cli/args.h"
#include "cli/help.h"
#include "cli/hint.h"
#include "cli/output.h"
#include "cli/schema.h"
#include "cli/text.h"
#include "cli/verb.h"

/* Buffered output is lost silently where the disk is full, unless somebody looks. */
static int flush_stdout(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "sessionfs: cannot write to stdout: %s\n", strerror(errno));
	return status ? status : EXIT_CODE_OTHER;
}

static void print_json(const json_t *json, bool pretty)
{
	_cleanup_buf_ struct buf text = {0};

	if (pretty)
		json_render_pretty(json, &text);
	else
		json_render_line(json, &text);
	if (!buf_failed(&text))
		fwrite(text.data, 1, text.len, stdout);
}

static void print_envelope(const struct call *call, struct answer *answer)
{
	_cleanup_json_ json_t *envelope = output_envelope_consume(answer, call->started_ns);

	print_json(envelope, output_traits().stdout_is_tty);
}

static void print_for_person(const struct call *call, const struct answer *answer)
{
	/* A failed answer may have data to show all the same: doctor's checks. */
	if (answer->data && call->verb && call->verb->show)
		call->verb->show(call, answer);
	fflush(stdout);
	output_print_warnings(answer->warnings);
	if (answer->error)
		output_print_error(answer->error);
}

/* Prints the answer, or err where `failed`. Takes the answer's parts. Returns the exit status. */
static int answer_finish(const struct call *call, struct answer *answer, bool failed,
			 const struct err *err)
{
	int status;

	if (failed) {
		json_decref(answer->data);
		json_decref(answer->error);
		answer->data = NULL;
		answer->error = output_error(err);
	}
	hint_in_error(call->mountpoint_hint, answer->error);
	status = output_exit_code(answer->error);
	if (call->json)
		print_envelope(call, answer);
	else
		print_for_person(call, answer);
	answer_release(answer);
	return flush_stdout(status);
}

static int print_unasked(const struct args *args)
{
	if (args_given(args, "schema")) {
		_cleanup_json_ json_t *manifest = schema_manifest();

		print_json(manifest, true);
	} else if (args_given(args, "version")) {
		puts("sessionfs " SESSIONFS_VERSION);
	} else if (args->verb) {
		help_print_verb(args->verb);
	} else {
		help_print_all();
	}
	return flush_stdout(EXIT_CODE_OK);
}

static bool wants_no_verb(const struct args *args)
{
	return !args->verb || args_given(args, "help") || args_given(args, "version") ||
	       args_given(args, "schema");
}

static void call_init(struct call *call, const struct args *args, uint64_t started_ns)
{
	const struct output_traits traits = output_traits();
	const char *environment = getenv("SESSIONFS_MOUNT");
	const char *option = args_text(args, "mountpoint");
	const char *usual;

	if (environment && !environment[0])
		environment = NULL;
	*call = (struct call){
		.verb = args->verb,
		.args = args,
		.mountpoint_is_default = !option && !environment,
		.json = output_is_json(&traits, args_text(args, "output"),
				       args_given(args, "json")),
		.colour = traits.stdout_is_tty && !traits.no_color,
		.started_ns = started_ns,
	};
	usual = environment ? environment : CONFIG_DEFAULT_MOUNTPOINT;
	call->mountpoint = option ? option : usual;
	call->mountpoint_hint = option && strcmp(option, usual) != 0 ? option : NULL;
}

static int refuse(struct call *call, const struct err *err)
{
	struct answer answer = {0};

	if (call->verb && call->verb->refuse)
		return call->verb->refuse(call, err);
	return answer_finish(call, &answer, true, err);
}

static int call_run(struct call *call)
{
	struct answer answer = {0};
	struct err err = {0};
	bool failed;

	if (call->verb->own)
		return call->verb->own(call);
	failed = call->verb->act(call, &answer, &err) < 0;
	return answer_finish(call, &answer, failed, &err);
}

int main(int argc, char **argv)
{
	uint64_t started_ns = clock_boot_ns();
	struct args args;
	struct call call;
	struct err err = {0};
	int status;

	stdio_hold();
	if (args_parse(argc, argv, &args, &err) < 0) {
		call_init(&call, &args, started_ns);
		status = refuse(&call, &err);
	} else if (wants_no_verb(&args)) {
		status = print_unasked(&args);
	} else {
		call_init(&call, &args, started_ns);
		status = call_run(&call);
	}
	args_release(&args);
	return status;
}
