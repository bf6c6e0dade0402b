/* SPDX-License-Identifier: MIT */
#include "store/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"

/* "%h" and 16 digits; no escape begins so. */
#define SHARE_HASH_LEN 18

void store_session_path(uid_t uid, const char *id, char ret[STORE_SESSION_PATH_SIZE])
{
	snprintf(ret, STORE_SESSION_PATH_SIZE, STORE_SESSIONS "/%u/%s", (unsigned int)uid, id);
}

/* A share at /meta must not get the name of the metadata, nor of a temporary of it. */
static bool first_is_ours(const char *name)
{
	return *name == '.' || !strncmp(name, STORE_META, strlen(STORE_META));
}

void store_share_name(const char *share_path, char ret[NAME_MAX + 1])
{
	const char *in = share_path;
	size_t len = 0;
	size_t cut = 0; /* where a whole character ends and the hash still fits */

	while (*in == '/')
		in++;
	for (; *in; in++) {
		char piece[4] = {*in, 0};
		size_t n = 1;

		if (*in == '%' || *in == '/' || (len == 0 && first_is_ours(in))) {
			snprintf(piece, sizeof(piece), "%%%02X", (unsigned char)*in);
			n = 3;
		}
		if (len + n > NAME_MAX) {
			snprintf(ret + cut, NAME_MAX + 1 - cut, "%%h%016llx",
				 (unsigned long long)XXH3_64bits(share_path, strlen(share_path)));
			return;
		}
		memcpy(ret + len, piece, n);
		len += n;
		if (len <= NAME_MAX - SHARE_HASH_LEN)
			cut = len;
	}
	ret[len] = 0;
}

void store_unique_name(struct store *store, char ret[STORE_TRASH_NAME_SIZE])
{
	snprintf(ret, STORE_TRASH_NAME_SIZE, "%llx-%x-%x", (unsigned long long)clock_real_ns(),
		 (unsigned int)getpid(), (unsigned int)atomic_fetch_add(&store->serial, 1));
}

int store_open_session(struct store *store, uid_t uid, const char *id)
{
	char path[STORE_SESSION_PATH_SIZE];

	store_session_path(uid, id, path);
	return sys_open_beneath(store->fd, path, O_RDONLY | O_DIRECTORY, 0);
}

int store_each_name(int fd, int (*fn)(int fd, const char *name, void *ctx), void *ctx)
{
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_close_ int own = sys_open_beneath(fd, "", O_RDONLY | O_DIRECTORY, 0);
	struct dirent *entry;
	int r;

	if (own < 0)
		return own;
	dir = fdopendir(own);
	if (!dir)
		return -errno;
	(void)TAKE_FD(own);
	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		r = fn(fd, entry->d_name, ctx);
		if (r)
			return r;
	}
}
