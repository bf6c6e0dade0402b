/* SPDX-License-Identifier: MIT */
#include "cli/text.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"

void text_add_safe(struct buf *buf, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		/* C1 controls are U+0080 to U+009F: C2 80 to C2 9F. */
		if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f) {
			buf_add(buf, "?", 1);
			at++;
		} else if (at[0] < 0x20 || at[0] == 0x7f) {
			buf_add(buf, "?", 1);
		} else {
			buf_add(buf, at, 1);
		}
	}
}

void text_put(FILE *out, const char *text)
{
	_cleanup_buf_ struct buf safe = {0};

	text_add_safe(&safe, text);
	if (!buf_failed(&safe) && safe.len)
		fwrite(safe.data, 1, safe.len, out);
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += !is_continuation(*text);
	return width;
}

size_t text_prefix(const char *text, size_t width)
{
	size_t bytes = 0;

	for (size_t seen = 0; text[bytes]; bytes++) {
		if (!is_continuation(text[bytes]) && seen++ == width)
			break;
	}
	return bytes;
}

void text_bytes(uint64_t bytes, char *ret, size_t size)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(ret, size, "%u B", (unsigned int)bytes);
		return;
	}
	for (value /= 1024; value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
		value /= 1024;
	snprintf(ret, size, "%.1f %s", value, units[unit]);
}

void text_age(const char *iso, uint64_t now_real_ns, char *ret, size_t size)
{
	struct tm tm = {0};
	const char *end = iso ? strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	char duration[TEXT_NUMBER_SIZE];
	uint64_t then_ns;

	if (!end) {
		snprintf(ret, size, "-");
		return;
	}
	then_ns = (uint64_t)timegm(&tm) * NSEC_PER_SEC;
	if (then_ns + NSEC_PER_SEC > now_real_ns) {
		snprintf(ret, size, "now");
		return;
	}
	clock_format_duration((now_real_ns - then_ns) / NSEC_PER_SEC * NSEC_PER_SEC, duration,
			      sizeof(duration));
	snprintf(ret, size, "%s ago", duration);
}
