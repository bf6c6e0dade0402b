/* SPDX-License-Identifier: MIT */
/*
 * Nodes: what the kernel knows by number.
 *
 * A node is a flat record in the arena. Its nodeid is (generation << 32 | index), never reused
 * while the mount lives; the root's is 1. It says *where* the object is (parent node and name, or
 * session and share for the root of a view) and *which* object it was found to be (backing device
 * and inode), so that a name that came to mean something else is noticed (-ESTALE), and a new
 * worker finds everything again. Objects with several names keep the name that was used last.
 *
 * Nodes are per session, directories without exception (ARCHITECTURE section 2).
 *
 * Private memory of the worker holds, per node, what can be rebuilt: the pair of directory fds, and
 * the fd of an object that has lost its name.
 *
 * One mutex guards the records' mutable fields and the indexes; it is never held over a system
 * call. Callers work on copies (struct node_info).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "view/resolve.h"
#include "view/view.h"

#define NODE_ROOT_ID 1
#define NODES_MAX (4u << 20)
#define NODE_NAME_INLINE 28

enum node_state {
	NODE_STATE_VIRTUAL = 1, /* outside the views: resolved by its path, see virt/ */
	NODE_STATE_VIEW,        /* an object of a view */
};

enum node_flags {
	NODE_NAMELESS = 1, /* removed, or replaced behind our back: its name is not its own */
	NODE_BY_INODE = 2, /* is in the index by inode: has or had several names, which share it */
	NODE_BACKING_UPPER =
		4,            /* the passthrough registration is of the upper, else of the lower */
	NODE_LOWER_CLASS = 8, /* lives in the lower by its class: changed there, never copied up */
	NODE_METACOPY = 16,   /* of the upper, but its data are in the lower (view/metacopy.h) */
	NODE_TWIN = 32,   /* found under the name of one that is detached: that changes it too */
	NODE_HIDDEN = 64, /* has a link that shows nowhere, see ops/hidden.h */
	NODE_NO_CAPABILITY = 128, /* made by us, and given no security.capability since */
	NODE_DETACHED = 256, /* left its name to another node of its object, see node_detach() */
	NODE_NAME_DURABLE = 512, /* its name in the upper is on stable storage */
};

struct node_record {
	struct arena_record head;
	uint32_t parent; /* index; 0 for the root of the mount */
	uint32_t session;
	uint32_t stamp;     /* the epoch of the session when it was made */
	uint16_t flags;     /* enum node_flags */
	uint8_t share;      /* less than SHARES_MAX */
	uint8_t layer;      /* enum layer; of the backing below */
	uint64_t lookups;   /* the kernel's references */
	uint32_t children;  /* nodes that name this one as parent */
	uint32_t opens;     /* handles */
	uint32_t mapped;    /* handles that allow shared writable maps (O_RDWR) */
	int32_t backing_id; /* passthrough registration; 0: none */
	uint64_t ino;
	uint64_t backing_dev;
	uint64_t backing_ino;
	uint32_t type;      /* S_IFMT bits */
	uint32_t long_name; /* record in the table of names, 0: inline */
	uint32_t birth;     /* of an object in the lower, struct resolved; 0: not known */
	char name[NODE_NAME_INLINE];
};

struct node_name_record {
	struct arena_record head;
	char name[256];
};

/* A copy of what an operation needs, made under the mutex. */
struct node_info {
	uint32_t index;
	uint32_t state;
	uint32_t parent;
	uint32_t session;
	uint32_t stamp;
	uint32_t share;
	uint32_t type;
	uint32_t opens;
	uint32_t mapped;
	uint16_t flags;
	bool twin_hidden; /* it is NODE_DETACHED, and its twin NODE_HIDDEN */
	enum layer layer;
	int backing_id;
	uint64_t nodeid;
	uint64_t ino;
	uint64_t backing_dev;
	uint64_t backing_ino;
	uint32_t birth;
	char name[256];
};

/*
 * Whether that is the node's object, not one that got its inode number after it: outsiders remove and make
 * files in the lower as they like. birth: as sys_stat_birth() tells.
 */
static inline bool node_is_object(const struct node_info *node, const struct stat *st,
				  uint32_t birth)
{
	return st->st_dev == node->backing_dev && st->st_ino == node->backing_ino &&
	       (st->st_mode & S_IFMT) == node->type &&
	       (!node->birth || !birth || node->birth == birth);
}

/* Where the data are: not where the attributes are, of a metacopy. */
static inline enum layer node_data_layer(const struct node_info *node)
{
	return node->flags & NODE_METACOPY ? LAYER_LOWER : node->layer;
}

struct nodes;

int nodes_new(struct arena_table *table, struct arena_table *names, const struct view_setup *setup,
	      struct nodes **ret_nodes);
void nodes_free(struct nodes *nodes);

/* The node of a nodeid. 0, or -ESTALE where it is gone. */
int node_get(struct nodes *nodes, uint64_t nodeid, struct node_info *ret_info);
/* The same by index, for parents. */
int node_get_index(struct nodes *nodes, uint32_t index, struct node_info *ret_info);

/*
 * Finds or makes, in one critical section, the node of a name that was resolved, and raises its
 * lookup count. `found` NULL: a virtual node. A node of that name that is another object loses the
 * name to the new one. Returns 0, -ENOMEM (table full).
 */
int node_lookup(struct nodes *nodes, uint32_t parent, const char *name,
		const struct resolved *found, uint32_t type, struct node_info *ret_info);
/*
 * The same for who does not keep others from changing the directory meanwhile: the kernel looks a name
 * that it knows up again without its lock. version: what node_name_version() said before the name was
 * resolved. -EAGAIN where the name, or what it stands for, has changed since: then nothing is done.
 */
int node_lookup_since(struct nodes *nodes, uint32_t version, uint32_t parent, const char *name,
		      const struct resolved *found, struct node_info *ret_info);
uint32_t node_name_version(struct nodes *nodes, uint32_t parent, const char *name);
/* As node_lookup() for the root of a view, below a virtual directory. */
int node_lookup_view(struct nodes *nodes, uint32_t parent, const char *name, uint32_t session,
		     uint32_t share, const struct resolved *found, struct node_info *ret_info);

/*
 * Makes a node without a name (O_TMPFILE): it has lookups 1 and keeps fd (O_PATH; -1: none), which is
 * taken. 0, -ENOMEM (table full), or -ENFILE: too many are kept.
 */
int node_new_nameless(struct nodes *nodes, uint32_t parent, const struct resolved *found,
		      int fd_consume, struct node_info *ret_info);

/* What a node that is no more leaves to be cleaned up. */
struct node_left {
	int backing_id; /* 0: none */
	bool hidden;    /* NODE_HIDDEN; what follows says of which view */
	uint32_t session;
	uint32_t share;
	uint32_t stamp;
	uint32_t type;
	uint64_t backing_dev; /* in the upper */
	uint64_t backing_ino;
};

/* The node of the same object, where it has several names; 0: none. */
uint64_t node_find_object(struct nodes *nodes, const struct node_left *left);
/* The kernel forgot `count` references. */
void node_forget(struct nodes *nodes, uint64_t nodeid, uint64_t count, struct node_left *ret_left);

/*
 * The name of a directory entry is gone (unlink, rmdir, replaced by a rename). nodeid: of the node that
 * had it before, 0 for none. fd_consume: an O_PATH fd of its object, or -1; the node keeps it, to serve
 * what is still open.
 */
void node_name_gone(struct nodes *nodes, uint64_t nodeid, uint32_t parent, const char *name,
		    int fd_consume);
/* The entry was renamed; whatever had the new name was reported gone before. */
void node_renamed(struct nodes *nodes, uint32_t old_parent, const char *old_name,
		  uint32_t new_parent, const char *new_name);
/* Both names changed places. */
void node_exchanged(struct nodes *nodes, uint32_t parent_a, const char *name_a, uint32_t parent_b,
		    const char *name_b);

/* Where an object lies. */
struct node_place {
	enum layer layer;
	bool metacopy;    /* as NODE_METACOPY */
	bool lower_class; /* as NODE_LOWER_CLASS */
	uint64_t dev;
	uint64_t ino;
	uint32_t birth; /* of LAYER_LOWER */
};

/* The object gets another st_ino: it was one of several names of a file, and is its own now. */
void node_renumber(struct nodes *nodes, uint32_t index, uint64_t number);
/* Sets or clears NODE_HIDDEN. */
void node_set_hidden(struct nodes *nodes, uint64_t nodeid, bool hidden);
/* The object has a second name from now on. */
void node_linked(struct nodes *nodes, uint32_t index);
/* Its name, by which *node (unchanged) knows it, is on stable storage; no more once it has another. */
void node_name_durable(struct nodes *nodes, const struct node_info *node);
/* The object may have a file capability from now on (NODE_NO_CAPABILITY). */
void node_may_be_capable(struct nodes *nodes, uint32_t index);

/* Another object now: by a move between layers, or because it was detached. */
void node_moved_layer(struct nodes *nodes, uint32_t index, const struct node_place *place);
/*
 * The object was copied up to that place, or its data were, which is in the upper. 0, and in
 * ret_backing the registration that is to be released (0: none); -ESTALE where it is open with
 * passthrough from the lower and its data are about to change: nothing was changed then, see
 * node_detach().
 */
int node_copied_up(struct nodes *nodes, uint32_t index, const struct node_place *place,
		   bool changes_data, int *ret_backing);
/* As node_copied_up() for an object without a name; fd_consume: an O_PATH fd of its copy,
 * which is kept in the place of the one that it has. */
int node_copied_nameless(struct nodes *nodes, uint32_t index, int fd_consume,
			 const struct node_place *place, bool changes_data, int *ret_backing);
/*
 * The node keeps serving what is open of the old backing, but its name is to be looked up anew, and
 * gives another node (copy-up of a file that is open with passthrough), its NODE_TWIN: what is done
 * by the descriptors of the one the kernel does not know of the other.
 */
void node_detach(struct nodes *nodes, uint32_t index, int fd_consume);

/* Counts handles. `mapped` as in the record. Returns the handles after the change. */
uint32_t node_opened(struct nodes *nodes, uint32_t index, bool mapped, int delta);
/*
 * The registration for an open that is already counted and that found the object's data in `layer`.
 * `made` is one to be used where there is none, 0 to ask. Returns 0 with ret_id (0: none yet), and
 * ret_release: one of another layer that nobody uses any more (0: none). -EAGAIN: they have moved to
 * another layer meanwhile. -ESTALE: others have it open from another layer.
 */
int node_open_backing(struct nodes *nodes, uint32_t index, enum layer layer, int made, int *ret_id,
		      int *ret_release);
/* Takes the registration away, for another backing. Returns it, 0 where there was none. */
int node_take_backing(struct nodes *nodes, uint32_t index);

/*
 * The layers of a directory node of a view; a new reference. Opened when needed, kept while room
 * is (NODE_DIRS_CACHED). -ESTALE where its name does not lead to it any more.
 */
int node_dir(struct nodes *nodes, uint32_t index, struct layer_dir **ret_dir);
/* The cached layers if there are any, else NULL; a new reference. */
struct layer_dir *node_dir_peek(struct nodes *nodes, uint32_t index);
/*
 * The layers of a directory that the kernel knows by this name, opened now if they were not; NULL where
 * it knows none. To be held while the directory moves or goes: who opens them meanwhile would not learn
 * of its upper, and once its name is gone they cannot be opened any more, though somebody may have it by
 * an O_PATH descriptor or as his working directory.
 */
struct layer_dir *node_dir_known(struct nodes *nodes, uint32_t parent, const char *name);
/* If these layers are the cached ones, they are no more: node_dir() opens them anew. */
void node_dir_drop(struct nodes *nodes, uint32_t index, const struct layer_dir *dir);

/* A borrowed O_PATH fd of an object without a name, -1 where there is none. Lives as the node does. */
int node_nameless_fd(struct nodes *nodes, uint32_t index);

/* Path of a virtual node below the mount point ("" for the root). 0 or -ENAMETOOLONG. */
int node_virtual_path(struct nodes *nodes, uint32_t index, char *ret, size_t size);

/*
 * The node with that parent and name, without raising its count; 0 where there is none. For
 * notifications to the kernel.
 */
uint64_t node_find(struct nodes *nodes, uint32_t parent, const char *name);
/* Calls fn for each directory node that is cached with that lower path: to expire names in it. */
void nodes_each_lower_dir(struct nodes *nodes, uint32_t share, const char *lower_path,
			  void (*fn)(uint64_t nodeid, void *context), void *context);

/* st_ino of a virtual object: a hash, for they are told apart only within one look. */
uint64_t node_virtual_ino(uint32_t parent, const char *name);

uint32_t nodes_count(const struct nodes *nodes);
/*
 * Whether there is room for one more: before something is made that is to be known then. A glance,
 * with some to spare. 0 or -ENOMEM.
 */
int nodes_room(const struct nodes *nodes);
static inline uint64_t node_id(uint32_t index, uint32_t generation)
{
	return (uint64_t)generation << 32 | index;
}
