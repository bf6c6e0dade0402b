/* SPDX-License-Identifier: MIT */
#include "config/check.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"

bool share_name_reserved(const char *name)
{
	static const char *const reserved[] = {
		"self", "sessions", "locks", "metrics", "events", "ctl",
	};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (strcmp(reserved[i], name) == 0)
			return true;
	}
	return len >= 5 && strcmp(name + len - 5, ".json") == 0;
}

char *path_resolve(const char *path)
{
	_cleanup_free_ char *head = strdup(path);
	_cleanup_free_ char *real = NULL;
	char *result = NULL, *cut = NULL;

	if (!head)
		return NULL;
	/* Drops components from the end until the rest can be resolved. */
	while (!(real = realpath(head, NULL))) {
		if (errno != ENOENT && errno != ENOTCONN)
			return NULL;
		cut = strrchr(head, '/');
		if (!cut || cut == head)
			return strdup(path);
		*cut = '\0';
	}
	if (cut && asprintf(&result, "%s/%s", strcmp(real, "/") == 0 ? "" : real,
			    path + (cut - head) + 1) < 0)
		return NULL;
	return cut ? result : TAKE_PTR(real);
}

static int resolve_in_place(char **path, const char *what, struct err *err)
{
	char *resolved = path_resolve(*path);

	if (!resolved)
		return err_set_errno(err, ERR_PRECONDITION_FAILED, errno, "%s %.512s", what, *path);
	free(*path);
	*path = resolved;
	return 0;
}

static int check_reserved(const char *path, const char *origin, struct err *err)
{
	char first[NAME_MAX + 1];

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(path + 1, "/"), path + 1);
	if (!share_name_reserved(first))
		return 0;
	err_set(err, ERR_PRECONDITION_FAILED,
		"share %.256s (%s): \"%s\" is a name that the mount uses itself", path, origin,
		first);
	return err_suggest(err, "Give the directory another name, or bind it to another place.");
}

static int check_share(struct share_config *share, const char *origin, struct err *err)
{
	struct stat st;
	char *real = realpath(share->path, NULL);

	if (!real || stat(real, &st) < 0) {
		int saved = errno;

		free(real);
		return err_set_errno(err,
				     saved == ENOENT   ? ERR_NOT_FOUND
				     : saved == EACCES ? ERR_PERMISSION_DENIED
						       : ERR_PRECONDITION_FAILED,
				     saved, "share %.256s (%s)", share->path, origin);
	}
	free(share->path);
	share->path = real;
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_PRECONDITION_FAILED, "share %.256s (%s): not a directory",
			       real, origin);
	if (strcmp(real, "/") == 0)
		return err_set(err, ERR_VALIDATION_ERROR, "share (%s): \"/\" cannot be a share",
			       origin);
	return check_reserved(real, origin, err);
}

static int check_pair(const struct share_config *a, const struct share_config *b, struct err *err)
{
	if (strcmp(a->path, b->path) == 0)
		return err_set(err, ERR_VALIDATION_ERROR, "share %.256s is given twice", a->path);
	if (path_is_below(b->path, a->path)) {
		const struct share_config *swap = a;

		a = b;
		b = swap;
	}
	if (!path_is_below(a->path, b->path))
		return 0;
	err_set(err, ERR_PRECONDITION_FAILED,
		"share %.256s lies inside share %.256s: nested shares are not supported", a->path,
		b->path);
	return err_suggest(err, "Keep one of the two.");
}

static int check_against(const struct config *config, const struct share_config *share,
			 struct err *err)
{
	if (path_is_below(config->store, share->path)) {
		err_set(err, ERR_PRECONDITION_FAILED,
			"the store %.256s lies inside the share %.256s", config->store,
			share->path);
		return err_suggest(err, "Choose a store outside of every share: --store DIR");
	}
	if (path_is_below(share->path, config->store))
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "the share %.256s lies inside the store %.256s", share->path,
			       config->store);
	if (path_is_below(share->path, config->mountpoint))
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "the share %.256s lies below the mount point %.256s", share->path,
			       config->mountpoint);
	return 0;
}

static int check_store_and_mountpoint(const struct config *config, struct err *err)
{
	if (strcmp(config->mountpoint, "/") == 0 || strcmp(config->store, "/") == 0)
		return err_set(err, ERR_VALIDATION_ERROR, "\"/\" cannot be the %s",
			       config->mountpoint[1] ? "store" : "mount point");
	if (path_is_below(config->store, config->mountpoint))
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "the store %.256s lies below the mount point %.256s", config->store,
			       config->mountpoint);
	if (path_is_below(config->mountpoint, config->store))
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "the mount point %.256s lies inside the store %.256s",
			       config->mountpoint, config->store);
	return 0;
}

int draft_check(struct draft *draft, struct err *err)
{
	struct config *config = &draft->config;

	if (resolve_in_place(&config->mountpoint, "the mount point", err) < 0 ||
	    resolve_in_place(&config->store, "the store", err) < 0 ||
	    check_store_and_mountpoint(config, err) < 0)
		return -1;
	for (size_t i = 0; i < config->n_shares; i++) {
		if (check_share(&config->shares[i], draft->origins[i], err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++) {
			if (check_pair(&config->shares[i], &config->shares[j], err) < 0)
				return -1;
		}
		if (check_against(config, &config->shares[i], err) < 0)
			return -1;
	}
	return 0;
}
