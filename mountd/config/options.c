/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/suggest.h"

static const char *const option_names[] = {
	"mountpoint",     "store",    "share", "config",  "foreground",
	"no-passthrough", "ready-fd", "help",  "version",
};

static int unknown_option(const char *word, struct err *err)
{
	char name[64];
	const char *nearest;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	nearest = suggest_nearest(name, option_names, ARRAY_SIZE(option_names));
	err_set(err, ERR_VALIDATION_ERROR, "unknown option %.128s", word);
	if (nearest)
		return err_suggest(err, "Did you mean --%s?", nearest);
	return err_suggest(err, "See: sessionfs mount --help");
}

static int set_ready_fd(struct mount_options *options, const char *text, struct err *err)
{
	char *end;
	long fd = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || fd > 65535 || fcntl((int)fd, F_GETFD) < 0)
		return err_set(err, ERR_VALIDATION_ERROR,
			       "--ready-fd: \"%.32s\" is not an open file descriptor", text);
	options->ready_fd = (int)fd;
	return 0;
}

static int set_mountpoint(struct mount_options *options, const char *text, struct err *err)
{
	if (options->mountpoint)
		return err_set(err, ERR_VALIDATION_ERROR,
			       "more than one mount point: %.256s, %.256s", options->mountpoint,
			       text);
	if (!*text)
		return err_set(err, ERR_VALIDATION_ERROR, "the mount point is empty");
	options->mountpoint = text;
	return 0;
}

/* Where an option's value goes; NULL for those that are no plain text. */
static const char **text_option(struct mount_options *options, const char *name)
{
	if (strcmp(name, "store") == 0)
		return &options->store;
	if (strcmp(name, "config") == 0)
		return &options->config_file;
	return NULL;
}

static bool *flag_option(struct mount_options *options, const char *name)
{
	if (strcmp(name, "foreground") == 0)
		return &options->foreground;
	if (strcmp(name, "no-passthrough") == 0)
		return &options->no_passthrough;
	if (strcmp(name, "help") == 0)
		return &options->help;
	if (strcmp(name, "version") == 0)
		return &options->version;
	return NULL;
}

static int set_value(struct mount_options *options, const char *name, const char *value,
		     struct err *err)
{
	const char **text = text_option(options, name);

	if (!*value)
		return err_set(err, ERR_VALIDATION_ERROR, "--%s needs a value", name);
	if (text)
		*text = value;
	else if (strcmp(name, "share") == 0)
		options->shares[options->n_shares++] = value;
	else if (strcmp(name, "ready-fd") == 0)
		return set_ready_fd(options, value, err);
	else
		return set_mountpoint(options, value, err);
	return 0;
}

static bool option_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_names); i++) {
		if (strcmp(option_names[i], name) == 0)
			return true;
	}
	return false;
}

/* One word that begins with "--"; *next is the argument after it. */
static int take_option(struct mount_options *options, int argc, char **argv, int *next,
		       struct err *err)
{
	const char *word = argv[*next - 1];
	const char *equals = strchr(word, '=');
	_cleanup_free_ char *name = strndup(word + 2, strcspn(word + 2, "="));
	bool *flag;

	if (!name)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	if (!option_known(name))
		return unknown_option(word, err);
	flag = flag_option(options, name);
	if (flag) {
		if (equals)
			return err_set(err, ERR_VALIDATION_ERROR, "--%s takes no value", name);
		*flag = true;
		return 0;
	}
	if (equals)
		return set_value(options, name, equals + 1, err);
	if (*next >= argc || strncmp(argv[*next], "--", 2) == 0)
		return err_set(err, ERR_VALIDATION_ERROR, "--%s needs a value", name);
	return set_value(options, name, argv[(*next)++], err);
}

int mount_options_parse(int argc, char **argv, struct mount_options *ret_options, struct err *err)
{
	struct mount_options options = {.ready_fd = -1};
	bool words_only = false;
	int next = 1, r = 0;

	options.shares = calloc((size_t)(argc > 0 ? argc : 1), sizeof(*options.shares));
	if (!options.shares)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	while (next < argc && r == 0) {
		const char *word = argv[next++];

		if (words_only || word[0] != '-')
			r = set_mountpoint(&options, word, err);
		else if (strcmp(word, "--") == 0)
			words_only = true;
		else if (word[1] == '-')
			r = take_option(&options, argc, argv, &next, err);
		else
			r = err_set(err, ERR_VALIDATION_ERROR, "unknown option %.128s", word);
	}
	if (r < 0) {
		mount_options_release(&options);
		return -1;
	}
	*ret_options = options;
	return 0;
}

void mount_options_release(struct mount_options *options)
{
	free(options->shares);
	*options = (struct mount_options){.ready_fd = -1};
}

/* "--name=value", so that a value may begin with dashes. */
static bool add_value(char **argv, size_t *n, const char *name, const char *value)
{
	return !value || asprintf(&argv[(*n)++], "--%s=%s", name, value) >= 0;
}

char **mount_options_argv(const struct mount_options *options, const char *program)
{
	char **argv = calloc(options->n_shares + 8, sizeof(*argv));
	char ready_fd[16];
	size_t n = 0;
	bool ok = argv;

	if (!ok)
		return NULL;
	argv[n++] = strdup(program);
	ok = ok && add_value(argv, &n, "mountpoint", options->mountpoint);
	ok = ok && add_value(argv, &n, "store", options->store);
	ok = ok && add_value(argv, &n, "config", options->config_file);
	for (size_t i = 0; i < options->n_shares; i++)
		ok = ok && add_value(argv, &n, "share", options->shares[i]);
	snprintf(ready_fd, sizeof(ready_fd), "%d", options->ready_fd);
	ok = ok && add_value(argv, &n, "ready-fd", options->ready_fd >= 0 ? ready_fd : NULL);
	if (ok && options->foreground)
		argv[n++] = strdup("--foreground");
	if (ok && options->no_passthrough)
		argv[n++] = strdup("--no-passthrough");
	return ok ? argv : NULL;
}
