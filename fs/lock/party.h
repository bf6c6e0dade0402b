/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Somebody who did something to another's lock. */
struct lock_party {
	uint32_t session;
	uint32_t run;
	uid_t uid;
	pid_t pid; /* 0: unknown */
	char session_id[72];
	char run_id[24];
	char comm[24];
};
