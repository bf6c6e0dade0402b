/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_SIZE 128

void buf_release(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}

/* Room for `len` more bytes and the NUL. */
static bool reserve(struct buf *buf, size_t len)
{
	size_t capacity = buf->capacity ? buf->capacity : BUF_FIRST_SIZE;
	char *data;

	if (buf->failed)
		return false;
	if (len < buf->capacity - buf->len)
		return true;
	if (len >= SIZE_MAX / 4 - buf->len)
		goto fail;
	while (capacity - buf->len <= len)
		capacity *= 2;
	data = realloc(buf->data, capacity);
	if (!data)
		goto fail;
	buf->data = data;
	buf->capacity = capacity;
	return true;
fail:
	buf->failed = true;
	return false;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	if (!reserve(buf, len))
		return;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_add_str(struct buf *buf, const char *str)
{
	buf_add(buf, str, strlen(str));
}

void buf_add_format(struct buf *buf, const char *format, ...)
{
	va_list args;
	int len;

	if (!reserve(buf, 0))
		return;
	va_start(args, format);
	len = vsnprintf(buf->data + buf->len, buf->capacity - buf->len, format, args);
	va_end(args);
	if (len < 0) {
		buf->data[buf->len] = '\0';
		buf->failed = true;
		return;
	}
	if ((size_t)len >= buf->capacity - buf->len) {
		if (!reserve(buf, (size_t)len)) {
			buf->data[buf->len] = '\0';
			return;
		}
		va_start(args, format);
		vsnprintf(buf->data + buf->len, buf->capacity - buf->len, format, args);
		va_end(args);
	}
	buf->len += (size_t)len;
}

void buf_add_shell_quoted(struct buf *buf, const char *str)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789_@%+=:,./-";

	if (*str && str[strspn(str, safe)] == '\0') {
		buf_add_str(buf, str);
		return;
	}
	buf_add_str(buf, "'");
	for (;;) {
		size_t plain = strcspn(str, "'");

		buf_add(buf, str, plain);
		str += plain;
		if (!*str)
			break;
		buf_add_str(buf, "'\\''");
		str++;
	}
	buf_add_str(buf, "'");
}
