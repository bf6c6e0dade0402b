/* SPDX-License-Identifier: MIT */
#include "session/usage.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"
#include "session/session_table.h"

/* A count is due this long after a change: so much, and this many times what the last one took. */
#define COUNT_PAUSE_NS (5 * NSEC_PER_SEC)
#define COUNT_PAUSE_NEAR_NS NSEC_PER_SEC
#define COUNT_PAUSE_TIMES 20

bool usage_limited(const struct config *config)
{
	return config->max_bytes || config->max_files;
}

static enum usage_level judge(uint64_t used, uint64_t limit)
{
	uint64_t margin;

	if (!limit)
		return USAGE_BELOW;
	if (used >= limit)
		return USAGE_FULL;
	/* In two parts nothing overflows. */
	margin = limit / 100 * (100 - USAGE_NEAR_PERCENT) +
		 limit % 100 * (100 - USAGE_NEAR_PERCENT) / 100;
	return used >= limit - margin ? USAGE_NEAR : USAGE_BELOW;
}

enum usage_level usage_judge(const struct config *config, const struct usage *usage)
{
	enum usage_level bytes = judge(usage->bytes, config->max_bytes);
	enum usage_level files = judge(usage->files, config->max_files);

	return bytes > files ? bytes : files;
}

static uint64_t not_negative(int64_t value)
{
	return value > 0 ? (uint64_t)value : 0;
}

struct usage usage_get(const struct registry *registry, uint32_t session)
{
	const struct session_record *record = session_table_at(registry, session);

	return (struct usage){.bytes = not_negative(record->used_bytes),
			      .files = not_negative(record->used_files)};
}

void usage_add(struct registry *registry, uint32_t session, int64_t files, int64_t bytes)
{
	struct session_record *record = session_table_at(registry, session);

	if (!usage_limited(registry->config))
		return;
	atomic_fetch_add(&record->used_files, files);
	atomic_fetch_add(&record->used_bytes, bytes);
	record->usage_changed = 1;
}

int usage_check(struct registry *registry, uint32_t session, uint64_t bytes, bool *ret_first)
{
	struct session_record *record = session_table_at(registry, session);
	const struct config *config = registry->config;
	struct usage usage = usage_get(registry, session);
	bool fits = !config->max_bytes || bytes <= config->max_bytes;

	*ret_first = false;
	/* Whatever is refused or done now, the sum is to be looked at again. */
	record->usage_changed = 1;
	if (usage_judge(config, &usage) != USAGE_FULL &&
	    (!config->max_bytes || (fits && usage.bytes <= config->max_bytes - bytes)))
		return 0;
	*ret_first = atomic_exchange(&record->usage_refused, 1) == 0;
	return -ENOSPC;
}

/* A name of a file that has n of them counts an n-th, so that the file counts once. */
struct sum {
	double bytes;
	double files;
};

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

static int sum_tree(int root, struct sum *sum)
{
	char path[40];
	char *const paths[] = {path, NULL};
	FTSENT *entry;
	FTS *walk;
	int r;

	/* With the slash it is the directory, not the link to it. */
	sys_fd_path(root, path);
	strcat(path, "/");
	walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!walk)
		return -errno;
	while (errno = 0, (entry = fts_read(walk))) {
		const struct stat *st = entry->fts_statp;

		/* What vanishes, or lies deeper than a path can tell, is left out. */
		if (entry->fts_level == 0 || entry->fts_info == FTS_DP ||
		    entry->fts_info == FTS_NS || entry->fts_info == FTS_ERR || is_whiteout(st))
			continue;
		if (S_ISDIR(st->st_mode)) {
			sum->files += 1;
			sum->bytes += (double)st->st_blocks * 512;
		} else if (st->st_nlink) {
			sum->files += 1.0 / (double)st->st_nlink;
			sum->bytes += (double)st->st_blocks * 512 / (double)st->st_nlink;
		}
	}
	r = -errno;
	fts_close(walk);
	return r;
}

int usage_count(struct registry *registry, uint32_t session)
{
	struct session_record *record = session_table_at(registry, session);
	uint64_t began = clock_boot_ns();
	struct sum sum = {0};
	struct usage usage;
	int r = 0;

	record->usage_changed = 0;
	for (size_t share = 0; r == 0 && share < registry->config->n_shares; share++) {
		_cleanup_close_ int upper = -1;

		r = registry_peek_upper(registry, session, share, &upper, NULL);
		if (r == 0)
			r = sum_tree(upper, &sum);
		else if (r == -ENOENT)
			r = 0;
	}
	if (r < 0) {
		record->usage_changed = 1;
		return r;
	}
	atomic_store(&record->used_bytes, (int64_t)(sum.bytes + 0.5));
	atomic_store(&record->used_files, (int64_t)(sum.files + 0.5));
	usage = usage_get(registry, session);
	if (usage_judge(registry->config, &usage) != USAGE_FULL)
		record->usage_refused = 0;
	record->usage_counted_boot_ns = clock_boot_ns();
	record->usage_took_ns = record->usage_counted_boot_ns - began;
	return 0;
}

static bool is_due(struct registry *registry, uint32_t session)
{
	const struct session_record *record = session_table_at(registry, session);
	struct usage usage = usage_get(registry, session);
	uint64_t pause = usage_judge(registry->config, &usage) == USAGE_BELOW ? COUNT_PAUSE_NS
									      : COUNT_PAUSE_NEAR_NS;

	if (!record->usage_counted_boot_ns)
		return true;
	if (!record->usage_changed)
		return false;
	if (pause < record->usage_took_ns * COUNT_PAUSE_TIMES)
		pause = record->usage_took_ns * COUNT_PAUSE_TIMES;
	return clock_boot_ns() - record->usage_counted_boot_ns >= pause;
}

void usage_sweep(struct registry *registry)
{
	if (!usage_limited(registry->config))
		return;
	for (uint32_t session = registry_next(registry, 0); session;
	     session = registry_next(registry, session))
		if (is_due(registry, session))
			(void)usage_count(registry, session);
}
