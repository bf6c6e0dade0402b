/* SPDX-License-Identifier: MIT */
/*
 * The inside of virt/: what a virtual file is made of, and the subtrees that tree.c hands out.
 *
 * A path below a subtree is given without its first component: "0/build-1" of
 * "sessions/0/build-1", "" for the subtree's own directory.
 */
#pragma once

#include "virt/tree.h"

/* Who reads which file. */
struct virt_request {
	struct instance *instance;
	const char *path; /* below the mount point */
	pid_t tid;
	uid_t uid;
	gid_t gid;
};

/* Appends the file's whole text to buf. 0 or negative errno; out of memory may be left to buf. */
typedef int (*virt_render_fn)(const struct virt_request *request, struct buf *buf);

#define VIRT(name, mode, type, render) int render(const struct virt_request *, struct buf *);
#define VIRT_SPECIAL(name, mode, type)
#include "virt/files.def"
#undef VIRT
#undef VIRT_SPECIAL

typedef int (*virt_list_fn)(const char *name, uint32_t mode, void *context);

/* The views, sessions_tree.c. */
int sessions_tree_resolve(struct instance *instance, const char *path, uid_t actor,
			  struct virt_entry *ret_entry);
int sessions_tree_list(struct instance *instance, const char *path, uid_t actor, virt_list_fn fn,
		       void *context);

/* One file per held lock, locks_tree.c. */
int locks_tree_resolve(struct instance *instance, const char *path, uid_t actor,
		       struct virt_entry *ret_entry);
int locks_tree_list(struct instance *instance, const char *path, uid_t actor, virt_list_fn fn,
		    void *context);
int locks_tree_render(const struct virt_request *request, const char *path, struct buf *buf);

/* The shares' magic links at their paths and the directories above them, magic_links.c. */
int magic_links_resolve(struct instance *instance, const char *path, struct virt_entry *ret_entry);
/* Target for the caller; "self" too. As virt_readlink(). */
int magic_links_read(const struct virt_request *request, struct buf *buf);

/* Renders an object and drops it; NULL is out of memory. 0 or -ENOMEM. */
int virt_render_json_consume(void *json, struct buf *buf);
