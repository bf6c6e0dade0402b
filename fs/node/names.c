/* SPDX-License-Identifier: MIT */
/* The indexes of the node table, and how names come and go. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
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
	       node->stamp == like->stamp;
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

int node_index_locked(struct nodes *nodes, uint32_t index)
{
	struct node_record *node = node_at(nodes, index);
	int r = 0;

	if (node->parent && !(node->flags & NODE_NAMELESS))
		r = index_add(&nodes->by_name,
			      hash_name(node->parent, node_name_locked(nodes, node)), index);
	if (r == 0 && (node->flags & NODE_BY_INODE))
		r = index_add(&nodes->by_inode, hash_inode(node), index);
	if (r == 0 && (node->flags & NODE_DETACHED))
		r = index_add(&nodes->detached, hash_inode(node), index);
	return r;
}

void node_unindex_locked(struct nodes *nodes, uint32_t index)
{
	struct node_record *node = node_at(nodes, index);

	if (node->parent && !(node->flags & NODE_NAMELESS))
		index_remove(&nodes->by_name,
			     hash_name(node->parent, node_name_locked(nodes, node)), index);
	if (node->flags & NODE_BY_INODE)
		index_remove(&nodes->by_inode, hash_inode(node), index);
	if (node->flags & NODE_DETACHED)
		index_remove(&nodes->detached, hash_inode(node), index);
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

/* Leaves the index by name; stays reachable by number and, with several names, by inode. */
static void lose_name_locked(struct nodes *nodes, uint32_t index)
{
	struct node_record *node = node_at(nodes, index);

	if (node->flags & NODE_NAMELESS)
		return;
	index_remove(&nodes->by_name, hash_name(node->parent, node_name_locked(nodes, node)),
		     index);
	node->flags |= NODE_NAMELESS;
}

/*
 * Gives a node another name. Returns 0 or -ENOMEM, then it is nameless. ret_left: the parent that it
 * left (0: none), which may have hung on it alone: for node_free_unused().
 */
static int take_name_locked(struct nodes *nodes, uint32_t index, uint32_t parent, const char *name,
			    uint32_t *ret_left)
{
	struct node_record *node = node_at(nodes, index);
	int r;

	*ret_left = 0;
	lose_name_locked(nodes, index);
	node->flags &= (uint16_t)~NODE_NAME_DURABLE;
	r = node_set_name_locked(nodes, node, name);
	if (r < 0)
		return r;
	if (node->parent != parent) {
		*ret_left = node->parent;
		node_at(nodes, node->parent)->children--;
		node_at(nodes, parent)->children++;
		node->parent = parent;
	}
	r = index_add(&nodes->by_name, hash_name(parent, name), index);
	if (r == 0)
		node->flags &= (uint16_t)~NODE_NAMELESS;
	return r;
}

static bool same_object(const struct node_record *node, const struct node_record *like)
{
	return node->head.state == like->head.state && node->type == like->type &&
	       node->session == like->session && node->share == like->share &&
	       node->stamp == like->stamp && node->layer == like->layer &&
	       node->backing_dev == like->backing_dev && node->backing_ino == like->backing_ino;
}

/*
 * A directory is one object before and after its copy-up, and when only its layer's inode is
 * another: its children hang on it. Its constant number tells.
 */
static bool same_directory(const struct node_record *node, const struct node_record *like)
{
	return S_ISDIR(like->type) && node->type == like->type &&
	       node->head.state == like->head.state && node->session == like->session &&
	       node->share == like->share && node->stamp == like->stamp && node->ino == like->ino;
}

static int insert_locked(struct nodes *nodes, const struct node_record *like, const char *name,
			 uint32_t *ret_index)
{
	uint32_t index = arena_alloc(nodes->table);
	struct node_record *node;
	int r;

	if (!index)
		return -ENOMEM;
	node = node_at(nodes, index);
	record_fill(node, like, sizeof(*node));
	r = node_set_name_locked(nodes, node, name);
	if (r == 0)
		r = node_index_locked(nodes, index);
	if (r < 0) {
		node_unindex_locked(nodes, index);
		if (node->long_name)
			arena_free(nodes->names, node->long_name);
		arena_free(nodes->table, index);
		return r;
	}
	if (node->parent)
		node_at(nodes, node->parent)->children++;
	arena_publish(nodes->table, index, like->head.state);
	*ret_index = index;
	return 0;
}

static int find_or_insert(struct nodes *nodes, struct node_record *like, const char *name,
			  struct node_info *ret_info)
{
	uint32_t index, left = 0;
	int r = 0;

	pthread_mutex_lock(&nodes->mutex);
	index = node_find_locked(nodes, like->parent, name);
	if (index && !same_object(node_at(nodes, index), like) &&
	    !same_directory(node_at(nodes, index), like)) {
		lose_name_locked(nodes, index);
		index = 0;
	}
	/* Also what has one name left: it may have been known by one that is gone. */
	if (!index && like->head.state == NODE_STATE_VIEW) {
		index = node_find_inode_locked(nodes, like);
		if (index)
			r = take_name_locked(nodes, index, like->parent, name, &left);
	}
	if (!index && index_find(&nodes->detached, hash_inode(like), inode_equal, like, nodes))
		like->flags |= NODE_TWIN | NODE_BY_INODE;
	if (r == 0 && !index)
		r = insert_locked(nodes, like, name, &index);
	if (r == 0) {
		struct node_record *node = node_at(nodes, index);

		if (like->layer == LAYER_UPPER && node->layer != LAYER_UPPER) {
			node->layer = like->layer;
			node->backing_dev = like->backing_dev;
			node->backing_ino = like->backing_ino;
		}
		node->lookups++;
		node_fill_locked(nodes, index, ret_info);
	}
	pthread_mutex_unlock(&nodes->mutex);
	node_free_unused(nodes, left);
	return r;
}

static void describe(const struct nodes *nodes, const struct resolved *found, uint32_t session,
		     uint32_t share, struct node_record *like)
{
	const struct registry *registry = nodes->setup->registry;
	struct view key = {.session = session, .share = share};

	like->head.state = NODE_STATE_VIEW;
	like->session = session;
	like->share = (uint8_t)share;
	like->stamp = registry_at(registry, session)->epoch;
	like->layer = (uint8_t)found->layer;
	like->backing_dev = found->st.st_dev;
	like->backing_ino = found->st.st_ino;
	like->type = found->st.st_mode & S_IFMT;
	like->ino = view_inode_number(&key, found->origin_dev, found->origin_ino);
	if (found->layer == LAYER_LOWER && found->path_class != CLASS_PRIVATE)
		like->flags |= NODE_LOWER_CLASS;
	if (found->made && found->layer == LAYER_UPPER)
		like->flags |= NODE_NO_CAPABILITY;
	if (found->metacopy)
		like->flags |= NODE_METACOPY;
	/* Names of one file that would be copied up are files of their own: each gets its copy. */
	if (!S_ISDIR(like->type) && found->st.st_nlink > 1 &&
	    (found->layer == LAYER_UPPER || (like->flags & NODE_LOWER_CLASS)))
		like->flags |= NODE_BY_INODE;
}

int node_lookup(struct nodes *nodes, uint32_t parent, const char *name,
		const struct resolved *found, uint32_t type, struct node_info *ret_info)
{
	struct node_record like = {.parent = parent};

	if (found) {
		const struct node_record *above = node_at(nodes, parent);

		describe(nodes, found, above->session, above->share, &like);
		like.stamp = above->stamp;
	} else {
		like.head.state = NODE_STATE_VIRTUAL;
		like.type = type;
		like.ino = node_virtual_ino(parent, name);
	}
	return find_or_insert(nodes, &like, name, ret_info);
}

int node_lookup_view(struct nodes *nodes, uint32_t parent, const char *name, uint32_t session,
		     uint32_t share, const struct resolved *found, struct node_info *ret_info)
{
	struct node_record like = {.parent = parent};

	describe(nodes, found, session, share, &like);
	return find_or_insert(nodes, &like, name, ret_info);
}

/*
 * The node keeps the fd unless it has one, or too many are kept: then nothing but its number is left of
 * the object (-ESTALE). Returns the fd to be closed, -1 for none.
 */
static int keep_fd_locked(struct nodes *nodes, uint32_t index, int fd)
{
	if (fd < 0 || nodes->private[index].fd_plus_one || nodes->kept_fds >= nodes->max_kept_fds)
		return fd;
	nodes->private[index].fd_plus_one = fd + 1;
	nodes->kept_fds++;
	return -1;
}

int node_new_nameless(struct nodes *nodes, uint32_t parent, const struct resolved *found,
		      int fd_consume, struct node_info *ret_info)
{
	const struct node_record *above = node_at(nodes, parent);
	struct node_record like = {.parent = parent};
	uint32_t index;
	int r;

	describe(nodes, found, above->session, above->share, &like);
	like.flags |= NODE_NAMELESS | NODE_BY_INODE;
	like.lookups = 1;
	pthread_mutex_lock(&nodes->mutex);
	r = insert_locked(nodes, &like, "", &index);
	if (r == 0) {
		fd_consume = keep_fd_locked(nodes, index, fd_consume);
		node_fill_locked(nodes, index, ret_info);
	}
	pthread_mutex_unlock(&nodes->mutex);
	if (fd_consume >= 0)
		close(fd_consume);
	return r;
}

void node_name_gone(struct nodes *nodes, uint32_t parent, const char *name, int fd_consume)
{
	uint32_t index;

	pthread_mutex_lock(&nodes->mutex);
	index = node_find_locked(nodes, parent, name);
	if (index) {
		lose_name_locked(nodes, index);
		fd_consume = keep_fd_locked(nodes, index, fd_consume);
	}
	pthread_mutex_unlock(&nodes->mutex);
	if (fd_consume >= 0)
		close(fd_consume);
}

void node_renamed(struct nodes *nodes, uint32_t old_parent, const char *old_name,
		  uint32_t new_parent, const char *new_name)
{
	uint32_t index, left = 0;

	pthread_mutex_lock(&nodes->mutex);
	index = node_find_locked(nodes, old_parent, old_name);
	if (index)
		take_name_locked(nodes, index, new_parent, new_name, &left);
	pthread_mutex_unlock(&nodes->mutex);
	node_free_unused(nodes, left);
}

void node_exchanged(struct nodes *nodes, uint32_t parent_a, const char *name_a, uint32_t parent_b,
		    const char *name_b)
{
	uint32_t a, b, left_a = 0, left_b = 0;

	pthread_mutex_lock(&nodes->mutex);
	a = node_find_locked(nodes, parent_a, name_a);
	b = node_find_locked(nodes, parent_b, name_b);
	if (b)
		lose_name_locked(nodes, b);
	if (a)
		take_name_locked(nodes, a, parent_b, name_b, &left_a);
	if (b)
		take_name_locked(nodes, b, parent_a, name_a, &left_b);
	pthread_mutex_unlock(&nodes->mutex);
	node_free_unused(nodes, left_a);
	node_free_unused(nodes, left_b);
}

static void set_flag(struct node_record *node, enum node_flags flag, bool on)
{
	node->flags &= (uint16_t)~flag;
	if (on)
		node->flags |= (uint16_t)flag;
}

static void move_locked(struct nodes *nodes, uint32_t index, const struct node_place *place)
{
	struct node_record *node = node_at(nodes, index);

	node->flags &= (uint16_t)~NODE_NAME_DURABLE;
	node_unindex_locked(nodes, index);
	/* First, should we be killed in between: what says so is looked at on disk. */
	if (place->metacopy)
		set_flag(node, NODE_METACOPY, true);
	atomic_signal_fence(memory_order_seq_cst);
	node->layer = (uint8_t)place->layer;
	node->backing_dev = place->dev;
	node->backing_ino = place->ino;
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

void node_set_hidden(struct nodes *nodes, uint32_t index, bool hidden)
{
	struct node_record *node = node_at(nodes, index);

	pthread_mutex_lock(&nodes->mutex);
	node->flags &= (uint16_t)~NODE_HIDDEN;
	if (hidden)
		node->flags |= NODE_HIDDEN;
	pthread_mutex_unlock(&nodes->mutex);
}

void node_linked(struct nodes *nodes, uint32_t index)
{
	struct node_record *node = node_at(nodes, index);

	pthread_mutex_lock(&nodes->mutex);
	node->flags &= (uint16_t)~NODE_NAME_DURABLE;
	/* A detached one is to be found by none of its names; its twin is by inode already. */
	if (!(node->flags & (NODE_BY_INODE | NODE_DETACHED)) &&
	    index_add(&nodes->by_inode, hash_inode(node), index) == 0)
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
	index_add(&nodes->detached, hash_inode(node), index);
	fd_consume = keep_fd_locked(nodes, index, fd_consume);
	pthread_mutex_unlock(&nodes->mutex);
	if (fd_consume >= 0)
		close(fd_consume);
}
