/* SPDX-License-Identifier: MIT */
#include "base/descriptors.h"

#include <sys/resource.h>

#define WANTED (1u << 20)

void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max = WANTED;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

uint32_t descriptors_share(enum descriptors_use use)
{
	struct rlimit limit;
	uint32_t quarter;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > WANTED)
		limit.rlim_cur = WANTED;
	quarter = limit.rlim_cur >= 4 ? (uint32_t)limit.rlim_cur / 4 : 1;
	switch (use) {
	case DESCRIPTORS_DIRECTORIES:
		return quarter >= 2 ? quarter / 2 : 1;
	case DESCRIPTORS_FILES:
		return quarter;
	case DESCRIPTORS_CARRIERS:
	case DESCRIPTORS_NAMELESS:
		return quarter >= 2 ? quarter / 2 : 1;
	}
	return 1;
}
