/* SPDX-License-Identifier: MIT */
/* How names come and go: by LOOKUP, by what programs do, and without one. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "node/internal.h"

#define ANY_VERSION UINT64_MAX

/* Leaves the index by name; stays reachable by number and, with several names, by inode. */
static void lose_name_locked(struct nodes *nodes, uint32_t index)
{
	struct node_record *node = node_at(nodes, index);

	if (node->flags & NODE_NAMELESS)
		return;
	node_unindex_name_locked(nodes, index);
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
	r = node_index_name_locked(nodes, index);
	if (r == 0)
		node->flags &= (uint16_t)~NODE_NAMELESS;
	return r;
}

static bool same_object(const struct node_record *node, const struct node_record *like)
{
	return node->head.state == like->head.state && node->type == like->type &&
	       node->session == like->session && node->share == like->share &&
	       node->stamp == like->stamp && node->layer == like->layer &&
	       node->backing_dev == like->backing_dev && node->backing_ino == like->backing_ino &&
	       node_same_birth(node, like);
}

/*
 * A directory is one object before and after its copy-up, and when only its layer's inode is
 * another: its children hang on it. Its constant number tells.
 */
static bool same_directory(const struct node_record *node, const struct node_record *like)
{
	return S_ISDIR(like->type) && node->type == like->type &&
	       node->head.state == like->head.state && node->session == like->session &&
	       node->share == like->share && node->stamp == like->stamp && node->ino == like->ino &&
	       node_same_birth(node, like);
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

/* since: the version of the name when it was resolved, ANY_VERSION where it cannot have changed. */
static int find_or_insert(struct nodes *nodes, uint64_t since, struct node_record *like,
			  const char *name, struct node_info *ret_info)
{
	uint32_t index, left = 0;
	int r = 0;

	pthread_mutex_lock(&nodes->mutex);
	if (since != ANY_VERSION && since != *node_version_locked(nodes, like->parent, name)) {
		pthread_mutex_unlock(&nodes->mutex);
		return -EAGAIN;
	}
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
	if (!index && node_is_detached_locked(nodes, like))
		like->flags |= NODE_TWIN | NODE_BY_INODE;
	if (r == 0 && !index)
		r = insert_locked(nodes, like, name, &index);
	if (r == 0) {
		struct node_record *node = node_at(nodes, index);

		if (like->layer == LAYER_UPPER && node->layer != LAYER_UPPER) {
			node->layer = like->layer;
			node->backing_dev = like->backing_dev;
			node->backing_ino = like->backing_ino;
			node->birth = 0;
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
	like->birth = found->layer == LAYER_LOWER ? found->birth : 0;
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

static int lookup(struct nodes *nodes, uint64_t since, uint32_t parent, const char *name,
		  const struct resolved *found, struct node_info *ret_info)
{
	const struct node_record *above = node_at(nodes, parent);
	struct node_record like = {.parent = parent};

	describe(nodes, found, above->session, above->share, &like);
	like.stamp = above->stamp;
	return find_or_insert(nodes, since, &like, name, ret_info);
}

int node_lookup(struct nodes *nodes, uint32_t parent, const char *name,
		const struct resolved *found, uint32_t type, struct node_info *ret_info)
{
	struct node_record like = {.parent = parent, .type = type};

	if (found)
		return lookup(nodes, ANY_VERSION, parent, name, found, ret_info);
	like.head.state = NODE_STATE_VIRTUAL;
	like.ino = node_virtual_ino(parent, name);
	return find_or_insert(nodes, ANY_VERSION, &like, name, ret_info);
}

int node_lookup_since(struct nodes *nodes, uint32_t version, uint32_t parent, const char *name,
		      const struct resolved *found, struct node_info *ret_info)
{
	return lookup(nodes, version, parent, name, found, ret_info);
}

int node_lookup_view(struct nodes *nodes, uint32_t parent, const char *name, uint32_t session,
		     uint32_t share, const struct resolved *found, struct node_info *ret_info)
{
	struct node_record like = {.parent = parent};

	describe(nodes, found, session, share, &like);
	return find_or_insert(nodes, ANY_VERSION, &like, name, ret_info);
}

int node_keep_fd_locked(struct nodes *nodes, uint32_t index, int fd)
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
	int r = 0;

	describe(nodes, found, above->session, above->share, &like);
	like.flags |= NODE_NAMELESS | NODE_BY_INODE;
	like.lookups = 1;
	pthread_mutex_lock(&nodes->mutex);
	if (fd_consume >= 0 && nodes->kept_fds >= nodes->max_kept_fds)
		r = -ENFILE;
	if (r == 0)
		r = insert_locked(nodes, &like, "", &index);
	if (r == 0) {
		fd_consume = node_keep_fd_locked(nodes, index, fd_consume);
		node_fill_locked(nodes, index, ret_info);
	}
	pthread_mutex_unlock(&nodes->mutex);
	if (fd_consume >= 0)
		close(fd_consume);
	return r;
}

void node_name_gone(struct nodes *nodes, uint64_t nodeid, uint32_t parent, const char *name,
		    int fd_consume)
{
	uint32_t index;

	pthread_mutex_lock(&nodes->mutex);
	(*node_version_locked(nodes, parent, name))++;
	index = node_index_of_locked(nodes, nodeid);
	/* It may have been found by another of its names meanwhile. */
	if (index && node_find_locked(nodes, parent, name) == index)
		lose_name_locked(nodes, index);
	if (index && node_at(nodes, index)->flags & NODE_NAMELESS)
		fd_consume = node_keep_fd_locked(nodes, index, fd_consume);
	pthread_mutex_unlock(&nodes->mutex);
	if (fd_consume >= 0)
		close(fd_consume);
}

void node_renamed(struct nodes *nodes, uint32_t old_parent, const char *old_name,
		  uint32_t new_parent, const char *new_name)
{
	uint32_t index, left = 0;

	pthread_mutex_lock(&nodes->mutex);
	(*node_version_locked(nodes, old_parent, old_name))++;
	(*node_version_locked(nodes, new_parent, new_name))++;
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
	(*node_version_locked(nodes, parent_a, name_a))++;
	(*node_version_locked(nodes, parent_b, name_b))++;
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
