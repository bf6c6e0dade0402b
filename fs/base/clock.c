/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

#define NSEC_PER_DAY (86400 * NSEC_PER_SEC)
#define DURATION_MAX_NS (36525 * NSEC_PER_DAY) /* 100 Julian years */

/* Largest first, for reading and for writing. */
static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{"d", NSEC_PER_DAY}, {"h", 3600 * NSEC_PER_SEC}, {"m", 60 * NSEC_PER_SEC},
	{"s", NSEC_PER_SEC}, {"ms", NSEC_PER_MSEC},
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
	return now_ns(CLOCK_BOOTTIME);
}

uint64_t clock_real_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

void clock_format_iso(uint64_t real_ns, char *ret)
{
	time_t seconds = (time_t)(real_ns / NSEC_PER_SEC);
	unsigned int ms = (unsigned int)(real_ns % NSEC_PER_SEC / NSEC_PER_MSEC);
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(ret, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret + len, CLOCK_ISO_SIZE - len, ".%03uZ", ms);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int unit_find(const char *name, uint64_t *ret_ns)
{
	if (!*name)
		name = "s";
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!strcmp(units[i].name, name)) {
			*ret_ns = units[i].ns;
			return 0;
		}
	}
	return -EINVAL;
}

int clock_parse_duration(const char *text, uint64_t *ret_ns)
{
	uint64_t whole = 0, fraction = 0, scale = 1, unit;
	unsigned __int128 ns;
	bool large = false;

	if (!is_digit(*text))
		return -EINVAL;
	for (; is_digit(*text); text++) {
		whole = whole * 10 + (uint64_t)(*text - '0');
		/* Over the limit in the smallest unit: no digit more may overflow it. */
		if (whole > DURATION_MAX_NS / NSEC_PER_MSEC) {
			large = true;
			whole = 0;
		}
	}
	if (*text == '.') {
		text++;
		if (!is_digit(*text))
			return -EINVAL;
		for (; is_digit(*text); text++) {
			if (scale >= NSEC_PER_SEC)
				continue; /* below what a nanosecond can tell */
			fraction = fraction * 10 + (uint64_t)(*text - '0');
			scale *= 10;
		}
	}
	if (unit_find(text, &unit))
		return -EINVAL;
	ns = (unsigned __int128)whole * unit + (unsigned __int128)fraction * unit / scale;
	if (large || ns > DURATION_MAX_NS)
		return -ERANGE;
	*ret_ns = (uint64_t)ns;
	return 0;
}

void clock_format_duration(uint64_t ns, char *ret, size_t size)
{
	size_t i = 0;
	unsigned long long first, second;

	if (ns == 0) {
		snprintf(ret, size, "0s");
		return;
	}
	while (i + 1 < ARRAY_SIZE(units) && ns < units[i].ns)
		i++;
	first = ns / units[i].ns;
	second = 0;
	/* Two parts at most, and no milliseconds after seconds: nobody reads them there. */
	if (units[i].ns > NSEC_PER_SEC)
		second = ns % units[i].ns / units[i + 1].ns;
	if (second)
		snprintf(ret, size, "%llu%s %llu%s", first, units[i].name, second,
			 units[i + 1].name);
	else
		snprintf(ret, size, "%llu%s", first, units[i].name);
}
