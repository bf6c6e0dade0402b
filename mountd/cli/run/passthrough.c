/* SPDX-License-Identifier: MIT */
#include "cli/run/passthrough.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/path.h"
#include "cli/run/views.h"

static bool matches_any(const json_t *globs, const char *name)
{
	json_t *glob;
	size_t i;

	json_array_foreach(globs, i, glob)
	{
		const char *text = json_string_value(glob);

		if (text && path_glob_match(text, name))
			return true;
	}
	return false;
}

static bool is_passable(mode_t mode)
{
	return S_ISSOCK(mode) || S_ISFIFO(mode) || S_ISDIR(mode);
}

/* Most entries of a share are regular files; the directory tells, without a stat of each. */
static bool may_be_passable(unsigned char type)
{
	return type == DT_UNKNOWN || type == DT_SOCK || type == DT_FIFO || type == DT_DIR;
}

static void add_entry(const char *share_path, const char *name, struct binds *binds)
{
	_cleanup_buf_ struct buf path = {0};
	struct stat st;

	buf_add_format(&path, "%s/%s", share_path, name);
	if (buf_failed(&path) || lstat(path.data, &st) < 0 || !is_passable(st.st_mode))
		return;
	binds_add(binds, path.data, path.data, true, true);
}

void passthrough_add_share(const json_t *share, struct binds *binds)
{
	const char *path = json_string_value(json_object_get(share, "path"));
	const json_t *globs = json_object_get(share, "passthrough");
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;

	if (!path || json_array_size(globs) == 0)
		return;
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (may_be_passable(entry->d_type) && matches_any(globs, entry->d_name))
			add_entry(path, entry->d_name, binds);
	}
}

static bool is_socket_variable(const char *name, size_t len)
{
	static const char suffix[] = "_SOCK";
	size_t suffix_len = sizeof(suffix) - 1;

	if (len == 4 && memcmp(name, "TMUX", 4) == 0)
		return true;
	return len > suffix_len && memcmp(name + len - suffix_len, suffix, suffix_len) == 0;
}

char *passthrough_socket_of(const char *entry)
{
	size_t name_len = strcspn(entry, "=");
	const char *value = entry + name_len + 1;

	if (!entry[name_len] || !is_socket_variable(entry, name_len) || value[0] != '/')
		return NULL;
	/* TMUX is "socket,pid,session". */
	if (strncmp(entry, "TMUX=", 5) == 0)
		return strndup(value, strcspn(value, ","));
	return strdup(value);
}

void passthrough_add_environment(const json_t *shares, struct binds *binds)
{
	for (char **entry = environ; *entry; entry++) {
		_cleanup_free_ char *named = passthrough_socket_of(*entry);
		_cleanup_free_ char *path = named ? path_normalise(named) : NULL;
		struct stat st;

		if (!path || !views_share_of(shares, path) || binds_cover(binds, path))
			continue;
		if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
			binds_add(binds, path, path, false, true);
	}
}
