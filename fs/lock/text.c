/* SPDX-License-Identifier: MIT */
#include "lock/text.h"

#include <ctype.h>
#include <string.h>

#define PID_LARGEST 4194304 /* PID_MAX_LIMIT of 64-bit kernels */

/* All of it must be decimal. */
static pid_t parse_pid(const char *text, size_t len)
{
	long pid = 0;

	if (len == 0)
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return 0;
		pid = pid * 10 + (text[i] - '0');
		if (pid > PID_LARGEST)
			return 0;
	}
	return (pid_t)pid;
}

static bool is_host(const char *text, size_t len, const char *host)
{
	return strlen(host) == len && memcmp(text, host, len) == 0;
}

static const char *find_last(const char *text, size_t len, char c)
{
	return memrchr(text, c, len);
}

/* user@host.pid[:boot], host-pid */
static pid_t symlink_pid(const char *text, size_t len, const char *host)
{
	const char *at = memchr(text, '@', len);
	const char *host_start = at ? at + 1 : text;
	const char *colon = at ? memchr(at, ':', len - (size_t)(at - text)) : NULL;
	size_t end = colon ? (size_t)(colon - text) : len;
	const char *separator = find_last(text, end, at ? '.' : '-');

	if (!separator || separator < host_start ||
	    !is_host(host_start, (size_t)(separator - host_start), host))
		return 0;
	return parse_pid(separator + 1, end - (size_t)(separator + 1 - text));
}

pid_t text_pid(const char *text, size_t len, bool is_symlink, const char *host)
{
	const char *line_end;
	const char *start = text;
	pid_t pid;

	while (len > 0 && isspace((unsigned char)*start)) {
		start++;
		len--;
	}
	line_end = memchr(start, '\n', len);
	if (line_end)
		len = (size_t)(line_end - start);
	while (len > 0 && isspace((unsigned char)start[len - 1]))
		len--;
	pid = parse_pid(start, len);
	if (pid == 0 && is_symlink)
		pid = symlink_pid(start, len, host);
	return pid;
}

/* Bytes of the UTF-8 character at `at` that must not reach a terminal; 0 where it may. */
static size_t unsafe_length(const unsigned char *at)
{
	if (at[0] < 0x20 || at[0] == 0x7f)
		return 1;
	if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f) /* C1 */
		return 2;
	if (at[0] != 0xe2)
		return 0;
	/* U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F */
	if (at[1] == 0x80 && ((at[2] >= 0x8b && at[2] <= 0x8f) || (at[2] >= 0xa8 && at[2] <= 0xae)))
		return 3;
	return at[1] == 0x81 && at[2] >= 0xa0 && at[2] <= 0xaf ? 3 : 0;
}

void text_sanitise(const char *str, struct buf *ret_buf)
{
	const char *clean = str;

	buf_add_str(ret_buf, "");
	while (*str) {
		size_t unsafe = unsafe_length((const unsigned char *)str);

		if (unsafe == 0) {
			str++;
			continue;
		}
		buf_add(ret_buf, clean, (size_t)(str - clean));
		buf_add_str(ret_buf, "?");
		str += unsafe;
		clean = str;
	}
	buf_add(ret_buf, clean, (size_t)(str - clean));
}
