/* SPDX-License-Identifier: MIT */
/* The configuration file: which keys there are, and what each value must be (SPEC section 11). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/sys.h"
#include "config/draft.h"
#include "config/share.h"
#include "config/size.h"
#include "config/source.h"
#include "config/variable.h"

#define CONFIG_FILE_MAX (1u << 20)

/* A share while it is read. */
struct share_reader {
	struct draft *draft;
	struct share_config share;
};

static int read_text_into(struct source *source, json_t *value, struct share_config *share,
			  int (*set)(struct share_config *share, const char *text, struct err *err),
			  struct err *err)
{
	const char *text;

	if (source_string(source, value, &text, err) < 0)
		return -1;
	return set(share, text, err) < 0 ? source_fail_with(source, err) : 0;
}

#define SHARE_TEXT_READER(name, set)                                                               \
	static int name(struct source *source, json_t *value, void *target, struct err *err)       \
	{                                                                                          \
		struct share_reader *reader = target;                                              \
                                                                                                   \
		return read_text_into(source, value, &reader->share, set, err);                    \
	}

#define SHARE_LIST_READER(name, read_item)                                                         \
	static int name(struct source *source, json_t *value, void *target, struct err *err)       \
	{                                                                                          \
		return source_array(source, value, read_item, target, err);                        \
	}

SHARE_TEXT_READER(read_share_path, share_set_path)
SHARE_TEXT_READER(read_share_mode, share_set_mode)
SHARE_TEXT_READER(read_share_stale, share_set_stale)
SHARE_TEXT_READER(read_lock_glob, share_add_lock)
SHARE_TEXT_READER(read_merge_glob, share_add_merge)
SHARE_TEXT_READER(read_passthrough_glob, share_add_passthrough)
SHARE_LIST_READER(read_share_lock, read_lock_glob)
SHARE_LIST_READER(read_share_merge, read_merge_glob)
SHARE_LIST_READER(read_share_passthrough, read_passthrough_glob)

static int read_share_lock_timeout(struct source *source, json_t *value, void *target,
				   struct err *err)
{
	struct share_reader *reader = target;
	int64_t number;

	if (source_integer(source, value, 0, SHARE_LOCK_TIMEOUT_MAX_MS, &number, err) < 0)
		return -1;
	reader->share.lock_timeout_ms = (uint64_t)number;
	return 0;
}

static const struct source_key share_keys[] = {
	{"path", read_share_path},
	{"mode", read_share_mode},
	{"lock", read_share_lock},
	{"merge", read_share_merge},
	{"passthrough", read_share_passthrough},
	{"lock_timeout_ms", read_share_lock_timeout},
	{"stale", read_share_stale},
};

static int read_share(struct source *source, json_t *value, void *target, struct err *err)
{
	struct share_reader reader = {.draft = target};
	char origin[DRAFT_ORIGIN_MAX];

	share_init(&reader.share);
	if (source_object(source, value, share_keys, ARRAY_SIZE(share_keys), &reader, err) < 0) {
		share_release(&reader.share);
		return -1;
	}
	if (!reader.share.path) {
		share_release(&reader.share);
		return source_fail(source, err, "the key \"path\" is missing");
	}
	source_place(source, origin, sizeof(origin));
	if (draft_put_share_consume(reader.draft, &reader.share, origin, err) < 0)
		return source_fail_with(source, err);
	return 0;
}

static int read_shares(struct source *source, json_t *value, void *target, struct err *err)
{
	return source_array(source, value, read_share, target, err);
}

static int read_absolute(struct source *source, json_t *value, char **path, struct err *err)
{
	const char *text;
	char *normal;

	if (source_string(source, value, &text, err) < 0)
		return -1;
	normal = path_normalise(text);
	if (!normal && errno == ENOMEM)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	if (!normal)
		return source_fail(source, err, "\"%.256s\" is not an absolute path without \"..\"",
				   text);
	free(*path);
	*path = normal;
	return 0;
}

static int read_mountpoint(struct source *source, json_t *value, void *target, struct err *err)
{
	struct draft *draft = target;

	return read_absolute(source, value, &draft->config.mountpoint, err);
}

static int read_store(struct source *source, json_t *value, void *target, struct err *err)
{
	struct draft *draft = target;

	return read_absolute(source, value, &draft->config.store, err);
}

static int read_variable(struct source *source, json_t *value, void *target, struct err *err)
{
	struct string_list *list = target;
	const char *text, *why;

	if (source_string(source, value, &text, err) < 0)
		return -1;
	why = variable_check(text);
	if (why)
		return source_fail(source, err, "\"%.128s\": %s", text, why);
	return string_list_add(list, text, err);
}

static int read_environment(struct source *source, json_t *value, void *target, struct err *err)
{
	struct draft *draft = target;
	struct string_list *list = &draft->config.identify_environment;

	string_list_release(list);
	return source_array(source, value, read_variable, list, err);
}

static const struct source_key identify_keys[] = {
	{"environment", read_environment},
};

static int read_identify(struct source *source, json_t *value, void *target, struct err *err)
{
	return source_object(source, value, identify_keys, ARRAY_SIZE(identify_keys), target, err);
}

static int read_idle_ttl(struct source *source, json_t *value, void *target, struct err *err)
{
	struct draft *draft = target;
	const char *text;

	if (source_string(source, value, &text, err) < 0)
		return err_suggest(err, "Write a duration such as \"24h\".");
	if (clock_parse_duration(text, &draft->config.idle_ttl_ns) < 0)
		return source_fail(source, err,
				   "\"%.64s\" is not a duration such as \"24h\" or \"90m\"", text);
	return 0;
}

/* A count of bytes: a number, or text with a unit. */
static int read_max_bytes(struct source *source, json_t *value, void *target, struct err *err)
{
	struct draft *draft = target;
	int64_t number;

	if (json_is_string(value)) {
		if (size_parse(json_string_value(value), &draft->config.max_bytes) < 0)
			return source_fail(source, err,
					   "\"%.64s\" is not a size such as \"10G\": " SIZE_RULE,
					   json_string_value(value));
		return 0;
	}
	if (!json_is_integer(value))
		return source_fail(source, err, "must be a size such as \"10G\": " SIZE_RULE);
	if (source_integer(source, value, 0, INT64_MAX, &number, err) < 0)
		return -1;
	draft->config.max_bytes = (uint64_t)number;
	return 0;
}

static int read_max_files(struct source *source, json_t *value, void *target, struct err *err)
{
	struct draft *draft = target;
	int64_t number;

	if (source_integer(source, value, 0, INT64_MAX, &number, err) < 0)
		return -1;
	draft->config.max_files = (uint64_t)number;
	return 0;
}

static int read_max_sessions(struct source *source, json_t *value, void *target, struct err *err)
{
	struct draft *draft = target;
	int64_t number;

	if (source_integer(source, value, 1, CONFIG_MAX_SESSIONS, &number, err) < 0)
		return -1;
	draft->config.max_sessions = (uint32_t)number;
	return 0;
}

static const struct source_key session_keys[] = {
	{"idle_ttl", read_idle_ttl},
	{"max_bytes", read_max_bytes},
	{"max_files", read_max_files},
	{"max_sessions", read_max_sessions},
};

static int read_sessions(struct source *source, json_t *value, void *target, struct err *err)
{
	return source_object(source, value, session_keys, ARRAY_SIZE(session_keys), target, err);
}

static const struct source_key top_keys[] = {
	{"mountpoint", read_mountpoint}, {"store", read_store},       {"shares", read_shares},
	{"identify", read_identify},     {"sessions", read_sessions},
};

int draft_read_text(struct draft *draft, const char *name, const char *text, size_t len,
		    struct err *err)
{
	_cleanup_json_ json_t *json = json_parse(text, len, name, err);
	struct source source = {.name = name, .text = text, .len = len};

	if (!json)
		return -1;
	draft_begin_source(draft);
	return source_object(&source, json, top_keys, ARRAY_SIZE(top_keys), draft, err);
}

int draft_read_file(struct draft *draft, const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	ssize_t len = sys_read_file(AT_FDCWD, path, CONFIG_FILE_MAX, &text);

	if (len == -ENOENT || len == -ENOTDIR)
		return err_set_errno(err, ERR_NOT_FOUND, (int)-len, "%.512s", path);
	if (len == -EACCES || len == -EPERM)
		return err_set_errno(err, ERR_PERMISSION_DENIED, (int)-len, "%.512s", path);
	if (len == -EISDIR)
		return err_set_errno(err, ERR_VALIDATION_ERROR, EISDIR, "%.512s", path);
	if (len < 0)
		return err_set_errno(err, ERR_IO_ERROR, (int)-len, "%.512s", path);
	return draft_read_text(draft, path, text, (size_t)len, err);
}
