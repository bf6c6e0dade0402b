/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "support/schema.h"

static struct answer answer;

static json_t *envelope(void)
{
	json_t *whole = output_envelope_consume(&answer, clock_boot_ns());

	schema_check_envelope(whole);
	return whole;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

Test(output, a_table_needs_a_terminal_and_nobody_who_says_otherwise)
{
	const struct output_traits terminal = {.stdout_is_tty = true};
	const struct output_traits pipe = {0};
	const struct output_traits ci = {.stdout_is_tty = true, .ci = true};

	cr_assert_not(output_is_json(&terminal, NULL, false));
	cr_assert(output_is_json(&terminal, NULL, true));
	cr_assert(output_is_json(&terminal, "json", false));
	cr_assert(output_is_json(&pipe, NULL, false));
	cr_assert_not(output_is_json(&pipe, "table", false));
	cr_assert(output_is_json(&ci, NULL, false));
	cr_assert_not(output_is_json(&ci, "table", false));
	cr_assert(output_is_json(&pipe, "table", true));
	cr_assert(output_is_json(&pipe, "yaml", false));
}

Test(output, an_envelope_has_the_same_keys_in_every_case)
{
	static const char *const keys[] = {"ok", "data", "error", "warnings", "meta"};
	json_t *empty = envelope(), *failed;
	struct err err = {0};

	err_set(&err, ERR_NOT_FOUND, "there is no session x");
	answer.error = output_error(&err);
	failed = envelope();
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		cr_assert(json_object_get(empty, keys[i]), "%s", keys[i]);
		cr_assert(json_object_get(failed, keys[i]), "%s", keys[i]);
	}
	cr_assert(json_is_true(json_object_get(empty, "ok")));
	cr_assert(json_is_null(json_object_get(empty, "error")));
	cr_assert(json_is_false(json_object_get(failed, "ok")));
	cr_assert(json_is_null(json_object_get(failed, "data")));
	json_decref(empty);
	json_decref(failed);
}

Test(output, a_failure_shows_no_data_even_if_there_is_some)
{
	struct err err = {0};
	json_t *whole;

	err_set(&err, ERR_CHECK_FAILED, "1 check failed");
	answer.data = json_pack("{s:i}", "x", 1);
	answer.error = output_error(&err);
	whole = envelope();
	cr_assert(json_is_null(json_object_get(whole, "data")));
	cr_assert_null(answer.data);
	json_decref(whole);
}

Test(output, the_daemons_meta_is_passed_on_but_for_the_duration)
{
	const json_t *meta;
	json_t *whole;

	answer.meta = json_pack("{s:s, s:i, s:s}", "request_id", "c-7", "duration_ms", 99999,
				"session", "build-1");
	whole = envelope();
	meta = json_object_get(whole, "meta");
	cr_assert_str_eq(text_of(meta, "request_id"), "c-7");
	cr_assert_str_eq(text_of(meta, "session"), "build-1");
	cr_assert_lt(json_integer_value(json_object_get(meta, "duration_ms")), 99999);
	cr_assert_str_eq(text_of(meta, "exit_source"), "sessionfs");
	json_decref(whole);
}

Test(output, an_error_object_says_how_to_go_on)
{
	struct err err = {0};
	json_t *error;

	err_set(&err, ERR_UNAVAILABLE, "no sessionfs is mounted at /x");
	err_suggest(&err, "Mount it: sessionfs mount /x");
	error = output_error(&err);
	cr_assert_str_eq(text_of(error, "code"), "UNAVAILABLE");
	cr_assert_str_eq(text_of(error, "suggestion"), "Mount it: sessionfs mount /x");
	cr_assert(json_is_true(json_object_get(error, "retryable")));
	cr_assert_eq(output_exit_code(error), 12);
	json_decref(error);
}

Test(output, the_exit_status_is_the_errors_own_else_that_of_its_code)
{
	json_t *with = json_pack("{s:s, s:i}", "code", "COMMAND_FAILED", "exit_code", 42);
	json_t *without = json_pack("{s:s}", "code", "TIMEOUT");
	json_t *strange = json_pack("{s:s, s:i}", "code", "LOCK_HELD", "exit_code", 4711);

	cr_assert_eq(output_exit_code(NULL), 0);
	cr_assert_eq(output_exit_code(with), 42);
	cr_assert_eq(output_exit_code(without), 10);
	cr_assert_eq(output_exit_code(strange), 4);
	json_decref(with);
	json_decref(without);
	json_decref(strange);
}

Test(output, warnings_gather)
{
	json_t *whole;

	answer_warn(&answer, "first %d", 1);
	answer_warn(&answer, "second");
	whole = envelope();
	cr_assert_eq(json_array_size(json_object_get(whole, "warnings")), 2);
	json_decref(whole);
}
