/* SPDX-License-Identifier: MIT */
/*
 * The two clocks: CLOCK_BOOTTIME for every age and time-out (it never jumps and counts suspend),
 * CLOCK_REALTIME for what people read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

/* Nanoseconds since boot, CLOCK_BOOTTIME. */
uint64_t clock_boot_ns(void);
/* Nanoseconds since the epoch, CLOCK_REALTIME. */
uint64_t clock_real_ns(void);

#define CLOCK_ISO_SIZE 32
/* "2026-11-23T18:00:00.123Z" for nanoseconds since the epoch. `ret` has CLOCK_ISO_SIZE bytes. */
void clock_format_iso(uint64_t real_ns, char *ret);

/*
 * Parses a duration: a decimal number with unit ms, s, m, h or d ("1.5s", "24h"); a bare number
 * is seconds. Returns 0, or -EINVAL (malformed, negative), -ERANGE (over 100 years).
 */
int clock_parse_duration(const char *text, uint64_t *ret_ns);

/* "30s", "2m 5s", "3h 10m", "4d 2h", "120ms": for people. `size` of 24 is enough. */
void clock_format_duration(uint64_t ns, char *ret, size_t size);
