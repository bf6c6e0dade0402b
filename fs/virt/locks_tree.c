/* SPDX-License-Identifier: MIT */
/*
 * locks/<share path>/<name>.json: one file per held lock of the lower, at the lock's path; one that an
 * outsider holds is found by its path, and not listed.
 *
 * What is seen depends on who asks and changes with every lock, so nothing here is `stable`. Locks
 * that are private to a session are not in this tree, for two sessions may hold one each at the
 * same path; locks.json has them.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/path.h"
#include "lock/answer.h"
#include "virt/files.h"
#include "virt/name_set.h"
#include "virt/shares.h"
#include "virt/visible.h"

#define SUFFIX ".json"
#define SUFFIX_LEN 5
#define NAME_LONGEST 255
#define HASH_LEN 16

/*
 * The name under which a lock's own name is shown: with the suffix; cut where that would be too
 * long for a name, then ending in the hash of the whole.
 */
static void shown_name(const char *name, char ret[NAME_LONGEST + 1])
{
	size_t len = strlen(name);
	size_t keep = NAME_LONGEST - SUFFIX_LEN - HASH_LEN - 1;

	if (len + SUFFIX_LEN <= NAME_LONGEST) {
		snprintf(ret, NAME_LONGEST + 1, "%s" SUFFIX, name);
		return;
	}
	/* Not in the middle of a UTF-8 sequence. */
	while (keep > 0 && ((unsigned char)name[keep] & 0xc0) == 0x80)
		keep--;
	snprintf(ret, NAME_LONGEST + 1, "%.*s-%016llx" SUFFIX, (int)keep, name,
		 (unsigned long long)XXH3_64bits(name, len));
}

/* The record of a held lock that belongs into the tree and that the actor may see. */
static bool read_shown(struct instance *instance, uint32_t lock, uid_t actor,
		       struct lock_record *record)
{
	return locks_read(instance->locks, lock, record) && record->session_scope == 0 &&
	       visible_lock(instance, record, actor);
}

/* The lock whose file this would be by its plain name; 0 where there is none. */
static uint32_t find_plain(struct instance *instance, uint32_t share, const char *rest, uid_t actor,
			   struct lock_record *record)
{
	size_t len = strlen(rest);
	char path[sizeof(record->path)];
	struct lock_key key = {.share = share, .session = 0, .path = path};
	uint32_t lock;

	if (len <= SUFFIX_LEN || len - SUFFIX_LEN >= sizeof(path) ||
	    strcmp(rest + len - SUFFIX_LEN, SUFFIX) != 0)
		return 0;
	memcpy(path, rest, len - SUFFIX_LEN);
	path[len - SUFFIX_LEN] = '\0';
	lock = locks_find(instance->locks, &key);
	return lock && read_shown(instance, lock, actor, record) ? lock : 0;
}

/*
 * Looks through the locks of a share for `rest`: a directory above one (*ret_is_dir), or one whose
 * name is cut. Returns the lock, 0 where there is none.
 */
static uint32_t find_scan(struct instance *instance, uint32_t share, const char *rest, uid_t actor,
			  struct lock_record *record, bool *ret_is_dir)
{
	size_t len = strlen(rest);
	size_t dir_len = (size_t)(path_base(rest) - rest);
	char shown[NAME_LONGEST + 1];

	for (uint32_t i = locks_next(instance->locks, 0); i; i = locks_next(instance->locks, i)) {
		const char *base;

		if (!locks_read(instance->locks, i, record) || record->session_scope ||
		    record->share != share)
			continue;
		base = path_base(record->path);
		*ret_is_dir = strncmp(record->path, rest, len) == 0 && record->path[len] == '/';
		if (!*ret_is_dir) {
			if ((size_t)(base - record->path) != dir_len ||
			    strncmp(record->path, rest, dir_len) != 0)
				continue;
			shown_name(base, shown);
			if (strcmp(shown, rest + dir_len) != 0)
				continue;
		}
		if (visible_lock(instance, record, actor))
			return i;
	}
	return 0;
}

/* As above, by all shares that the path lies in. */
static uint32_t find(struct instance *instance, const char *path, uid_t actor,
		     struct lock_record *record, bool *ret_is_dir)
{
	const struct config *config = instance->config;

	*ret_is_dir = false;
	for (uint32_t share = 0; share < config->n_shares; share++) {
		const char *rest = shares_rest(&config->shares[share], path);
		uint32_t lock = 0;

		if (!rest || !*rest)
			continue;
		lock = find_plain(instance, share, rest, actor, record);
		if (!lock)
			lock = find_scan(instance, share, rest, actor, record, ret_is_dir);
		if (lock)
			return lock;
	}
	return 0;
}

/* The key of an outsider's lock that has this file, and that the actor may see. */
static bool find_external(struct instance *instance, const char *path, uid_t actor,
			  char ret_path[PATH_MAX], struct lock_key *ret_key)
{
	const struct config *config = instance->config;

	for (uint32_t share = 0; share < config->n_shares; share++) {
		const char *rest = shares_rest(&config->shares[share], path);
		size_t len = rest ? strlen(rest) : 0;

		if (len <= SUFFIX_LEN || len - SUFFIX_LEN >= PATH_MAX ||
		    strcmp(rest + len - SUFFIX_LEN, SUFFIX) != 0)
			continue;
		memcpy(ret_path, rest, len - SUFFIX_LEN);
		ret_path[len - SUFFIX_LEN] = '\0';
		*ret_key = (struct lock_key){.share = share, .path = ret_path};
		if (visible_is_lock(instance, share, ret_path) &&
		    visible_path(config, share, ret_path, actor) &&
		    lock_is_external(instance->locks, ret_key))
			return true;
	}
	return false;
}

/* A directory of a share, in which outsiders may hold locks. */
static bool is_share_directory(struct instance *instance, const char *path, uid_t actor)
{
	const struct config *config = instance->config;
	char within[PATH_MAX];

	for (uint32_t share = 0; share < config->n_shares; share++) {
		const char *rest = shares_rest(&config->shares[share], path);
		struct lock_key key = {.share = share, .path = rest};

		if (!rest || !*rest || strlen(rest) + sizeof("/.") > sizeof(within))
			continue;
		sprintf(within, "%s/.", rest);
		if (!visible_in_lock(instance, share, within) &&
		    visible_path(config, share, within, actor) &&
		    lock_in_directory(instance->locks, &key))
			return true;
	}
	return false;
}

int locks_tree_resolve(struct instance *instance, const char *path, uid_t actor,
		       struct virt_entry *ret_entry)
{
	enum share_place place = shares_place(instance->config, path, NULL);
	struct lock_record record;
	char external[PATH_MAX];
	struct lock_key key;
	bool is_dir = true;

	if (!*path)
		place = SHARE_ABOVE;
	if (place == SHARE_NOWHERE)
		return -ENOENT;
	if (place == SHARE_BELOW && !find(instance, path, actor, &record, &is_dir)) {
		is_dir = is_share_directory(instance, path, actor);
		if (!is_dir && !find_external(instance, path, actor, external, &key))
			return -ENOENT;
	}
	*ret_entry = (struct virt_entry){.type = is_dir ? VIRT_DIR : VIRT_FILE,
					 .mode = is_dir ? S_IFDIR | 0755 : S_IFREG | 0444};
	return 0;
}

/* Adds what of the lock's path follows the directory: a name on the way, or its own. */
static void add_lock(const struct lock_record *record, const char *dir, struct name_set *set)
{
	size_t dir_len = strlen(dir);
	const char *rest = record->path;
	char shown[NAME_LONGEST + 1];
	size_t len;

	if (dir_len > 0) {
		if (strncmp(rest, dir, dir_len) != 0 || rest[dir_len] != '/')
			return;
		rest += dir_len + 1;
	}
	len = strcspn(rest, "/");
	if (rest[len]) {
		name_set_add(set, rest, len, S_IFDIR | 0755);
		return;
	}
	shown_name(rest, shown);
	name_set_add(set, shown, strlen(shown), S_IFREG | 0444);
}

int locks_tree_list(struct instance *instance, const char *path, uid_t actor, virt_list_fn fn,
		    void *context)
{
	const struct config *config = instance->config;
	_cleanup_name_set_ struct name_set set = {0};
	struct lock_record record;
	struct virt_entry entry;
	int r = locks_tree_resolve(instance, path, actor, &entry);

	if (r < 0)
		return r;
	if (entry.type != VIRT_DIR)
		return -ENOTDIR;
	shares_add_next(config, path, S_IFDIR | 0755, S_IFDIR | 0755, &set);
	for (uint32_t i = locks_next(instance->locks, 0); i; i = locks_next(instance->locks, i)) {
		const char *rest;

		if (!read_shown(instance, i, actor, &record))
			continue;
		rest = shares_rest(&config->shares[record.share], path);
		if (rest)
			add_lock(&record, rest, &set);
	}
	return name_set_emit(&set, fn, context);
}

int locks_tree_render(const struct virt_request *request, const char *path, struct buf *buf)
{
	struct lock_record record;
	bool is_dir;
	uint32_t lock = find(request->instance, path, request->uid, &record, &is_dir);
	char external[PATH_MAX];
	struct lock_key key;
	void *answer = NULL;

	if (is_dir)
		return -ENOENT;
	if (lock)
		answer = lock_answer(request->instance->locks, lock, request->uid);
	else if (find_external(request->instance, path, request->uid, external, &key))
		answer = lock_external_answer(request->instance->locks, &key, request->uid);
	return answer ? virt_render_json_consume(answer, buf) : -ENOENT;
}
