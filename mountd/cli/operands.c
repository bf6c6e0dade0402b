/* SPDX-License-Identifier: MIT */
#include "cli/operands.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "cli/verb.h"

int operand_check_session(const char *text, const char *what, struct err *err)
{
	size_t digits = strspn(text, "0123456789");
	const char *id = digits > 0 && digits <= 10 && text[digits] == '/' ? text + digits + 1
									   : text;
	_cleanup_buf_ struct buf quoted = {0};

	if (path_is_session_id(id))
		return 0;
	buf_add_shell_quoted(&quoted, text);
	err_set(err, ERR_VALIDATION_ERROR, "%s: %.200s is no session id", what, quoted.data);
	return err_suggest(err, "A session id has 1 to 64 of A-Z a-z 0-9 . _ : - and begins with "
				"a letter or a digit");
}

/* The text with its parent directory resolved by the kernel; NULL where that is not there. */
static char *resolve_parent(const char *path)
{
	const char *base = strrchr(path, '/') + 1;
	_cleanup_free_ char *parent = strndup(path, (size_t)(base - path));
	_cleanup_free_ char *resolved = parent ? realpath(parent, NULL) : NULL;
	struct buf whole = {0};

	if (!resolved || !base[0] || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return NULL;
	buf_add_format(&whole, "%s%s%s", resolved, strcmp(resolved, "/") == 0 ? "" : "/", base);
	return buf_failed(&whole) ? NULL : whole.data;
}

static char *make_absolute(const char *text, struct err *err)
{
	_cleanup_free_ char *cwd = NULL;
	struct buf whole = {0};

	if (text[0] == '/')
		return strdup(text);
	cwd = getcwd(NULL, 0);
	if (!cwd) {
		err_set_errno(err, ERR_VALIDATION_ERROR, errno,
			      "the working directory has no path, so %s cannot be found", text);
		return NULL;
	}
	buf_add_format(&whole, "%s/%s", cwd, text);
	return buf_failed(&whole) ? NULL : whole.data;
}

char *operand_path(const char *text, struct err *err)
{
	_cleanup_free_ char *absolute = NULL, *plain = NULL;
	_cleanup_buf_ struct buf quoted = {0};
	size_t len = strlen(text);
	char *path;

	err_set(err, ERR_VALIDATION_ERROR, "a path may not be empty");
	absolute = len ? make_absolute(text, err) : NULL;
	if (!absolute)
		return NULL;
	/* "dir/" means dir. */
	for (len = strlen(absolute); len > 1 && absolute[len - 1] == '/'; len--)
		absolute[len - 1] = 0;
	path = resolve_parent(absolute);
	if (!path)
		path = strcmp(absolute, "/") ? realpath(absolute, NULL) : NULL;
	plain = path ? path : TAKE_PTR(absolute);
	path = path_normalise(plain);
	if (!path) {
		buf_add_shell_quoted(&quoted, text);
		err_set(err, ERR_VALIDATION_ERROR, "%s is no path that can be normalised",
			quoted.data);
	}
	return path;
}

static int append_raw(json_t *array, const char *path)
{
	_cleanup_free_ char *encoded = base64_encode(path, strlen(path));

	return json_array_append_new(array, encoded ? json_string(encoded) : NULL);
}

int operand_paths(const struct args *args, size_t first, json_t *request, struct err *err)
{
	_cleanup_json_ json_t *paths = json_array(), *raw = json_array();
	bool all_lossless = true;

	for (size_t i = first; i < args_operand_count(args); i++) {
		_cleanup_free_ char *path = operand_path(args_operand(args, i), err);
		bool lossless;

		if (!path)
			return -1;
		if (json_array_append_new(paths, json_text_n(path, strlen(path), &lossless)) < 0 ||
		    append_raw(raw, path) < 0)
			return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
		all_lossless = all_lossless && lossless;
	}
	if (json_array_size(paths))
		json_object_set(request, "paths", paths);
	if (!all_lossless)
		json_object_set(request, "paths_b64", raw);
	return 0;
}
