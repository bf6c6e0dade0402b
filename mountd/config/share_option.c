/* SPDX-License-Identifier: MIT */
/* The value of --share. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/check.h"
#include "config/share.h"
#include "config/suggest.h"

static int read_lock_timeout(struct share_config *share, const char *text, struct err *err)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end)
		return err_set(err, ERR_VALIDATION_ERROR, "\"%.64s\" is not a whole number", text);
	if (errno || number > SHARE_LOCK_TIMEOUT_MAX_MS)
		return err_set(err, ERR_VALIDATION_ERROR, "must be between 0 and %d",
			       SHARE_LOCK_TIMEOUT_MAX_MS);
	share->lock_timeout_ms = number;
	return 0;
}

static const struct part {
	const char *name;
	int (*read)(struct share_config *share, const char *text, struct err *err);
} parts[] = {
	{"mode", share_set_mode},
	{"lock", share_add_lock},
	{"merge", share_add_merge},
	{"passthrough", share_add_passthrough},
	{"lock_timeout_ms", read_lock_timeout},
	{"stale", share_set_stale},
};

/*
 * Cuts the next part off *rest (NULL: none is left). "\," becomes "," in the path; globs keep
 * it, where the backslash makes the comma literal anyway.
 */
static char *part_next(char **rest, bool unescape)
{
	char *begin = *rest, *to = begin, *from = begin;

	while (*from && *from != ',') {
		if (from[0] == '\\' && from[1]) {
			if (!unescape || from[1] != ',')
				*to++ = *from;
			from++;
		}
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : NULL;
	*to = '\0';
	return begin;
}

static int fail_part(const char *option, const char *part, struct err *err)
{
	struct err inner = *err;

	err_set(err, inner.code, "--share %.256s: %.256s: %s", option, part, inner.message);
	return inner.suggestion[0] ? err_suggest(err, "%s", inner.suggestion) : -1;
}

static int unknown_part(const char *name, struct err *err)
{
	const char *names[ARRAY_SIZE(parts)];
	const char *nearest;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		names[i] = parts[i].name;
	nearest = suggest_nearest(name, names, ARRAY_SIZE(names));
	err_set(err, ERR_VALIDATION_ERROR, "unknown share option");
	if (nearest)
		return err_suggest(err, "Did you mean \"%s=\"?", nearest);
	return err_suggest(err, "A comma that belongs to a path or glob is written \"\\,\".");
}

static int read_part(struct share_config *share, char *part, struct err *err)
{
	char *value = strchr(part, '=');

	if (!*part)
		return err_set(err, ERR_VALIDATION_ERROR, "empty part between commas");
	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (strcmp(parts[i].name, part) != 0)
			continue;
		if (!value)
			return err_set(err, ERR_VALIDATION_ERROR, "needs a value: %s=...", part);
		return parts[i].read(share, value, err);
	}
	return unknown_part(part, err);
}

static bool has_dot_dot(const char *path)
{
	for (const char *at = path; (at = strstr(at, "..")); at += 2)
		if ((at == path || at[-1] == '/') && (at[2] == '/' || !at[2]))
			return true;
	return false;
}

/* A path as a shell user writes it: relative, and with "..", of which what is there decides. */
static int read_path(struct share_config *share, const char *path, struct err *err)
{
	_cleanup_free_ char *absolute = NULL, *cwd = NULL, *resolved = NULL;

	if (!*path)
		return err_set(err, ERR_VALIDATION_ERROR, "the path is missing");
	if (*path == '/' && !has_dot_dot(path))
		return share_set_path(share, path, err);
	cwd = *path == '/' ? strdup("") : getcwd(NULL, 0);
	if (!cwd)
		return err_set_errno(err, ERR_IO_ERROR, errno, "the working directory");
	if (asprintf(&absolute, "%s%s%s", cwd, *path == '/' ? "" : "/", path) < 0) {
		absolute = NULL;
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	}
	resolved = path_resolve(absolute);
	return share_set_path(share, resolved ? resolved : absolute, err);
}

int share_parse_option(const char *text, struct share_config *ret_share, struct err *err)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy;
	struct share_config share;

	if (!copy)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	share_init(&share);
	if (read_path(&share, part_next(&rest, true), err) < 0) {
		fail_part(text, "path", err);
		goto fail;
	}
	while (rest) {
		char *part = part_next(&rest, false);
		_cleanup_free_ char *shown = strdup(part);

		if (read_part(&share, part, err) < 0) {
			fail_part(text, shown ? shown : "", err);
			goto fail;
		}
	}
	*ret_share = share;
	return 0;
fail:
	share_release(&share);
	return -1;
}
