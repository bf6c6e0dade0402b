/* SPDX-License-Identifier: MIT */
/* The indexes of the node table: by name, by inode, and of what left its name to another. */
#include <string.h>
#include <xxhash.h>

#include "node/internal.h"

struct name_key {
	uint32_t parent;
	const char *name;
};

static uint64_t hash_name(uint32_t parent, const char *name)
{
	return XXH3_64bits_withSeed(name, strlen(name), parent);
}

static uint64_t hash_inode(const struct node_record *node)
{
	uint64_t key[4] = {(uint64_t)node->session << 32 | node->share, node->layer,
			   node->backing_dev, node->backing_ino};

	return XXH3_64bits(key, sizeof(key));
}

uint64_t node_virtual_ino(uint32_t parent, const char *name)
{
	return (hash_name(parent, name) & INT64_MAX) | 2;
}

static bool name_equal(uint32_t number, const void *key, void *context)
{
	const struct nodes *nodes = context;
	const struct name_key *wanted = key;
	const struct node_record *node = node_at(nodes, number);

	return node->parent == wanted->parent &&
	       strcmp(node_name_locked(nodes, node), wanted->name) == 0;
}

static bool inode_equal(uint32_t number, const void *key, void *context)
{
	const struct node_record *node = node_at(context, number);
	const struct node_record *like = key;

	return node->session == like->session && node->share == like->share &&
	       node->layer == like->layer && node->type == like->type &&
	       node->backing_dev == like->backing_dev && node->backing_ino == like->backing_ino &&
	       node->stamp == like->stamp && node_same_birth(node, like);
}

static void *as_context(const struct nodes *nodes)
{
	return (void *)(uintptr_t)nodes;
}

uint32_t node_find_locked(const struct nodes *nodes, uint32_t parent, const char *name)
{
	struct name_key key = {parent, name};

	return index_find(&nodes->by_name, hash_name(parent, name), name_equal, &key,
			  as_context(nodes));
}

uint32_t node_find_inode_locked(const struct nodes *nodes, const struct node_record *like)
{
	return index_find(&nodes->by_inode, hash_inode(like), inode_equal, like, as_context(nodes));
}

bool node_is_detached_locked(const struct nodes *nodes, const struct node_record *like)
{
	return index_find(&nodes->detached, hash_inode(like), inode_equal, like,
			  as_context(nodes)) != 0;
}

uint64_t node_find_object(struct nodes *nodes, const struct node_left *left)
{
	const struct node_record like = {.session = left->session,
					 .share = (uint8_t)left->share,
					 .stamp = left->stamp,
					 .layer = LAYER_UPPER,
					 .type = left->type,
					 .backing_dev = left->backing_dev,
					 .backing_ino = left->backing_ino};
	uint64_t nodeid = 0;
	uint32_t index;

	pthread_mutex_lock(&nodes->mutex);
	index = node_find_inode_locked(nodes, &like);
	if (index)
		nodeid = node_nodeid(nodes, index);
	pthread_mutex_unlock(&nodes->mutex);
	return nodeid;
}

int node_index_name_locked(struct nodes *nodes, uint32_t index)
{
	const struct node_record *node = node_at(nodes, index);

	return index_add(&nodes->by_name, hash_name(node->parent, node_name_locked(nodes, node)),
			 index);
}

void node_unindex_name_locked(struct nodes *nodes, uint32_t index)
{
	const struct node_record *node = node_at(nodes, index);

	index_remove(&nodes->by_name, hash_name(node->parent, node_name_locked(nodes, node)),
		     index);
}

int node_index_inode_locked(struct nodes *nodes, uint32_t index)
{
	return index_add(&nodes->by_inode, hash_inode(node_at(nodes, index)), index);
}

int node_index_locked(struct nodes *nodes, uint32_t index)
{
	struct node_record *node = node_at(nodes, index);
	int r = 0;

	if (node->parent && !(node->flags & NODE_NAMELESS))
		r = node_index_name_locked(nodes, index);
	if (r == 0 && (node->flags & NODE_BY_INODE))
		r = node_index_inode_locked(nodes, index);
	if (r == 0 && (node->flags & NODE_DETACHED))
		r = index_add(&nodes->detached, hash_inode(node), index);
	return r;
}

void node_unindex_locked(struct nodes *nodes, uint32_t index)
{
	struct node_record *node = node_at(nodes, index);

	if (node->parent && !(node->flags & NODE_NAMELESS))
		node_unindex_name_locked(nodes, index);
	if (node->flags & NODE_BY_INODE)
		index_remove(&nodes->by_inode, hash_inode(node), index);
	if (node->flags & NODE_DETACHED)
		index_remove(&nodes->detached, hash_inode(node), index);
}

uint32_t *node_version_locked(struct nodes *nodes, uint32_t parent, const char *name)
{
	return &nodes->versions[hash_name(parent, name) % NAME_VERSIONS];
}

uint32_t node_name_version(struct nodes *nodes, uint32_t parent, const char *name)
{
	uint32_t version;

	pthread_mutex_lock(&nodes->mutex);
	version = *node_version_locked(nodes, parent, name);
	pthread_mutex_unlock(&nodes->mutex);
	return version;
}

uint64_t node_find(struct nodes *nodes, uint32_t parent, const char *name)
{
	uint64_t nodeid = 0;
	uint32_t index;

	pthread_mutex_lock(&nodes->mutex);
	index = node_find_locked(nodes, parent, name);
	if (index)
		nodeid = node_nodeid(nodes, index);
	pthread_mutex_unlock(&nodes->mutex);
	return nodeid;
}
