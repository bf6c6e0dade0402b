/* SPDX-License-Identifier: MIT */
#include "config/share.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "config/suggest.h"

void share_init(struct share_config *share)
{
	*share = (struct share_config){.mode = SHARE_OVERLAY, .lower_fd = -1};
}

void string_list_release(struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct string_list){0};
}

void share_release(struct share_config *share)
{
	free(share->path);
	string_list_release(&share->lock);
	string_list_release(&share->merge);
	string_list_release(&share->passthrough);
	cleanup_close(&share->lower_fd);
	share_init(share);
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
}

int string_list_add(struct string_list *list, const char *text, struct err *err)
{
	char **items = reallocarray(list->items, list->count + 1, sizeof(*items));
	char *copy = strdup(text);

	if (items)
		list->items = items;
	if (!items || !copy) {
		free(copy);
		return no_memory(err);
	}
	list->items[list->count++] = copy;
	return 0;
}

int share_set_path(struct share_config *share, const char *path, struct err *err)
{
	char *normal = path_normalise(path);

	if (!normal && errno == ENOMEM)
		return no_memory(err);
	if (!normal)
		return err_set(err, ERR_VALIDATION_ERROR,
			       "\"%.256s\" is not an absolute path without \"..\"", path);
	if (strcmp(normal, "/") == 0) {
		free(normal);
		return err_set(err, ERR_VALIDATION_ERROR, "\"/\" cannot be a share");
	}
	free(share->path);
	share->path = normal;
	return 0;
}

int share_set_mode(struct share_config *share, const char *name, struct err *err)
{
	static const char *const names[] = {"overlay", "empty", "direct"};
	static const enum share_mode modes[] = {SHARE_OVERLAY, SHARE_EMPTY, SHARE_DIRECT};
	const char *nearest;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], name) == 0) {
			share->mode = modes[i];
			return 0;
		}
	}
	err_set(err, ERR_VALIDATION_ERROR, "\"%.64s\" is none of overlay, empty, direct", name);
	nearest = suggest_nearest(name, names, ARRAY_SIZE(names));
	return nearest ? err_suggest(err, "Did you mean \"%s\"?", nearest) : -1;
}

int share_set_stale(struct share_config *share, const char *text, struct err *err)
{
	if (strcmp(text, "release") != 0 && strcmp(text, "report") != 0)
		return err_set(err, ERR_VALIDATION_ERROR, "\"%.64s\" is neither release nor report",
			       text);
	share->stale_report = strcmp(text, "report") == 0;
	return 0;
}

/* `glob` without its "!"; `given` as it was written. */
static int glob_check(const char *glob, const char *given, struct err *err)
{
	const char *why;

	if (!*glob)
		return err_set(err, ERR_VALIDATION_ERROR, "bad glob \"%.256s\": it is empty",
			       given);
	if (*glob == '/') {
		err_set(err, ERR_VALIDATION_ERROR,
			"bad glob \"%.256s\": globs are relative to the share", given);
		return err_suggest(err, "Leave out the leading \"/\".");
	}
	why = path_glob_check(glob);
	if (why)
		return err_set(err, ERR_VALIDATION_ERROR, "bad glob \"%.256s\": %s", given, why);
	return 0;
}

static int add_rule(struct string_list *list, const char *glob, struct err *err)
{
	if (glob_check(glob + (*glob == '!'), glob, err) < 0)
		return -1;
	return string_list_add(list, glob, err);
}

int share_add_lock(struct share_config *share, const char *glob, struct err *err)
{
	return add_rule(&share->lock, glob, err);
}

int share_add_merge(struct share_config *share, const char *glob, struct err *err)
{
	return add_rule(&share->merge, glob, err);
}

int share_add_passthrough(struct share_config *share, const char *glob, struct err *err)
{
	if (*glob == '!')
		return err_set(err, ERR_VALIDATION_ERROR,
			       "bad glob \"%.256s\": passthrough globs cannot exclude", glob);
	if (glob_check(glob, glob, err) < 0)
		return -1;
	return string_list_add(&share->passthrough, glob, err);
}
