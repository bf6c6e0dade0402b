/* SPDX-License-Identifier: MIT */
/*
 * sessions/<uid>/<id>/<share path>: the way to the views.
 *
 * The kernel caches a name for all processes at once. So an entry here may not depend on who asks:
 * privacy is in the permission bits, which the kernel checks for every caller (sessions/<uid> is
 * 0700 and that user's), and the entries are `stable`. Only what may be *made visible* is up to the
 * caller: sessions/<uid> comes into being for its own user even without sessions, and listings,
 * which are not cached, show a user only his own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "virt/files.h"
#include "virt/name_set.h"
#include "virt/shares.h"

/* "uid/id/rest", taken apart. */
struct place {
	unsigned int depth; /* 0: sessions, 1: a uid, 2: a session, 3: below it */
	uid_t uid;
	char id[SESSION_ID_SIZE];
	const char *rest;
};

/* Digits of a uid in the one form in which it is listed. Bytes used, 0 where it is none. */
static size_t parse_uid(const char *text, uid_t *ret_uid)
{
	size_t len = strspn(text, "0123456789");
	unsigned long long value;

	if (len == 0 || len > 10 || (text[0] == '0' && len > 1))
		return 0;
	value = strtoull(text, NULL, 10);
	if (value >= UINT32_MAX)
		return 0;
	*ret_uid = (uid_t)value;
	return len;
}

static int parse_place(const char *path, struct place *ret_place)
{
	size_t len;

	*ret_place = (struct place){.depth = 0, .rest = ""};
	if (!*path)
		return 0;
	len = parse_uid(path, &ret_place->uid);
	path += len;
	if (!len || (*path && *path != '/'))
		return -ENOENT;
	ret_place->depth = 1;
	if (!*path)
		return 0;
	len = strcspn(++path, "/");
	if (len >= sizeof(ret_place->id))
		return -ENOENT;
	memcpy(ret_place->id, path, len);
	if (!path_is_session_id(ret_place->id))
		return -ENOENT;
	ret_place->depth = path[len] ? 3 : 2;
	ret_place->rest = path[len] ? path + len + 1 : "";
	return 0;
}

static bool may_enter(uid_t actor, uid_t uid)
{
	return actor == 0 || actor == uid;
}

static bool has_session(struct registry *registry, uid_t uid)
{
	for (uint32_t i = registry_next(registry, 0); i; i = registry_next(registry, i))
		if (registry_at(registry, i)->uid == uid)
			return true;
	return false;
}

static void set_dir(struct virt_entry *entry, uint32_t permissions, uid_t uid)
{
	*entry = (struct virt_entry){
		.type = VIRT_DIR, .mode = S_IFDIR | permissions, .uid = uid, .stable = true};
}

static int resolve_in_session(struct instance *instance, const struct place *place,
			      struct virt_entry *entry)
{
	uint32_t session = registry_find(instance->registry, place->uid, place->id);
	enum share_place at;
	uint32_t share = 0;

	if (!session)
		return -ENOENT;
	set_dir(entry, place->depth == 2 ? 0700 : 0755, place->uid);
	entry->session = session;
	if (place->depth == 2)
		return 0;
	at = shares_place(instance->config, place->rest, &share);
	if (at == SHARE_ABOVE)
		return 0;
	if (at != SHARE_ROOT)
		return -ENOENT;
	entry->type = VIRT_VIEW;
	entry->share = share;
	return 0;
}

int sessions_tree_resolve(struct instance *instance, const char *path, uid_t actor,
			  struct virt_entry *ret_entry)
{
	struct virt_entry entry;
	struct place place;
	int r = parse_place(path, &place);

	if (r < 0)
		return r;
	switch (place.depth) {
	case 0:
		set_dir(&entry, 0755, 0);
		break;
	case 1:
		if (actor != place.uid && !has_session(instance->registry, place.uid))
			return -ENOENT;
		set_dir(&entry, 0700, place.uid);
		break;
	default:
		/* The kernel has refused this already, by the bits of sessions/<uid>. */
		if (!may_enter(actor, place.uid))
			return -ENOENT;
		r = resolve_in_session(instance, &place, &entry);
	}
	if (r == 0)
		*ret_entry = entry;
	return r;
}

static void add_uids(struct registry *registry, uid_t actor, struct name_set *set)
{
	char name[16];

	for (uint32_t i = registry_next(registry, 0); i; i = registry_next(registry, i)) {
		uid_t uid = registry_at(registry, i)->uid;

		if (!may_enter(actor, uid))
			continue;
		name_set_add(set, name, (size_t)snprintf(name, sizeof(name), "%u", uid),
			     S_IFDIR | 0700);
	}
}

static void add_ids(struct registry *registry, uid_t uid, struct name_set *set)
{
	for (uint32_t i = registry_next(registry, 0); i; i = registry_next(registry, i)) {
		const struct session_record *session = registry_at(registry, i);

		if (session->uid == uid)
			name_set_add(set, session->id, strlen(session->id), S_IFDIR | 0700);
	}
}

int sessions_tree_list(struct instance *instance, const char *path, uid_t actor, virt_list_fn fn,
		       void *context)
{
	_cleanup_name_set_ struct name_set set = {0};
	struct virt_entry entry;
	struct place place;
	int r = sessions_tree_resolve(instance, path, actor, &entry);

	if (r == 0)
		r = parse_place(path, &place);
	if (r < 0)
		return r;
	if (place.depth > 0 && !may_enter(actor, place.uid))
		return -ENOENT;
	if (place.depth == 0)
		add_uids(instance->registry, actor, &set);
	else if (place.depth == 1)
		add_ids(instance->registry, place.uid, &set);
	else
		shares_add_next(instance->config, place.rest, S_IFDIR | 0755, S_IFDIR | 0755, &set);
	return name_set_emit(&set, fn, context);
}
