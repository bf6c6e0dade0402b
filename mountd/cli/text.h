/* SPDX-License-Identifier: MIT */
/*
 * Text for people: what others wrote made harmless, numbers with units, ages.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

/*
 * Prints UTF-8 text with control characters (C0, DEL, C1) as '?': a file name must not be able to
 * steer a terminal.
 */
void text_put(FILE *out, const char *text);
/* The same into a buffer. */
void text_add_safe(struct buf *buf, const char *text);

/* Columns that text takes on a terminal, one a character; continuation bytes count nothing. */
size_t text_width(const char *text);
/* Bytes of the longest prefix that takes at most `width` columns. */
size_t text_prefix(const char *text, size_t width);

/* Of a size_t for each format: 24 bytes are enough. All write at most `size` bytes with the NUL. */
#define TEXT_NUMBER_SIZE 32
/* "0 B", "812 B", "1.4 MiB". */
void text_bytes(uint64_t bytes, char *ret, size_t size);
/* "3m ago", "now"; `iso` as clock_format_iso() makes it; "-" for NULL and what is no time. */
void text_age(const char *iso, uint64_t now_real_ns, char *ret, size_t size);
