/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <time.h>

#include "base/cleanup.h"

#define MINUTE (60 * NSEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

Test(clock, the_boot_clock_does_not_go_back)
{
	uint64_t before = clock_boot_ns();

	cr_assert_gt(before, 0);
	cr_assert_geq(clock_boot_ns(), before);
}

Test(clock, the_real_clock_is_that_of_the_system)
{
	uint64_t now = (uint64_t)time(NULL) * NSEC_PER_SEC, ours = clock_real_ns();

	cr_assert_geq(ours + NSEC_PER_SEC, now);
	cr_assert_leq(ours, now + 5 * NSEC_PER_SEC);
}

Test(clock, times_are_written_in_iso_8601)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{1795456800123999999, "2026-11-23T18:00:00.123Z"},
		{951782399999000000, "2000-02-28T23:59:59.999Z"},
		{UINT64_MAX, "2554-07-21T23:34:33.709Z"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[CLOCK_ISO_SIZE];

		clock_format_iso(cases[i].ns, text);
		cr_assert_str_eq(text, cases[i].text);
	}
}

Test(clock, durations_are_parsed)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{"0", 0},
		{"5", 5 * NSEC_PER_SEC},
		{"1.5", 1500 * NSEC_PER_MSEC},
		{"1.5s", 1500 * NSEC_PER_MSEC},
		{"250ms", 250 * NSEC_PER_MSEC},
		{"0.5ms", 500000},
		{"2m", 2 * MINUTE},
		{"24h", DAY},
		{"0.25d", 6 * HOUR},
		{"007s", 7 * NSEC_PER_SEC},
		{"0.0000000019", 1},
		{"1.00000000000000000000000000000001s", NSEC_PER_SEC},
		{"36525d", 36525 * DAY},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t ns = 1;

		cr_assert_eq(clock_parse_duration(cases[i].text, &ns), 0, "%s", cases[i].text);
		cr_assert_eq(ns, cases[i].ns, "%s", cases[i].text);
	}
}

Test(clock, what_is_no_duration_is_refused_and_changes_nothing)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{"", -EINVAL},
		{"s", -EINVAL},
		{"-1", -EINVAL},
		{"+1", -EINVAL},
		{" 1", -EINVAL},
		{"1 ", -EINVAL},
		{"1 s", -EINVAL},
		{".5s", -EINVAL},
		{"5.", -EINVAL},
		{"5.s", -EINVAL},
		{"1.2.3", -EINVAL},
		{"1S", -EINVAL},
		{"1sec", -EINVAL},
		{"1h30m", -EINVAL},
		{"0x10", -EINVAL},
		{"1e3", -EINVAL},
		{"nan", -EINVAL},
		{"36525.01d", -ERANGE},
		{"99999999999999999999999d", -ERANGE},
		{"18446744073709551617", -ERANGE},
		{"3155760000001ms", -ERANGE},
		{"99999999999999999999999x", -EINVAL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t ns = 77;

		cr_assert_eq(clock_parse_duration(cases[i].text, &ns), cases[i].error, "%s",
			     cases[i].text);
		cr_assert_eq(ns, 77);
	}
}

Test(clock, durations_are_written_for_people)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0s"},
		{1, "0ms"},
		{120 * NSEC_PER_MSEC, "120ms"},
		{NSEC_PER_SEC - 1, "999ms"},
		{NSEC_PER_SEC, "1s"},
		{30 * NSEC_PER_SEC + 999 * NSEC_PER_MSEC, "30s"},
		{2 * MINUTE, "2m"},
		{2 * MINUTE + 5 * NSEC_PER_SEC, "2m 5s"},
		{3 * HOUR + 10 * MINUTE + 59 * NSEC_PER_SEC, "3h 10m"},
		{4 * DAY + 2 * HOUR, "4d 2h"},
		{4 * DAY + 59 * MINUTE, "4d"},
		{UINT64_MAX, "213503d 23h"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[24];

		clock_format_duration(cases[i].ns, text, sizeof(text));
		cr_assert_str_eq(text, cases[i].text);
	}
}
