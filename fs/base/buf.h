/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer, for text that is rendered piece by piece.
 *
 * Zero-initialised is empty and valid. The content is always NUL-terminated once anything was
 * added. A failed allocation marks the buffer; further additions are ignored, and the one check
 * is buf_failed() at the end. Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL while nothing was added */
	size_t len; /* without the terminating NUL */
	size_t capacity;
	bool failed;
};

#define _cleanup_buf_ __attribute__((cleanup(buf_release)))

void buf_release(struct buf *buf);
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_add_str(struct buf *buf, const char *str);
void buf_add_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds STR quoted for a POSIX shell: unchanged where it is safe, else in single quotes. */
void buf_add_shell_quoted(struct buf *buf, const char *str);
static inline bool buf_failed(const struct buf *buf)
{
	return buf->failed;
}
