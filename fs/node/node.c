/* SPDX-License-Identifier: MIT */
#include "node/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/descriptors.h"
#include "node/internal.h"

/* The root has a fixed number, so it stands at a fixed place: the first record. */
#define ROOT_INDEX 1

struct node_record *node_at(const struct nodes *nodes, uint32_t index)
{
	return arena_at(nodes->table, index);
}

const char *node_name_locked(const struct nodes *nodes, const struct node_record *node)
{
	const struct node_name_record *name;

	if (!node->long_name)
		return node->name;
	name = arena_at(nodes->names, node->long_name);
	return name->name;
}

int node_set_name_locked(struct nodes *nodes, struct node_record *node, const char *name)
{
	size_t len = strlen(name);
	uint32_t old = node->long_name;

	if (len < sizeof(node->name)) {
		memcpy(node->name, name, len + 1);
		node->long_name = 0;
	} else {
		uint32_t slot = arena_alloc(nodes->names);
		struct node_name_record *record;

		if (!slot || len >= sizeof(record->name))
			return -ENOMEM;
		record = arena_at(nodes->names, slot);
		memcpy(record->name, name, len + 1);
		arena_publish(nodes->names, slot, 1);
		node->long_name = slot;
	}
	if (old)
		arena_free(nodes->names, old);
	return 0;
}

uint64_t node_nodeid(const struct nodes *nodes, uint32_t index)
{
	return index == ROOT_INDEX ? NODE_ROOT_ID
				   : node_id(index, node_at(nodes, index)->head.generation);
}

static bool twin_is_hidden(const struct nodes *nodes, const struct node_record *node)
{
	uint32_t twin = node->flags & NODE_DETACHED ? node_find_inode_locked(nodes, node) : 0;

	return twin && (node_at(nodes, twin)->flags & NODE_HIDDEN);
}

void node_fill_locked(const struct nodes *nodes, uint32_t index, struct node_info *ret)
{
	const struct node_record *node = node_at(nodes, index);

	ret->index = index;
	ret->state = node->head.state;
	ret->parent = node->parent;
	ret->session = node->session;
	ret->stamp = node->stamp;
	ret->share = node->share;
	ret->type = node->type;
	ret->opens = node->opens;
	ret->mapped = node->mapped;
	ret->flags = node->flags;
	ret->twin_hidden = twin_is_hidden(nodes, node);
	ret->layer = node->layer;
	ret->backing_id = node->backing_id;
	ret->nodeid = node_nodeid(nodes, index);
	ret->ino = node->ino;
	ret->backing_dev = node->backing_dev;
	ret->backing_ino = node->backing_ino;
	ret->birth = node->birth;
	strcpy(ret->name, node_name_locked(nodes, node));
}

uint32_t node_index_of_locked(const struct nodes *nodes, uint64_t nodeid)
{
	uint32_t index = (uint32_t)nodeid;

	if (nodeid == NODE_ROOT_ID)
		return ROOT_INDEX;
	if (index == 0 || index > arena_capacity(nodes->table))
		return 0;
	if (node_at(nodes, index)->head.generation != nodeid >> 32)
		return 0;
	return node_at(nodes, index)->head.state ? index : 0;
}

/* What belonged to a session before its reset or removal is there no more. */
static int get_locked(struct nodes *nodes, uint32_t index, struct node_info *ret_info)
{
	const struct node_record *node;

	if (!index)
		return -ESTALE;
	node = node_at(nodes, index);
	if (!node->head.state)
		return -ESTALE;
	if (node->head.state == NODE_STATE_VIEW &&
	    node->stamp != registry_at(nodes->setup->registry, node->session)->epoch)
		return -ESTALE;
	node_fill_locked(nodes, index, ret_info);
	return 0;
}

int node_get(struct nodes *nodes, uint64_t nodeid, struct node_info *ret_info)
{
	int r;

	pthread_mutex_lock(&nodes->mutex);
	r = get_locked(nodes, node_index_of_locked(nodes, nodeid), ret_info);
	pthread_mutex_unlock(&nodes->mutex);
	return r;
}

int node_get_index(struct nodes *nodes, uint32_t index, struct node_info *ret_info)
{
	int r;

	pthread_mutex_lock(&nodes->mutex);
	r = get_locked(nodes, index, ret_info);
	pthread_mutex_unlock(&nodes->mutex);
	return r;
}

static void release_private_locked(struct nodes *nodes, uint32_t index, struct layer_dir **ret_dir,
				   int *ret_fd)
{
	struct node_private *private = &nodes->private[index];

	*ret_dir = TAKE_PTR(private->dir);
	if (*ret_dir)
		nodes->cached_dirs--;
	*ret_fd = private->fd_plus_one - 1;
	if (*ret_fd >= 0)
		nodes->kept_fds--;
	private->fd_plus_one = 0;
}

/* Frees a node that nobody refers to, and then perhaps its parent, and so on. */
static uint32_t free_one_locked(struct nodes *nodes, uint32_t index, struct layer_dir **ret_dir,
				int *ret_fd)
{
	struct node_record *node = node_at(nodes, index);
	uint32_t parent = node->parent;

	/* Free already: who forgot it came between two steps of node_free_unused(). */
	if (!atomic_load(&node->head.state))
		return 0;
	if (index == ROOT_INDEX || node->lookups || node->children)
		return 0;
	node_unindex_locked(nodes, index);
	release_private_locked(nodes, index, ret_dir, ret_fd);
	if (node->long_name)
		arena_free(nodes->names, node->long_name);
	arena_free(nodes->table, index);
	if (parent)
		node_at(nodes, parent)->children--;
	return parent;
}

/* The same, if it can be (0: not), and ends the critical section: no fd is closed in one. */
static uint32_t free_one_and_unlock(struct nodes *nodes, uint32_t index)
{
	struct layer_dir *dir = NULL;
	int fd = -1;

	if (index)
		index = free_one_locked(nodes, index, &dir, &fd);
	pthread_mutex_unlock(&nodes->mutex);
	layer_dir_unref(dir);
	if (fd >= 0)
		close(fd);
	return index;
}

void node_free_unused(struct nodes *nodes, uint32_t index)
{
	while (index) {
		pthread_mutex_lock(&nodes->mutex);
		index = free_one_and_unlock(nodes, index);
	}
}

static void leave(struct node_record *node, struct node_left *left)
{
	left->backing_id = node->backing_id;
	left->hidden = node->flags & NODE_HIDDEN;
	left->session = node->session;
	left->share = node->share;
	left->stamp = node->stamp;
	left->type = node->type;
	left->backing_dev = node->backing_dev;
	left->backing_ino = node->backing_ino;
	node->backing_id = 0;
}

void node_forget(struct nodes *nodes, uint64_t nodeid, uint64_t count, struct node_left *ret_left)
{
	uint32_t index;

	*ret_left = (struct node_left){0};
	pthread_mutex_lock(&nodes->mutex);
	index = node_index_of_locked(nodes, nodeid);
	if (index) {
		struct node_record *node = node_at(nodes, index);

		node->lookups -= count < node->lookups ? count : node->lookups;
		if (!node->lookups && index != ROOT_INDEX)
			leave(node, ret_left);
	}
	/* Before anybody finds it again: what it left goes now. */
	node_free_unused(nodes, free_one_and_unlock(nodes, index));
}

uint32_t node_opened(struct nodes *nodes, uint32_t index, bool mapped, int delta)
{
	struct node_record *node = node_at(nodes, index);
	uint32_t opens;

	pthread_mutex_lock(&nodes->mutex);
	node->opens += (uint32_t)delta;
	if (mapped)
		node->mapped += (uint32_t)delta;
	opens = node->opens;
	pthread_mutex_unlock(&nodes->mutex);
	return opens;
}

static enum layer data_layer(const struct node_record *node)
{
	return node->flags & NODE_METACOPY ? LAYER_LOWER : (enum layer)node->layer;
}

static bool backing_is_of(const struct node_record *node, enum layer layer)
{
	return !!(node->flags & NODE_BACKING_UPPER) == (layer == LAYER_UPPER);
}

int node_open_backing(struct nodes *nodes, uint32_t index, enum layer layer, int made, int *ret_id,
		      int *ret_release)
{
	struct node_record *node = node_at(nodes, index);
	int r = 0;

	*ret_release = 0;
	pthread_mutex_lock(&nodes->mutex);
	if (data_layer(node) != layer) {
		r = -EAGAIN;
	} else if (node->backing_id && !backing_is_of(node, layer)) {
		/* Ours is one of the opens; the kernel refuses two backings at a time. */
		r = node->opens > 1 ? -ESTALE : 0;
		if (r == 0) {
			*ret_release = node->backing_id;
			node->backing_id = 0;
		}
	}
	if (r == 0 && !node->backing_id && made) {
		node->backing_id = made;
		node->flags &= (uint16_t)~NODE_BACKING_UPPER;
		if (layer == LAYER_UPPER)
			node->flags |= NODE_BACKING_UPPER;
	}
	*ret_id = node->backing_id;
	pthread_mutex_unlock(&nodes->mutex);
	return r;
}

int node_take_backing(struct nodes *nodes, uint32_t index)
{
	struct node_record *node = node_at(nodes, index);
	int backing_id;

	pthread_mutex_lock(&nodes->mutex);
	backing_id = node->backing_id;
	node->backing_id = 0;
	pthread_mutex_unlock(&nodes->mutex);
	return backing_id;
}

int node_nameless_fd(struct nodes *nodes, uint32_t index)
{
	int fd;

	pthread_mutex_lock(&nodes->mutex);
	fd = nodes->private[index].fd_plus_one - 1;
	pthread_mutex_unlock(&nodes->mutex);
	return fd;
}

int node_virtual_path(struct nodes *nodes, uint32_t index, char *ret, size_t size)
{
	size_t start = size - 1;
	int r = 0;

	ret[start] = '\0';
	pthread_mutex_lock(&nodes->mutex);
	while (index > ROOT_INDEX) {
		const struct node_record *node = node_at(nodes, index);
		const char *name = node_name_locked(nodes, node);
		size_t len = strlen(name);

		if (len + 1 > start) {
			r = -ENAMETOOLONG;
			break;
		}
		if (ret[start])
			ret[--start] = '/';
		start -= len;
		memcpy(ret + start, name, len);
		index = node->parent;
	}
	pthread_mutex_unlock(&nodes->mutex);
	if (r == 0)
		memmove(ret, ret + start, size - start);
	return r;
}

uint32_t nodes_count(const struct nodes *nodes)
{
	return arena_count(nodes->table);
}

int nodes_room(const struct nodes *nodes)
{
	return arena_has_room(nodes->table) && arena_has_room(nodes->names) ? 0 : -ENOMEM;
}

static int make_root(struct nodes *nodes)
{
	uint32_t index;

	if (node_at(nodes, ROOT_INDEX)->head.state)
		return 0;
	index = arena_alloc(nodes->table);
	if (index != ROOT_INDEX)
		return -EINVAL;
	node_at(nodes, index)->type = S_IFDIR;
	node_at(nodes, index)->ino = NODE_ROOT_ID;
	node_at(nodes, index)->lookups = 1;
	arena_publish(nodes->table, index, NODE_STATE_VIRTUAL);
	return 0;
}

int nodes_new(struct arena_table *table, struct arena_table *names, const struct view_setup *setup,
	      struct nodes **ret_nodes)
{
	struct nodes *nodes = calloc(1, sizeof(*nodes));
	int r = -ENOMEM;

	if (!nodes)
		return -ENOMEM;
	pthread_mutex_init(&nodes->mutex, NULL);
	nodes->table = table;
	nodes->names = names;
	nodes->setup = setup;
	nodes->max_cached_dirs = descriptors_share(DESCRIPTORS_DIRECTORIES);
	if (nodes->max_cached_dirs > NODE_DIRS_CACHED)
		nodes->max_cached_dirs = NODE_DIRS_CACHED;
	nodes->max_kept_fds = descriptors_share(DESCRIPTORS_NAMELESS);
	/* Untouched pages of a large calloc cost nothing. */
	nodes->private = calloc((size_t)arena_capacity(table) + 1, sizeof(*nodes->private));
	if (nodes->private)
		r = make_root(nodes);
	for (uint32_t i = 0; r == 0 && (i = arena_next(table, i));) {
		/* Nobody holds what the last worker held: its inode may be another's by now. */
		if ((node_at(nodes, i)->flags & (NODE_NAMELESS | NODE_HIDDEN)) == NODE_NAMELESS)
			node_at(nodes, i)->flags &= (uint16_t) ~(NODE_BY_INODE | NODE_DETACHED);
		r = node_index_locked(nodes, i);
	}
	if (r < 0) {
		nodes_free(nodes);
		return r;
	}
	*ret_nodes = nodes;
	return 0;
}

void nodes_free(struct nodes *nodes)
{
	if (!nodes)
		return;
	for (uint32_t i = 0; nodes->private && (i = arena_next(nodes->table, i));) {
		layer_dir_unref(nodes->private[i].dir);
		if (nodes->private[i].fd_plus_one)
			close(nodes->private[i].fd_plus_one - 1);
	}
	free(nodes->private);
	index_release(&nodes->by_name);
	index_release(&nodes->by_inode);
	index_release(&nodes->detached);
	pthread_mutex_destroy(&nodes->mutex);
	free(nodes);
}
