/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

Test(err, setting_fills_message_and_forgets_the_last_suggestion)
{
	struct err err = {.suggestion = "old"};

	cr_assert_eq(err_set(&err, ERR_NOT_FOUND, "no session %s", "s1"), -1);
	cr_assert_eq(err.code, ERR_NOT_FOUND);
	cr_assert_str_eq(err.message, "no session s1");
	cr_assert_str_empty(err.suggestion);
	cr_assert_eq(err_suggest(&err, "run '%s'", "sessionfs ls"), -1);
	cr_assert_str_eq(err.suggestion, "run 'sessionfs ls'");
	cr_assert_str_eq(err.message, "no session s1");
}

Test(err, errno_is_described_at_the_end)
{
	struct err err;

	err_set_errno(&err, ERR_IO_ERROR, ENOSPC, "cannot write %s", "/a");
	cr_assert_str_eq(err.message, "cannot write /a: No space left on device");
	err_set_errno(&err, ERR_IO_ERROR, 99999, "cannot write");
	cr_assert_str_eq(err.message, "cannot write: error 99999");
}

Test(err, a_message_can_be_put_in_context_with_itself)
{
	struct err err;

	err_set(&err, ERR_IO_ERROR, "inner");
	err_set(&err, err.code, "outer: %s", err.message);
	cr_assert_str_eq(err.message, "outer: inner");
}

Test(err, control_characters_do_not_break_the_line)
{
	struct err err;

	err_set(&err, ERR_IO_ERROR, "a\nb\tc\x7f\xc3\xa9");
	cr_assert_str_eq(err.message, "a?b?c?\xc3\xa9");
}

Test(err, a_long_message_is_cut_but_keeps_the_reason)
{
	const char *tail = ": Permission denied";
	char path[2000];
	struct err err;

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	err_set_errno(&err, ERR_IO_ERROR, EACCES, "%s", path);
	cr_assert_eq(strlen(err.message), sizeof(err.message) - 1);
	cr_assert_str_eq(err.message + strlen(err.message) - strlen(tail), tail);
	err_suggest(&err, "%s", path);
	cr_assert_eq(strlen(err.suggestion), sizeof(err.suggestion) - 1);
}

Test(err, codes_have_names_exit_codes_and_back)
{
	static const struct {
		enum err_code code;
		const char *name;
		enum exit_code exit_code;
		bool retryable;
	} cases[] = {
		{ERR_NONE, "", EXIT_CODE_OK, false},
		{ERR_VALIDATION_ERROR, "VALIDATION_ERROR", EXIT_CODE_VALIDATION, false},
		{ERR_LOCK_HELD, "LOCK_HELD", EXIT_CODE_PRECONDITION, true},
		{ERR_WRITE_CONFLICT, "WRITE_CONFLICT", EXIT_CODE_CONFLICT, true},
		{ERR_INTERNAL_ERROR, "INTERNAL_ERROR", EXIT_CODE_OTHER, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_assert_str_eq(err_code_name(cases[i].code), cases[i].name);
		cr_assert_eq(err_code_exit(cases[i].code), cases[i].exit_code);
		cr_assert_eq(err_code_retryable(cases[i].code), cases[i].retryable);
		if (cases[i].code != ERR_NONE)
			cr_assert_eq(err_code_by_name(cases[i].name), cases[i].code);
	}
	cr_assert_eq(err_code_by_name("NO_SUCH"), ERR_INTERNAL_ERROR);
	cr_assert_eq(err_code_by_name(""), ERR_INTERNAL_ERROR);
}
