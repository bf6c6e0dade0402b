/* SPDX-License-Identifier: MIT */
#include "virt/tree.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "virt/files.h"
#include "virt/name_set.h"
#include "virt/shares.h"

#define SELF "self"

/* The files of the root. */
static const struct file {
	const char *name;
	uint32_t permissions;
	enum virt_type type;
	virt_render_fn render; /* NULL for the special ones */
} files[] = {
#define VIRT(name, permissions, type, render) {name, permissions, type, render},
#define VIRT_SPECIAL(name, permissions, type) {name, permissions, type, NULL},
#include "virt/files.def"
#undef VIRT
#undef VIRT_SPECIAL
};

/* The directories of the root that are trees of their own. */
static const struct branch {
	const char *name;
	int (*resolve)(struct instance *instance, const char *path, uid_t actor,
		       struct virt_entry *ret_entry);
	int (*list)(struct instance *instance, const char *path, uid_t actor, virt_list_fn fn,
		    void *context);
} branches[] = {
	{"sessions", sessions_tree_resolve, sessions_tree_list},
	{"locks", locks_tree_resolve, locks_tree_list},
};

/* What follows `name` in path: "" where it is all of it; NULL where path begins otherwise. */
static const char *after(const char *path, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(path, name, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path[len] ? path + len + 1 : path + len;
}

static const struct file *find_file(const char *path, const char **ret_rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		*ret_rest = after(path, files[i].name);
		if (*ret_rest)
			return &files[i];
	}
	return NULL;
}

static const struct branch *find_branch(const char *path, const char **ret_rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(branches); i++) {
		*ret_rest = after(path, branches[i].name);
		if (*ret_rest)
			return &branches[i];
	}
	return NULL;
}

/* The files, directories and links whose names nobody else can take. */
static int resolve_reserved(const char *path, struct virt_entry *entry)
{
	const char *rest;
	const struct file *file = find_file(path, &rest);

	if (file) {
		*entry = (struct virt_entry){
			.type = file->type, .mode = S_IFREG | file->permissions, .stable = true};
	} else {
		rest = after(path, SELF);
		if (!rest)
			return -ENOENT;
		*entry = (struct virt_entry){.type = VIRT_LINK, .mode = S_IFLNK | 0777};
	}
	return *rest ? -ENOTDIR : 0;
}

int virt_resolve(struct instance *instance, const char *path, uid_t actor_uid,
		 struct virt_entry *ret_entry)
{
	const struct branch *branch;
	struct virt_entry entry = {.type = VIRT_DIR, .mode = S_IFDIR | 0755, .stable = true};
	const char *rest;
	int r = 0;

	if (*path) {
		branch = find_branch(path, &rest);
		r = branch ? branch->resolve(instance, rest, actor_uid, &entry)
			   : resolve_reserved(path, &entry);
		if (r == -ENOENT && !branch)
			r = magic_links_resolve(instance, path, &entry);
	}
	if (r == 0)
		*ret_entry = entry;
	return r;
}

static void add_root(struct name_set *set)
{
	name_set_add(set, SELF, strlen(SELF), S_IFLNK);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		name_set_add(set, files[i].name, strlen(files[i].name), S_IFREG);
	for (size_t i = 0; i < ARRAY_SIZE(branches); i++)
		name_set_add(set, branches[i].name, strlen(branches[i].name), S_IFDIR);
}

int virt_list(struct instance *instance, const char *path, uid_t actor_uid, virt_list_fn fn,
	      void *context)
{
	_cleanup_name_set_ struct name_set set = {0};
	const char *rest;
	const struct branch *branch = find_branch(path, &rest);
	struct virt_entry entry;
	int r;

	if (branch)
		return branch->list(instance, rest, actor_uid, fn, context);
	r = virt_resolve(instance, path, actor_uid, &entry);
	if (r)
		return r;
	if (entry.type != VIRT_DIR)
		return -ENOTDIR;
	if (!*path)
		add_root(&set);
	shares_add_next(instance->config, path, S_IFDIR, S_IFLNK, &set);
	return name_set_emit(&set, fn, context);
}

int virt_render(struct instance *instance, const char *path, pid_t tid, uid_t uid, gid_t gid,
		struct buf *buf)
{
	const struct virt_request request = {
		.instance = instance, .path = path, .tid = tid, .uid = uid, .gid = gid};
	const char *rest;
	const struct file *file = find_file(path, &rest);
	int r = -ENOENT;

	if (file && !*rest && file->render)
		r = file->render(&request, buf);
	else if (!file && (rest = after(path, "locks")))
		r = locks_tree_render(&request, rest, buf);
	return r == 0 && buf_failed(buf) ? -ENOMEM : r;
}

int virt_readlink(struct instance *instance, const char *path, pid_t tid, uid_t uid, gid_t gid,
		  struct buf *buf)
{
	const struct virt_request request = {
		.instance = instance, .path = path, .tid = tid, .uid = uid, .gid = gid};
	struct virt_entry entry;
	int r = virt_resolve(instance, path, uid, &entry);

	if (r)
		return r;
	if (entry.type != VIRT_LINK)
		return -ENOENT;
	r = magic_links_read(&request, buf);
	return r == 0 && buf_failed(buf) ? -ENOMEM : r;
}

int virt_render_json_consume(void *json, struct buf *buf)
{
	_cleanup_json_ json_t *owned = json;

	if (!owned)
		return -ENOMEM;
	json_render_pretty(owned, buf);
	return 0;
}
