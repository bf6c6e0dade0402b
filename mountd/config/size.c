/* SPDX-License-Identifier: MIT */
#include "config/size.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* The power of two that a unit stands for, -1 where it is none. */
static int unit_shift(const char *unit)
{
	static const char letters[] = "KMGTP";
	const char *letter;

	if (!*unit || strcasecmp(unit, "B") == 0)
		return 0;
	letter = strchr(letters, toupper((unsigned char)*unit));
	if (!letter || !*letter)
		return -1;
	if (unit[1] && strcasecmp(unit + 1, "iB") != 0)
		return -1;
	return 10 * (int)(letter - letters + 1);
}

/* Digits after the point beyond the sixth are below a byte of any use, and ignored. */
#define FRACTION_DIGITS 6

int size_parse(const char *text, uint64_t *ret_bytes)
{
	unsigned __int128 whole = 0, fraction = 0, scale = 1, bytes;
	const char *p = text;
	int shift;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++) {
		whole = whole * 10 + (unsigned int)(*p - '0');
		if (whole > INT64_MAX)
			return -ERANGE;
	}
	if (*p == '.') {
		if (!isdigit((unsigned char)*++p))
			return -EINVAL;
		for (int i = 0; isdigit((unsigned char)*p); p++, i++) {
			if (i >= FRACTION_DIGITS)
				continue;
			fraction = fraction * 10 + (unsigned int)(*p - '0');
			scale *= 10;
		}
	}
	shift = unit_shift(p);
	if (shift < 0)
		return -EINVAL;
	bytes = (whole << shift) + (fraction << shift) / scale;
	if (bytes > INT64_MAX)
		return -ERANGE;
	*ret_bytes = (uint64_t)bytes;
	return 0;
}
