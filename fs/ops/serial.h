/* SPDX-License-Identifier: MIT */
/*
 * The number that the kernel gave to the request which this thread is handling: it grows with every
 * call, and stays the same where the request is sent again to a worker's successor. libfuse does not
 * show it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The loop tells it before a request is handled. */
void serial_begin(const void *message);
uint64_t serial_now(void);
/*
 * Whether the request was sent to a worker before this one, which was killed: it may have done it, and only
 * the answer is missing.
 */
bool serial_is_resent(void);
