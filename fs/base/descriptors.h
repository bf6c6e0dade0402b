/* SPDX-License-Identifier: MIT */
/*
 * How the process's descriptors are shared out.
 *
 * Those that are kept for long each have a share of what the process may have; the rest, a quarter,
 * is for what is opened and closed within a request. So no user of the mount brings the daemon to
 * where it cannot open anything for anybody.
 */
#pragma once

#include <stdint.h>

enum descriptors_use {
	DESCRIPTORS_DIRECTORIES, /* cached, two each */
	DESCRIPTORS_FILES,       /* data of open files without passthrough */
	DESCRIPTORS_CARRIERS,    /* advisory locks in shares */
	DESCRIPTORS_NAMELESS,    /* objects that lost their name and are referred to still */
};

/* Raises the limit of this process as far as it may. Other limits may follow it: call it first. */
void descriptors_raise(void);
/* How many may be kept for that use. Never 0. */
uint32_t descriptors_share(enum descriptors_use use);
