/* SPDX-License-Identifier: MIT */
/*
 * The virtual part of the mount: everything outside the views (SPEC section 3).
 *
 * It is a pure function of (path below the mount point, who asks): no node is kept here. ops/ gives
 * paths such as "" (the root), "sessions/0/build-1", "locks/tmp/tool.lock.json", "tmp", and turns
 * the answers into FUSE replies. Adding a virtual file is one file here and one line in files.def.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "virt/context.h"

enum virt_type {
	VIRT_DIR,
	VIRT_FILE,   /* rendered at open by virt_render() */
	VIRT_LINK,   /* virt_readlink(); depends on who asks, never cached */
	VIRT_CTL,    /* the control file, see ctl/ */
	VIRT_EVENTS, /* the events stream: read with events_read() */
	VIRT_VIEW,   /* root of a view: session and share are set */
};

struct virt_entry {
	enum virt_type type;
	uint32_t mode; /* S_IFMT and permission bits */
	uint32_t uid;
	uint32_t gid;
	bool stable;      /* the kernel may cache the name until told otherwise */
	uint32_t session; /* VIRT_VIEW, and the directory sessions/<uid>/<id> */
	uint32_t share;   /* VIRT_VIEW */
};

/* Resolves a path. 0, -ENOENT (also for what `actor_uid` may not see), -ENOTDIR. */
int virt_resolve(struct instance *instance, const char *path, uid_t actor_uid,
		 struct virt_entry *ret_entry);

/* Lists a directory: fn(name, type as S_IF..., context) for each entry; stops when fn is not 0. */
int virt_list(struct instance *instance, const char *path, uid_t actor_uid,
	      int (*fn)(const char *name, uint32_t mode, void *context), void *context);

/* Renders a file for the caller. `tid` is FUSE's pid. 0, -ENOENT, -ENOMEM, -EACCES. */
int virt_render(struct instance *instance, const char *path, pid_t tid, uid_t uid, gid_t gid,
		struct buf *buf);

/*
 * Target of a magic link for the caller, making his session where there is none: an absolute path
 * below the mount point ("/run/sessionfs/sessions/0/a/tmp"). 0, -ENOENT, -ESRCH, -ENOSPC
 * (max_sessions), -EIO. A process whose own root hides the mount point still gets that text.
 */
int virt_readlink(struct instance *instance, const char *path, pid_t tid, uid_t uid, gid_t gid,
		  struct buf *buf);
