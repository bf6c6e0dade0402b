/* SPDX-License-Identifier: MIT */
#include "ops/serial.h"

#include "ops/fuse_compat.h"

/* The kernel marks what it sends again. */
#define RESENT (1ULL << 63)

static _Thread_local uint64_t number;
static _Thread_local bool resent;

void serial_begin(const void *message)
{
	const struct fuse_in_header *header = message;

	number = header->unique & ~RESENT;
	resent = header->unique & RESENT;
}

uint64_t serial_now(void)
{
	return number;
}

bool serial_is_resent(void)
{
	return resent;
}
