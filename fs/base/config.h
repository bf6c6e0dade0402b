/* SPDX-License-Identifier: MIT */
/*
 * What an instance was asked to do: made by mountd/config from files and options (SPEC section
 * 11), read by everything else, never changed after the mount.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARE_LOCK_TIMEOUT_MAX_MS 86400000 /* a day */

enum share_mode { SHARE_OVERLAY, SHARE_EMPTY, SHARE_DIRECT };

#define SHARES_MAX 64

/* A list of owned strings. */
struct string_list {
	char **items;
	size_t count;
};

struct share_config {
	char *path; /* absolute, normalised, symlinks resolved; no trailing slash */
	enum share_mode mode;
	struct string_list lock;        /* globs given by the user, appended to the defaults */
	struct string_list merge;       /* likewise */
	struct string_list passthrough; /* globs that replace the defaults where count > 0 */
	uint64_t lock_timeout_ms;
	bool stale_report; /* "stale": "report" */
	/*
	 * The lower: an O_PATH fd of a private clone of the share's mounts (open_tree), opened
	 * before our own mount, so that no walk below it can ever enter us. -1 until then.
	 */
	int lower_fd;
};

struct config {
	char *mountpoint; /* absolute */
	char *store;      /* absolute */
	struct share_config *shares;
	size_t n_shares;                         /* 1 to SHARES_MAX */
	struct string_list identify_environment; /* names or templates such as ${A}.${B} */
	uint64_t idle_ttl_ns;                    /* default 24 h; 0: never */
	uint64_t max_bytes;                      /* per session; 0: no limit */
	uint64_t max_files;                      /* per session; 0: no limit */
	uint32_t max_sessions;                   /* default 100000 */
	bool no_passthrough;
	bool foreground;
};

#define CONFIG_DEFAULT_MOUNTPOINT "/run/sessionfs"
#define CONFIG_DEFAULT_STORE "/var/lib/sessionfs"

void config_release(struct config *config);
const char *share_mode_name(enum share_mode mode); /* "overlay", "empty", "direct" */
/* The share's path without the leading slash: its place below a session. Borrowed. */
static inline const char *share_relative(const struct share_config *share)
{
	return share->path + 1;
}
