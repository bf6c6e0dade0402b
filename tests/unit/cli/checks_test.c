/* SPDX-License-Identifier: MIT */
#include "cli/checks.h"

#include <criterion/criterion.h>
#include <string.h>

static enum check_result kernel(const char *release)
{
	struct check check = {0};

	check_kernel_release(release, &check);
	cr_assert_eq(check.result == CHECK_OK, check.advice.len == 0, "%s", release);
	buf_release(&check.detail);
	buf_release(&check.advice);
	return check.result;
}

Test(checks, kernels_are_ranked_as_the_contract_says)
{
	cr_assert_eq(kernel("6.18.44"), CHECK_OK);
	cr_assert_eq(kernel("7.0.0-rc1"), CHECK_OK);
	cr_assert_eq(kernel("6.9.0"), CHECK_OK);
	cr_assert_eq(kernel("6.8.12-generic"), CHECK_WARN);
	cr_assert_eq(kernel("6.1.0-18-amd64"), CHECK_WARN);
	cr_assert_eq(kernel("5.15.0"), CHECK_FAIL);
	cr_assert_eq(kernel("6"), CHECK_FAIL);
	cr_assert_eq(kernel("strange"), CHECK_FAIL);
}

Test(checks, space_is_judged_by_what_is_left_and_by_the_whole)
{
	const uint64_t mib = 1 << 20, gib = 1 << 30;

	cr_assert_eq(check_free_space(10 * mib, 100 * gib), CHECK_FAIL);
	cr_assert_eq(check_free_space(500 * mib, 100 * gib), CHECK_WARN);
	cr_assert_eq(check_free_space(500 * mib, 600 * mib), CHECK_OK);
	cr_assert_eq(check_free_space(50 * gib, 100 * gib), CHECK_OK);
}

static const char *result_of(const json_t *checks, const char *name)
{
	json_t *check;
	size_t i;

	json_array_foreach(checks, i, check)
	{
		if (strcmp(json_string_value(json_object_get(check, "name")), name) == 0)
			return json_string_value(json_object_get(check, "result"));
	}
	return "absent";
}

Test(checks, no_mount_is_a_warning_with_the_command_that_helps)
{
	struct check_facts facts = {.mountpoint = "/no where",
				    .unanswered = "nothing there",
				    .cure = "sessionfs mount '/no where'"};
	json_t *checks = checks_run(&facts), *mount;

	cr_assert_str_eq(result_of(checks, "mount"), "warn");
	mount = json_array_get(checks, 3);
	cr_assert_str_eq(json_string_value(json_object_get(mount, "advice")),
			 "sessionfs mount '/no where'");
	json_decref(checks);

	/* One that is there and hangs is worse. */
	facts.hangs = true;
	checks = checks_run(&facts);
	cr_assert_str_eq(result_of(checks, "mount"), "fail");
	json_decref(checks);
}

Test(checks, what_is_degraded_is_a_warning_each)
{
	json_t *status = json_pack("{s:s, s:s, s:b, s:[{s:s, s:s}]}", "version", SESSIONFS_VERSION,
				   "store", "/", "passthrough", 0, "degraded", "feature",
				   "passthrough", "reason", "asked for");
	const struct check_facts facts = {
		.mountpoint = "/x", .status = status, .unanswered = "", .cure = ""};
	json_t *checks = checks_run(&facts);

	cr_assert_str_eq(result_of(checks, "features"), "warn");
	cr_assert_str_eq(result_of(checks, "mount"), "ok");
	cr_assert_str_eq(result_of(checks, "versions"), "ok");
	json_object_set_new(status, "version", json_string("0.0.0"));
	json_decref(checks);
	checks = checks_run(&facts);
	cr_assert_str_eq(result_of(checks, "versions"), "warn");
	json_decref(checks);
	json_decref(status);
}
