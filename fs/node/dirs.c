/* SPDX-License-Identifier: MIT */
/* The layers of directory nodes: opened when needed, a bounded number kept. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "node/internal.h"

struct layer_dir *node_dir_peek(struct nodes *nodes, uint32_t index)
{
	struct layer_dir *dir;

	pthread_mutex_lock(&nodes->mutex);
	dir = nodes->private[index].dir;
	if (dir)
		layer_dir_ref(dir);
	pthread_mutex_unlock(&nodes->mutex);
	return dir;
}

void node_dir_drop(struct nodes *nodes, uint32_t index, const struct layer_dir *dir)
{
	struct layer_dir *dropped = NULL;

	pthread_mutex_lock(&nodes->mutex);
	if (nodes->private[index].dir == dir) {
		dropped = TAKE_PTR(nodes->private[index].dir);
		nodes->cached_dirs--;
	}
	pthread_mutex_unlock(&nodes->mutex);
	layer_dir_unref(dropped);
}

/*
 * Whether a node's directory can be opened anew, and nobody has it: not even a directory below. A
 * second object of a directory that one below still copies up would not learn of its upper.
 */
static bool evictable_locked(const struct nodes *nodes, uint32_t index)
{
	const struct layer_dir *dir = nodes->private[index].dir;

	return dir && dir->refs == 1 && !(node_at(nodes, index)->flags & NODE_NAMELESS);
}

/* Picks one cached directory to drop, in clock order; returns its reference, NULL for none. */
static struct layer_dir *evict_locked(struct nodes *nodes)
{
	for (uint32_t tries = arena_count(nodes->table) + 1; tries; tries--) {
		uint32_t index = arena_next(nodes->table, nodes->evict_hand);

		nodes->evict_hand = index;
		if (index && evictable_locked(nodes, index)) {
			nodes->cached_dirs--;
			return TAKE_PTR(nodes->private[index].dir);
		}
	}
	return NULL;
}

/* Caches a directory that was opened; whoever was first wins. Returns a reference to the cached. */
static struct layer_dir *cache_dir(struct nodes *nodes, uint32_t index,
				   struct layer_dir *dir_consume)
{
	struct layer_dir *evicted[2] = {NULL}, *loser = NULL, *dir = dir_consume;

	pthread_mutex_lock(&nodes->mutex);
	if (nodes->private[index].dir) {
		loser = dir;
		dir = nodes->private[index].dir;
	} else if (node_at(nodes, index)->head.state) {
		/* Two for one: what was in use and could not go goes later. */
		for (size_t i = 0; i < 2 && nodes->cached_dirs >= nodes->max_cached_dirs; i++)
			evicted[i] = evict_locked(nodes);
		nodes->private[index].dir = dir;
		nodes->cached_dirs++;
	} else {
		/* Forgotten meanwhile: the caller alone has it. */
		pthread_mutex_unlock(&nodes->mutex);
		return dir;
	}
	layer_dir_ref(dir);
	pthread_mutex_unlock(&nodes->mutex);
	layer_dir_unref(evicted[0]);
	layer_dir_unref(evicted[1]);
	layer_dir_unref(loser);
	return dir;
}

/* Whether what a name led to is the directory that the node stands for. */
static int verify(const struct node_info *node, const struct layer_dir *dir)
{
	struct stat st;
	uint32_t birth;
	int fd = layer_dir_fd(dir, node->layer);
	int r = fd < 0 ? -ESTALE : sys_stat_birth(fd, "", &st, &birth);

	if (r < 0)
		return r;
	return node_is_object(node, &st, birth) ? 0 : -ESTALE;
}

static int open_dir(struct nodes *nodes, const struct node_info *node, struct layer_dir **ret_dir)
{
	_cleanup_layer_dir_ struct layer_dir *parent = NULL, *dir = NULL;
	struct node_info above;
	int r;

	if (node->flags & NODE_NAMELESS)
		return -ESTALE;
	r = node_get_index(nodes, node->parent, &above);
	if (r < 0)
		return r;
	if (above.state == NODE_STATE_VIRTUAL) {
		r = view_open(nodes->setup, node->session, node->share, &dir);
	} else {
		/* As deep as the path is: PATH_MAX / 2 levels at most. */
		r = node_dir(nodes, above.index, &parent);
		if (r == 0)
			r = view_open_dir(parent, node->name, &dir);
		if (r == 0)
			r = verify(node, dir);
	}
	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? -ESTALE : r;
	*ret_dir = cache_dir(nodes, node->index, TAKE_PTR(dir));
	return 0;
}

int node_dir(struct nodes *nodes, uint32_t index, struct layer_dir **ret_dir)
{
	struct node_info node;
	int r = -ESTALE;

	*ret_dir = node_dir_peek(nodes, index);
	if (*ret_dir)
		return 0;
	/* A rename between the copy and the opening shows as another object: look again. */
	for (int tries = 0; tries < 3 && r == -ESTALE; tries++) {
		r = node_get_index(nodes, index, &node);
		if (r < 0)
			return r;
		if (!S_ISDIR(node.type))
			return -ENOTDIR;
		r = open_dir(nodes, &node, ret_dir);
	}
	return r;
}

struct layer_dir *node_dir_known(struct nodes *nodes, uint32_t parent, const char *name)
{
	uint64_t nodeid = node_find(nodes, parent, name);
	struct layer_dir *dir;
	struct node_info node;

	if (!nodeid || node_get(nodes, nodeid, &node) < 0 || !S_ISDIR(node.type))
		return NULL;
	return node_dir(nodes, node.index, &dir) == 0 ? dir : NULL;
}

void nodes_each_lower_dir(struct nodes *nodes, uint32_t share, const char *lower_path,
			  void (*fn)(uint64_t nodeid, void *context), void *context)
{
	for (uint32_t i = 0; (i = arena_next(nodes->table, i));) {
		uint64_t nodeid = 0;

		pthread_mutex_lock(&nodes->mutex);
		if (nodes->private[i].dir && nodes->private[i].dir->view->share == share &&
		    nodes->private[i].dir->lower_path &&
		    strcmp(nodes->private[i].dir->lower_path, lower_path) == 0)
			nodeid = node_nodeid(nodes, i);
		pthread_mutex_unlock(&nodes->mutex);
		if (nodeid)
			fn(nodeid, context);
	}
}
