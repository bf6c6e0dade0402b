/* SPDX-License-Identifier: MIT */
#include "virt/usage.h"

#include <fts.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"

/* One store a process. */
static struct {
	pthread_mutex_t mutex;
	bool walking; /* guarded by: mutex, as is all below */
	bool exact;
	uint64_t bytes;
	uint64_t at_ns; /* CLOCK_BOOTTIME; 0: never */
} usage = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static uint64_t walk(const char *root, bool *ret_exact)
{
	char path[PATH_MAX];
	char *const roots[] = {path, NULL};
	uint64_t bytes = 0;
	unsigned int entries = 0;
	FTSENT *entry;
	FTS *fts;

	*ret_exact = snprintf(path, sizeof(path), "%s/sessions", root) < (int)sizeof(path);
	if (!*ret_exact)
		return 0;
	fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	if (!fts) {
		*ret_exact = false;
		return 0;
	}
	while ((entry = fts_read(fts))) {
		if (entry->fts_info == FTS_DP || entry->fts_info == FTS_NS)
			continue;
		if (++entries > USAGE_ENTRIES_MAX) {
			*ret_exact = false;
			break;
		}
		/* A file of several names is met once by each. */
		bytes += (uint64_t)entry->fts_statp->st_blocks * 512 /
			 (S_ISDIR(entry->fts_statp->st_mode) || !entry->fts_statp->st_nlink
				  ? 1
				  : entry->fts_statp->st_nlink);
	}
	fts_close(fts);
	return bytes;
}

uint64_t usage_store_bytes(struct store *store, bool *ret_exact)
{
	uint64_t now = clock_boot_ns();
	uint64_t bytes;
	bool due, exact;

	pthread_mutex_lock(&usage.mutex);
	due = !usage.walking && (!usage.at_ns || now - usage.at_ns > USAGE_TTL_S * NSEC_PER_SEC);
	usage.walking |= due;
	bytes = usage.bytes;
	exact = usage.exact;
	pthread_mutex_unlock(&usage.mutex);
	if (due) {
		bytes = walk(store_path(store), &exact);
		pthread_mutex_lock(&usage.mutex);
		usage.bytes = bytes;
		usage.exact = exact;
		usage.at_ns = now;
		usage.walking = false;
		pthread_mutex_unlock(&usage.mutex);
	}
	*ret_exact = exact;
	return bytes;
}
