/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/text.h"

struct output_traits output_traits(void)
{
	const char *ci = getenv("CI"), *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return (struct output_traits){
		.stdout_is_tty = isatty(STDOUT_FILENO),
		.ci = ci && strcmp(ci, "true") == 0,
		.no_color = (no_color && no_color[0]) || (term && strcmp(term, "dumb") == 0),
	};
}

bool output_is_json(const struct output_traits *traits, const char *format, bool json_flag)
{
	if (json_flag)
		return true;
	if (format && strcmp(format, "json") == 0)
		return true;
	if (format && strcmp(format, "table") == 0)
		return false;
	/* A format that the parser has refused asks for nothing. */
	return !traits->stdout_is_tty || traits->ci;
}

json_t *output_error(const struct err *err)
{
	json_t *error = json_object();

	json_object_set_new(error, "code", json_string(err_code_name(err->code)));
	json_object_set_new(error, "exit_code", json_integer(err_code_exit(err->code)));
	json_object_set_new(error, "message", json_text(err->message));
	if (err->suggestion[0])
		json_object_set_new(error, "suggestion", json_text(err->suggestion));
	json_object_set_new(error, "retryable", json_boolean(err_code_retryable(err->code)));
	return error;
}

static json_t *meta_build(const json_t *given, uint64_t started_ns)
{
	json_t *meta = json_object();
	uint64_t now_ns = clock_boot_ns();
	char request_id[40];
	const char *key;
	json_t *value;

	snprintf(request_id, sizeof(request_id), "q-%x-%llx", (unsigned int)getpid(),
		 (unsigned long long)started_ns);
	json_object_set_new(meta, "duration_ms",
			    json_integer((json_int_t)((now_ns - started_ns) / NSEC_PER_MSEC)));
	json_object_set_new(meta, "schema_version", json_string(OUTPUT_SCHEMA_VERSION));
	json_object_set_new(meta, "tool_version", json_string(SESSIONFS_VERSION));
	json_object_set_new(meta, "request_id", json_string(request_id));
	json_object_set_new(meta, "session", json_null());
	json_object_set_new(meta, "exit_source", json_string("sessionfs"));
	json_object_foreach((json_t *)(uintptr_t)given, key, value)
	{
		/* The time that counts is the caller's: from the start of this program. */
		if (strcmp(key, "duration_ms") != 0)
			json_object_set(meta, key, value);
	}
	return meta;
}

json_t *output_envelope_consume(struct answer *answer, uint64_t started_ns)
{
	json_t *envelope = json_object();
	bool ok = !answer->error;

	json_object_set_new(envelope, "ok", json_boolean(ok));
	json_object_set(envelope, "data", ok && answer->data ? answer->data : json_null());
	json_object_set(envelope, "error", answer->error ? answer->error : json_null());
	if (answer->warnings)
		json_object_set(envelope, "warnings", answer->warnings);
	else
		json_object_set_new(envelope, "warnings", json_array());
	json_object_set_new(envelope, "meta", meta_build(answer->meta, started_ns));
	answer_release(answer);
	return envelope;
}

int output_exit_code(const json_t *error)
{
	const json_t *exit_code = json_object_get(error, "exit_code");
	const char *code = json_string_value(json_object_get(error, "code"));

	if (!error)
		return EXIT_CODE_OK;
	if (json_integer_value(exit_code) > 0 && json_integer_value(exit_code) < 256)
		return (int)json_integer_value(exit_code);
	return code ? (int)err_code_exit(err_code_by_name(code)) : EXIT_CODE_OTHER;
}

void output_print_error(const json_t *error)
{
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *suggestion = json_string_value(json_object_get(error, "suggestion"));

	fputs("sessionfs: ", stderr);
	text_put(stderr, message ? message : "the call failed without saying why");
	fputc('\n', stderr);
	if (suggestion && suggestion[0]) {
		fputs("  ", stderr);
		text_put(stderr, suggestion);
		fputc('\n', stderr);
	}
}

void output_print_warnings(const json_t *warnings)
{
	json_t *warning;
	size_t i;

	json_array_foreach(warnings, i, warning)
	{
		const char *text = json_string_value(warning);

		fputs("sessionfs: warning: ", stderr);
		text_put(stderr, text ? text : "");
		fputc('\n', stderr);
	}
}

void answer_release(struct answer *answer)
{
	json_decref(answer->data);
	json_decref(answer->error);
	json_decref(answer->warnings);
	json_decref(answer->meta);
	*answer = (struct answer){0};
}

void answer_warn(struct answer *answer, const char *format, ...)
{
	char text[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (!answer->warnings)
		answer->warnings = json_array();
	json_array_append_new(answer->warnings, json_text(text));
}
