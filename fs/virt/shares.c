/* SPDX-License-Identifier: MIT */
#include "virt/shares.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

/* Sockets and directories of sockets that host programs put into temp directories. */
static const char *const passthrough_defaults[] = {
	".X11-unix", ".ICE-unix", "ssh-*",      "tmux-*",     "screen*",
	"dbus-*",    "vscode-*",  ".s.PGSQL.*", "mysql.sock",
};

/* What follows `dir` and a slash in `path`; "" where they are the same; NULL where it is not below. */
__attribute__((nonnull)) static const char *below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 0)
		return path;
	if (strncmp(path, dir, len) != 0)
		return NULL;
	if (path[len] == '\0')
		return path + len;
	return path[len] == '/' ? path + len + 1 : NULL;
}

const char *shares_rest(const struct share_config *share, const char *path)
{
	return below(path, share_relative(share));
}

enum share_place shares_place(const struct config *config, const char *path, uint32_t *ret_share)
{
	enum share_place place = SHARE_NOWHERE;
	uint32_t innermost = 0;
	size_t longest = 0;

	for (uint32_t i = 0; i < config->n_shares; i++) {
		const char *root = share_relative(&config->shares[i]);
		const char *rest = below(path, root);
		enum share_place here = SHARE_NOWHERE;

		if (rest)
			here = *rest ? SHARE_BELOW : SHARE_ROOT;
		else if (below(root, path))
			here = SHARE_ABOVE;
		if (rest && strlen(root) >= longest) {
			innermost = i;
			longest = strlen(root);
		}
		if (here == SHARE_ROOT || (here == SHARE_ABOVE && place != SHARE_ROOT) ||
		    place == SHARE_NOWHERE)
			place = here;
	}
	if (ret_share && (place == SHARE_ROOT || place == SHARE_BELOW))
		*ret_share = innermost;
	return place;
}

void shares_add_next(const struct config *config, const char *path, uint32_t dir_mode,
		     uint32_t root_mode, struct name_set *set)
{
	for (size_t i = 0; i < config->n_shares; i++) {
		const char *rest = below(share_relative(&config->shares[i]), path);
		size_t len;

		if (!rest || !*rest)
			continue;
		len = strcspn(rest, "/");
		name_set_add(set, rest, len, rest[len] ? dir_mode : root_mode);
	}
}

void *shares_passthrough(const struct share_config *share)
{
	const struct string_list *own = &share->passthrough;
	size_t count = own->count ? own->count : ARRAY_SIZE(passthrough_defaults);
	json_t *globs = json_array();

	for (size_t i = 0; globs && i < count; i++)
		json_array_append_new(globs, json_text(own->count ? own->items[i]
								  : passthrough_defaults[i]));
	return globs;
}
