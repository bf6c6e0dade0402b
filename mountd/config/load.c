/* SPDX-License-Identifier: MIT */
#include "config/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "config/check.h"
#include "config/draft.h"
#include "config/share.h"

/* Visible names that end in ".json". */
static int is_fragment(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

/* Not alphasort(): the order must not depend on the locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_fragments(struct draft *draft, const char *dir, struct err *err)
{
	struct dirent **names = NULL;
	char path[PATH_MAX];
	int n, r = 0;

	snprintf(path, sizeof(path), "%s/config.d", dir);
	n = scandir(path, &names, is_fragment, by_bytes);
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0)
		return err_set_errno(err, errno == EACCES ? ERR_PERMISSION_DENIED : ERR_IO_ERROR,
				     errno, "%.512s", path);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/config.d/%s", dir, names[i]->d_name);
		if (r == 0)
			r = draft_read_file(draft, path, err);
		free(names[i]);
	}
	free(names);
	return r;
}

static int read_files(struct draft *draft, const struct mount_options *options, const char *dir,
		      struct err *err)
{
	char path[PATH_MAX];

	if (options->config_file)
		return draft_read_file(draft, options->config_file, err);
	snprintf(path, sizeof(path), "%s/config.json", dir);
	if (draft_read_file(draft, path, err) < 0 && err->code != ERR_NOT_FOUND)
		return -1;
	return read_fragments(draft, dir, err);
}

/* Replaces *path by the option's value, made absolute; ".." may stand where the path exists. */
static int override_path(char **path, const char *option, const char *value, struct err *err)
{
	_cleanup_free_ char *absolute = NULL, *cwd = NULL, *resolved = NULL;
	char *normal;

	if (!value)
		return 0;
	if (*value != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return err_set_errno(err, ERR_IO_ERROR, errno, "the working directory");
	}
	if (asprintf(&absolute, "%s%s%s", cwd ? cwd : "", cwd ? "/" : "", value) < 0) {
		absolute = NULL;
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	}
	resolved = path_resolve(absolute);
	normal = path_normalise(resolved ? resolved : absolute);
	if (!normal)
		return err_set(err, ERR_VALIDATION_ERROR,
			       "%s: \"%.256s\" has \"..\" where nothing exists", option, value);
	free(*path);
	*path = normal;
	return 0;
}

static int apply_shares(struct draft *draft, const struct mount_options *options, struct err *err)
{
	if (options->n_shares) {
		draft_drop_shares(draft);
		draft_begin_source(draft);
	}
	for (size_t i = 0; i < options->n_shares; i++) {
		struct share_config share;

		if (share_parse_option(options->shares[i], &share, err) < 0)
			return -1;
		if (draft_put_share_consume(draft, &share, "--share", err) < 0) {
			struct err inner = *err;

			return err_set(err, inner.code, "--share: %s", inner.message);
		}
	}
	return 0;
}

static int apply_default_share(struct draft *draft, struct err *err)
{
	struct share_config share;

	if (draft->config.n_shares)
		return 0;
	share_init(&share);
	if (share_set_path(&share, CONFIG_DEFAULT_SHARE, err) < 0)
		return -1;
	return draft_put_share_consume(draft, &share, "the default", err);
}

static int apply_options(struct draft *draft, const struct mount_options *options, struct err *err)
{
	struct config *config = &draft->config;

	if (override_path(&config->mountpoint, "MOUNTPOINT", options->mountpoint, err) < 0 ||
	    override_path(&config->store, "--store", options->store, err) < 0 ||
	    apply_shares(draft, options, err) < 0 || apply_default_share(draft, err) < 0)
		return -1;
	config->foreground = options->foreground;
	config->no_passthrough = options->no_passthrough;
	return 0;
}

int config_load(const struct mount_options *options, const char *dir, struct config *ret_config,
		struct err *err)
{
	struct draft draft;

	if (draft_init(&draft, err) < 0)
		return -1;
	if (read_files(&draft, options, dir, err) < 0 || apply_options(&draft, options, err) < 0 ||
	    draft_check(&draft, err) < 0) {
		draft_release(&draft);
		return -1;
	}
	*ret_config = draft.config;
	draft.config = (struct config){0};
	draft_release(&draft);
	return 0;
}
