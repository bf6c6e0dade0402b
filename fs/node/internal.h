/* SPDX-License-Identifier: MIT */
/*
 * What the files of node/ share: the table with its indexes. Not for other layers.
 */
#pragma once

#include <pthread.h>
#include <string.h>

#include "base/index.h"
#include "node/node.h"

/*
 * Directories whose fds are kept, two each; the worker raises its RLIMIT_NOFILE above what this
 * and the handles need.
 */
#define NODE_DIRS_CACHED 65536

/* Names share these; where two do, a change of one is taken for one of the other, too. */
#define NAME_VERSIONS 1024

/* Per node, in the worker's own memory; zero is empty. */
struct node_private {
	struct layer_dir *dir; /* a reference */
	int fd_plus_one;       /* of an object without a name */
};

struct nodes {
	pthread_mutex_t mutex;
	struct arena_table *table;
	struct arena_table *names;
	const struct view_setup *setup;
	struct node_private *private;     /* by record index; guarded by: mutex */
	struct index by_name;             /* parent and name; guarded by: mutex */
	struct index by_inode;            /* NODE_BY_INODE; guarded by: mutex */
	struct index detached;            /* NODE_DETACHED, by inode; guarded by: mutex */
	uint32_t versions[NAME_VERSIONS]; /* guarded by: mutex; by hash of parent and name */
	uint32_t cached_dirs;             /* guarded by: mutex */
	uint32_t max_cached_dirs;         /* exceeded where all are in use */
	uint32_t kept_fds;                /* guarded by: mutex; of objects without a name */
	uint32_t max_kept_fds;
	uint32_t evict_hand; /* guarded by: mutex */
};

/*
 * Fills a record from one like it, all but the head: its state is stored last, by arena_publish(),
 * and others may be reading it.
 */
static inline void record_fill(void *record, const void *like, size_t size)
{
	const size_t head = sizeof(struct arena_record);

	memcpy((char *)record + head, (const char *)like + head, size - head);
}

/* Not two objects that had the same inode number one after the other. */
static inline bool node_same_birth(const struct node_record *a, const struct node_record *b)
{
	return !a->birth || !b->birth || a->birth == b->birth;
}

struct node_record *node_at(const struct nodes *nodes, uint32_t index);
uint64_t node_nodeid(const struct nodes *nodes, uint32_t index);
const char *node_name_locked(const struct nodes *nodes, const struct node_record *node);
/* 0 or -ENOMEM. */
int node_set_name_locked(struct nodes *nodes, struct node_record *node, const char *name);
void node_fill_locked(const struct nodes *nodes, uint32_t index, struct node_info *ret);

/* The index of a node that lives, else 0. */
uint32_t node_index_of_locked(const struct nodes *nodes, uint64_t nodeid);
/* Counts the changes of a name, or of what it stands for. */
uint32_t *node_version_locked(struct nodes *nodes, uint32_t parent, const char *name);
/* The node that has this name, 0 where there is none. */
uint32_t node_find_locked(const struct nodes *nodes, uint32_t parent, const char *name);
uint32_t node_find_inode_locked(const struct nodes *nodes, const struct node_record *like);
/* Whether a node of the same object has left its name. */
bool node_is_detached_locked(const struct nodes *nodes, const struct node_record *like);
/* Puts a node into the indexes that its flags ask for, and out of them. 0 or -ENOMEM. */
int node_index_locked(struct nodes *nodes, uint32_t index);
void node_unindex_locked(struct nodes *nodes, uint32_t index);
/* The same of one index, whatever the flags say. */
int node_index_name_locked(struct nodes *nodes, uint32_t index);
void node_unindex_name_locked(struct nodes *nodes, uint32_t index);
int node_index_inode_locked(struct nodes *nodes, uint32_t index);
/*
 * The node keeps the fd unless it has one, or too many are kept: then nothing but its number is left of
 * the object (-ESTALE). Returns the fd to be closed, -1 for none.
 */
int node_keep_fd_locked(struct nodes *nodes, uint32_t index, int fd);
/*
 * Frees the node (0: none) if nobody refers to it, and then perhaps its parent, and so on. Takes the
 * mutex, which is not held.
 */
void node_free_unused(struct nodes *nodes, uint32_t index);
