/* SPDX-License-Identifier: MIT */
/* Where a node's object is, and what is known of it: copy-up, moves between layers, links. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "node/internal.h"

static void set_flag(struct node_record *node, enum node_flags flag, bool on)
{
	node->flags &= (uint16_t)~flag;
	if (on)
		node->flags |= (uint16_t)flag;
}

static void move_locked(struct nodes *nodes, uint32_t index, const struct node_place *place)
{
	struct node_record *node = node_at(nodes, index);

	(*node_version_locked(nodes, node->parent, node_name_locked(nodes, node)))++;
	node->flags &= (uint16_t)~NODE_NAME_DURABLE;
	node_unindex_locked(nodes, index);
	/* First, should we be killed in between: what says so is looked at on disk. */
	if (place->metacopy)
		set_flag(node, NODE_METACOPY, true);
	atomic_signal_fence(memory_order_seq_cst);
	node->layer = (uint8_t)place->layer;
	node->backing_dev = place->dev;
	node->backing_ino = place->ino;
	node->birth = place->birth;
	/* What leaves the lower leaves its other names there. */
	if (place->layer == LAYER_UPPER)
		set_flag(node, NODE_BY_INODE, false);
	node_index_locked(nodes, index);
}

void node_moved_layer(struct nodes *nodes, uint32_t index, const struct node_place *place)
{
	struct node_record *node = node_at(nodes, index);

	pthread_mutex_lock(&nodes->mutex);
	move_locked(nodes, index, place);
	set_flag(node, NODE_LOWER_CLASS, place->lower_class);
	set_flag(node, NODE_METACOPY, place->metacopy);
	/* What lives in the lower gets its attributes from others too. */
	set_flag(node, NODE_NO_CAPABILITY, false);
	pthread_mutex_unlock(&nodes->mutex);
}

int node_copied_up(struct nodes *nodes, uint32_t index, const struct node_place *place,
		   bool changes_data, int *ret_backing)
{
	struct node_record *node = node_at(nodes, index);
	bool from_lower;
	int r = 0;

	*ret_backing = 0;
	pthread_mutex_lock(&nodes->mutex);
	from_lower = node->backing_id && !(node->flags & NODE_BACKING_UPPER);
	if (from_lower && node->opens && changes_data) {
		r = -ESTALE;
	} else {
		/* Of a metacopy the lower's is the right one still. */
		if (from_lower && !node->opens && !place->metacopy) {
			*ret_backing = node->backing_id;
			node->backing_id = 0;
		}
		if (node->layer != LAYER_UPPER)
			move_locked(nodes, index, place);
		set_flag(node, NODE_METACOPY, place->metacopy);
	}
	pthread_mutex_unlock(&nodes->mutex);
	return r;
}

void node_renumber(struct nodes *nodes, uint32_t index, uint64_t number)
{
	pthread_mutex_lock(&nodes->mutex);
	node_at(nodes, index)->ino = number;
	pthread_mutex_unlock(&nodes->mutex);
}

void node_set_hidden(struct nodes *nodes, uint64_t nodeid, bool hidden)
{
	uint32_t index;

	pthread_mutex_lock(&nodes->mutex);
	index = node_index_of_locked(nodes, nodeid);
	if (index)
		set_flag(node_at(nodes, index), NODE_HIDDEN, hidden);
	pthread_mutex_unlock(&nodes->mutex);
}

void node_linked(struct nodes *nodes, uint32_t index)
{
	struct node_record *node = node_at(nodes, index);

	pthread_mutex_lock(&nodes->mutex);
	node->flags &= (uint16_t)~NODE_NAME_DURABLE;
	/* A detached one is to be found by none of its names; its twin is by inode already. */
	if (!(node->flags & (NODE_BY_INODE | NODE_DETACHED)) &&
	    node_index_inode_locked(nodes, index) == 0)
		node->flags |= NODE_BY_INODE;
	pthread_mutex_unlock(&nodes->mutex);
}

void node_name_durable(struct nodes *nodes, const struct node_info *node)
{
	struct node_record *record = node_at(nodes, node->index);

	pthread_mutex_lock(&nodes->mutex);
	if (record->parent == node->parent && record->layer == node->layer &&
	    record->backing_ino == node->backing_ino &&
	    strcmp(node_name_locked(nodes, record), node->name) == 0)
		record->flags |= NODE_NAME_DURABLE;
	pthread_mutex_unlock(&nodes->mutex);
}

void node_may_be_capable(struct nodes *nodes, uint32_t index)
{
	pthread_mutex_lock(&nodes->mutex);
	node_at(nodes, index)->flags &= (uint16_t)~NODE_NO_CAPABILITY;
	pthread_mutex_unlock(&nodes->mutex);
}

int node_copied_nameless(struct nodes *nodes, uint32_t index, int fd_consume,
			 const struct node_place *place, bool changes_data, int *ret_backing)
{
	int kept = node_nameless_fd(nodes, index);
	int r = 0;

	*ret_backing = 0;
	/* Under the same number, for others may have borrowed it. */
	if (kept >= 0 && dup3(fd_consume, kept, O_CLOEXEC) < 0)
		r = -errno;
	close(fd_consume);
	return r < 0 ? r : node_copied_up(nodes, index, place, changes_data, ret_backing);
}

void node_detach(struct nodes *nodes, uint32_t index, int fd_consume)
{
	struct node_record *node = node_at(nodes, index);

	pthread_mutex_lock(&nodes->mutex);
	/* By none of its names is it to be found again. */
	node_unindex_locked(nodes, index);
	node->flags |= NODE_NAMELESS | NODE_DETACHED;
	node->flags &= (uint16_t)~NODE_BY_INODE;
	/* Without memory for it the other's attributes are late by their time-out. */
	node_index_locked(nodes, index);
	fd_consume = node_keep_fd_locked(nodes, index, fd_consume);
	pthread_mutex_unlock(&nodes->mutex);
	if (fd_consume >= 0)
		close(fd_consume);
}
