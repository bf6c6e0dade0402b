/* SPDX-License-Identifier: MIT */
#include "config/variable.h"

#include <criterion/criterion.h>

Test(variable, names_and_templates_are_accepted)
{
	static const char *const good[] = {"CODEX_THREAD_ID", "_x1", "${A}", "${A}.${B}",
					   "ci-${GITHUB_RUN_ID}:${GITHUB_JOB}"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_assert_null(variable_check(good[i]), "%s: %s", good[i], variable_check(good[i]));
}

Test(variable, anything_else_is_refused)
{
	static const char *const bad[] = {"",       "1A",    "A B",    "A-B",    "$A",
					  "${",     "${}",   "${A",    "${1}",   "${A}$",
					  "a/${A}", "${A} ", "${A-b}", "${A}\n", "A=b"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not_null(variable_check(bad[i]), "\"%s\"", bad[i]);
}
