/* SPDX-License-Identifier: MIT */
/*
 * The FUSE handlers: what they share.
 *
 * Each family of operations has a file and registers its handlers in struct fuse_lowlevel_ops by a
 * function ops_<family>(). A handler copies what it needs of a node, does its system calls without
 * any lock held, and replies as its last act; on every path there is exactly one reply.
 */
#pragma once

#include <fuse_lowlevel.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "node/handle.h"
#include "node/node.h"
#include "view/create.h"
#include "view/resolve.h"
#include "view/view.h"
#include "virt/context.h"
#include "virt/tree.h"

/* For what only this mount can change; the kernel is told when it does. In seconds: a year. */
#define TIMEOUT_FOREVER 31536000.0
/* For what depends on the live lower (SPEC: seen within 1 s). */
#define TIMEOUT_LOWER 1.0

struct fs {
	struct instance *instance;
	struct view_setup views;
	struct nodes *nodes;
	struct handles *handles;
	struct notifier *notifier;
	struct parking *parking;
	struct advisory *advisory;
	struct carriers *carriers;
	struct flights *flights;
	struct pollers *pollers;
	struct fuse_session *session;
	int fuse_fd;
	_Atomic bool passthrough; /* the kernel granted it, and nobody switched it off */
};

static inline struct fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* Replies with an error given as negative errno, or 0. */
static inline void fs_reply(fuse_req_t req, int r)
{
	fuse_reply_err(req, r < 0 ? -r : 0);
}

/*
 * The calling thread works as who asks, and without the capabilities that would leave set-id bits on
 * a file that he writes or let him use the disk's reserve; fs_as_worker() ends that. 0 or negative
 * errno: then nothing is to be ended.
 */
int fs_as_writer(fuse_req_t req);
void fs_as_worker(void);

/*
 * The directory of a handler's `parent` argument, which must be one of a view: its node and layers.
 * 0; -ESTALE; -EPERM for a virtual directory, in which nobody makes or removes anything.
 */
int fs_view_dir(struct fs *fs, fuse_ino_t parent, struct node_info *ret_node,
		struct layer_dir **ret_dir);

/* The caller, with his run and the session of the node that he uses. */
void fs_actor(struct fs *fs, fuse_req_t req, uint32_t session, struct actor *ret_actor);
struct creator fs_creator(fuse_req_t req);

/* Key of a name of class lock. `path` is a buffer that the key borrows. 0 or -ENAMETOOLONG. */
int fs_lock_key(const struct layer_dir *dir, const char *name, char *path, size_t size,
		struct lock_key *ret_key);

/* How long the kernel may keep the attributes and the name of a node. */
double fs_attr_timeout(const struct node_info *node, const struct layer_dir *parent,
		       enum path_class path_class, mode_t mode);
double fs_entry_timeout(const struct node_info *node, const struct layer_dir *parent,
			enum path_class path_class);
/* The same for the attributes of what has no name. */
double fs_nameless_timeout(const struct node_info *node, mode_t mode);
/* Turns the backing's attributes into the node's. */
void fs_attr(const struct node_info *node, bool merged_dir, const struct stat *backing,
	     struct stat *ret_attr);

/*
 * Fills an entry for a name that was resolved, raising the node's lookup count; the caller must
 * reply with it, or give the count back. 0 or -ENOMEM.
 */
int fs_entry(struct fs *fs, const struct node_info *parent, struct layer_dir *dir, const char *name,
	     const struct resolved *found, struct fuse_entry_param *ret_entry,
	     struct node_info *ret_node);
/* The same for a LOOKUP: -EAGAIN, as node_lookup_since(). */
int fs_entry_since(struct fs *fs, uint32_t version, const struct node_info *parent,
		   struct layer_dir *dir, const char *name, const struct resolved *found,
		   struct fuse_entry_param *ret_entry, struct node_info *ret_node);
/* Replies with an entry; gives the count back where the kernel did not take it. */
void fs_reply_entry(struct fs *fs, fuse_req_t req, const struct fuse_entry_param *entry);
/* Takes `count` references of the kernel away, and drops what the node held. */
void fs_forget(struct fs *fs, uint64_t nodeid, uint64_t count);

/*
 * An O_PATH fd of the object of a view that a node stands for, verified to be it. Owned by the
 * caller. -ESTALE where the name leads to something else by now. ret_layer may be NULL.
 */
int fs_open_path(struct fs *fs, const struct node_info *node, enum layer *ret_layer);
/* Opens an O_PATH fd again, through /proc, with these flags. An fd or negative errno. */
int fs_reopen(int path_fd, int flags);
/* fs_open_path(), then fs_reopen(). */
int fs_open_object(struct fs *fs, const struct node_info *node, int flags);
/*
 * As fs_open_path(), but of what holds the object's data, which for a metacopy is a file of the
 * lower: node_data_layer(node) after it tells. Refreshes *node where that changed. -EIO: they are
 * gone.
 */
int fs_open_data_path(struct fs *fs, struct node_info *node);
/* fs_open_data_path(), then fs_reopen(). */
int fs_open_data(struct fs *fs, struct node_info *node, int flags);
/*
 * The data of a metacopy were brought in: its node (path_fd is of its file, borrowed) is told, and
 * refreshed. 0, or -ESTALE as fs_make_upper() (upper.h).
 */
int fs_data_came(struct fs *fs, struct node_info *node, int path_fd, bool changes_data);
/*
 * node_detach(), and the kernel asks anew for the attributes of what goes on being open: those that
 * it has are from before the change; and for the name, in a moment. fd_consume as there.
 */
void fs_detach(struct fs *fs, const struct node_info *node, int fd_consume);
/* Attributes of a node of a view. ret_merged: a directory with a lower. */
int fs_stat(struct fs *fs, const struct node_info *node, struct stat *ret_st, bool *ret_merged);

/* What is needed to follow a metacopy to its data. */
struct metacopy_world fs_metacopy_world(struct fs *fs, const struct node_info *node);

/* The families. */
void ops_lookup(struct fuse_lowlevel_ops *ops);
void ops_attr(struct fuse_lowlevel_ops *ops);
void ops_create(struct fuse_lowlevel_ops *ops);
void ops_tmpfile(struct fuse_lowlevel_ops *ops);
void ops_remove(struct fuse_lowlevel_ops *ops);
void ops_rename(struct fuse_lowlevel_ops *ops);
void ops_open(struct fuse_lowlevel_ops *ops);
void ops_data(struct fuse_lowlevel_ops *ops);
void ops_range(struct fuse_lowlevel_ops *ops);
void ops_ioctl(struct fuse_lowlevel_ops *ops);
void ops_dir(struct fuse_lowlevel_ops *ops);
void ops_xattr(struct fuse_lowlevel_ops *ops);
void ops_advisory(struct fuse_lowlevel_ops *ops);
void ops_poll(struct fuse_lowlevel_ops *ops);
void ops_init(struct fuse_lowlevel_ops *ops);

/* Virtual objects: what the families above hand over. All reply. */
void virtual_lookup(struct fs *fs, fuse_req_t req, const struct node_info *parent,
		    const char *name);
void virtual_open(struct fs *fs, fuse_req_t req, const struct node_info *node,
		  struct fuse_file_info *fi);
void virtual_read(struct fs *fs, fuse_req_t req, struct handle_record *handle, size_t size,
		  off_t offset, struct fuse_file_info *fi);
void virtual_release(struct fs *fs, struct handle_record *handle, uint64_t fh);
void virtual_readlink(struct fs *fs, fuse_req_t req, const struct node_info *node);
/* Attributes of a virtual object, and how long the kernel may keep them. 0 or negative errno. */
int virtual_attr(struct fs *fs, fuse_req_t req, const struct node_info *node, struct stat *ret_attr,
		 double *ret_timeout);
/* Lists a virtual directory into a handle's listing. 0 or negative errno. */
int virtual_list(struct fs *fs, fuse_req_t req, const struct node_info *node,
		 struct listing *ret_listing);

/*
 * Passthrough registrations with the kernel. passthrough_register() registers a file (the fd may be
 * O_PATH) for a caller; returns the id, or negative errno. Release is for good.
 */
int passthrough_register(struct fs *fs, int fd, uid_t uid, gid_t gid);
void passthrough_release(struct fs *fs, int backing_id);

/*
 * Fills the reply of an open of a regular file: registers or reuses its backing, makes the
 * handle. fd is an O_PATH or real fd of the file in node->layer, borrowed. 0 or negative errno.
 */
int file_opened(struct fs *fs, fuse_req_t req, const struct node_info *node, int fd,
		struct fuse_file_info *fi);
/* The reply to that open was not taken: undoes it. */
void file_undo_open(struct fs *fs, struct fuse_file_info *fi);
