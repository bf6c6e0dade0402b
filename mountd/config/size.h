/* SPDX-License-Identifier: MIT */
/*
 * Amounts of storage as people write them.
 */
#pragma once

#include <stdint.h>

/*
 * Parses "512M", "10G", "1.5T", "4096": a decimal number and one of K, M, G, T, P (powers of
 * 1024, either case, also as "GiB"), or B, or nothing, for bytes. "GB" is malformed: to some it is
 * a power of 1000.
 * Returns 0, or -EINVAL (malformed, negative), -ERANGE (over 2^63 - 1 bytes).
 */
#define SIZE_RULE "a number of bytes, or one with K, M, G, T or P (powers of 1024)"
int size_parse(const char *text, uint64_t *ret_bytes);
