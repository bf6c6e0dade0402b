/* SPDX-License-Identifier: MIT */
/*
 * Threads that look up, open, copy up, rename, exchange, remove and forget the same few names, on a
 * real view. Each thread remembers what it looked up and forgets as much, as the kernel does; at the
 * end no node is left but the roots, and no descriptor.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/sys.h"
#include "node/handle.h"
#include "node/internal.h"
#include "view/copyup.h"
#include "view/create.h"
#include "view/remove.h"
#include "view/rename.h"

#define THREADS 4
#define ROUNDS 6000
#define NAMES 6
#define HELD 64

enum { TABLE_SESSIONS, TABLE_NODES, TABLE_NAMES, TABLE_HANDLES, TABLES };

static struct view_setup views;
static struct nodes *nodes;
static struct handles *handles;
static struct arena *arena;
static uint32_t session;
static struct node_info top;
static char scratch[] = "/tmp/sessionfs-conc-XXXXXX";
/* The kernel serialises changes of one directory; so does this. Look-ups run beside. */
static _Atomic uint32_t looked_up, made, removed, moved_names, copied_up;
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "node_table: %s does not hold (errno %d)\n", what, errno);
	exit(1);
}

/* What one thread has looked up and not forgotten. */
struct client {
	unsigned int seed;
	uint64_t held[HELD];
	size_t count;
};

static unsigned int dice(struct client *client, unsigned int sides)
{
	return (unsigned int)rand_r(&client->seed) % sides;
}

static void forget(uint64_t nodeid)
{
	struct node_left left;

	node_forget(nodes, nodeid, 1, &left);
}

/* Remembers a reference; gives back a random other one where there is no room. */
static void hold(struct client *client, uint64_t nodeid)
{
	if (client->count == HELD) {
		size_t at = dice(client, HELD);

		forget(client->held[at]);
		client->held[at] = nodeid;
		return;
	}
	client->held[client->count++] = nodeid;
}

/* Every other name is longer than what a record holds. */
static void pick_name(struct client *client, char ret[64])
{
	unsigned int number = dice(client, NAMES);

	snprintf(ret, 64, number % 2 ? "n%u" : "a-name-that-is-longer-than-a-record-%u", number);
}

/* A directory: the top one, or one in it; with its layers. */
static bool pick_dir(struct client *client, struct node_info *ret_node, struct layer_dir **ret_dir)
{
	*ret_node = top;
	if (client->count && dice(client, 2) &&
	    node_get(nodes, client->held[dice(client, (unsigned int)client->count)], ret_node) < 0)
		return false;
	return S_ISDIR(ret_node->type) && node_dir(nodes, ret_node->index, ret_dir) == 0;
}

static void look(struct client *client, const struct node_info *parent, struct layer_dir *dir)
{
	struct resolved found;
	struct node_info node;
	char name[64];

	pick_name(client, name);
	if (view_resolve(dir, name, &found) < 0 || found.layer == LAYER_NONE)
		return;
	must(node_lookup(nodes, parent->index, name, &found, 0, &node) == 0, "room for a node");
	hold(client, node.nodeid);
	looked_up++;
	must(strlen(node.name) > 0, "a node has a name");
}

/* Changes hold the mutex, as the kernel holds the directory's lock; -errno is as good as 0. */
static void make(struct client *client, struct layer_dir *dir)
{
	const struct creator root = {0};
	char name[64];
	int fd;

	pick_name(client, name);
	if (dice(client, 2)) {
		made += view_mkdir(dir, name, 0755, &root) == 0;
		return;
	}
	fd = view_create(dir, name, O_RDWR, 0644, &root);
	made += fd >= 0;
	if (fd >= 0)
		close(fd);
}

static void remove_one(struct client *client, const struct node_info *parent, struct layer_dir *dir)
{
	struct resolved found;
	char name[64];
	uint64_t nodeid;
	int fd = -1, r;

	pick_name(client, name);
	nodeid = node_find(nodes, parent->index, name);
	if (view_resolve(dir, name, &found) < 0 || found.layer == LAYER_NONE)
		return;
	if (!S_ISDIR(found.st.st_mode))
		fd = openat(layer_dir_fd(dir, found.layer), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	r = S_ISDIR(found.st.st_mode) ? view_rmdir(dir, name) : view_unlink(dir, name);
	removed += r == 0;
	if (r == 0)
		node_name_gone(nodes, nodeid, parent->index, name, fd);
	else if (fd >= 0)
		close(fd);
}

static void move(struct client *client, const struct node_info *parent, struct layer_dir *dir)
{
	unsigned int flags = dice(client, 3) ? 0 : RENAME_EXCHANGE;
	struct layer_dir *moved, *displaced;
	uint64_t replaced;
	char from[64], to[64];

	pick_name(client, from);
	pick_name(client, to);
	if (strcmp(from, to) == 0)
		return;
	replaced = node_find(nodes, parent->index, to);
	moved = node_dir_known(nodes, parent->index, from);
	displaced = flags ? node_dir_known(nodes, parent->index, to) : NULL;
	if (view_rename(dir, from, dir, to, flags, moved, displaced) == 0) {
		moved_names++;
		if (flags) {
			node_exchanged(nodes, parent->index, from, parent->index, to);
			if (displaced)
				layer_dir_moved(displaced, dir, from);
		} else {
			node_name_gone(nodes, replaced, parent->index, to, -1);
			node_renamed(nodes, parent->index, from, parent->index, to);
		}
		if (moved)
			layer_dir_moved(moved, dir, to);
	}
	layer_dir_unref(moved);
	layer_dir_unref(displaced);
}

static void copy_up(struct client *client, const struct node_info *parent, struct layer_dir *dir)
{
	struct node_place place = {.layer = LAYER_UPPER};
	char name[64];
	struct stat st;
	struct node_info node;
	uint64_t nodeid;
	int release;

	pick_name(client, name);
	nodeid = node_find(nodes, parent->index, name);
	if (!nodeid || node_get(nodes, nodeid, &node) < 0 || S_ISDIR(node.type) ||
	    copyup_entry(dir, name, COPYUP_WHOLE, NULL) < 0 ||
	    fstatat(layer_dir_upper(dir), name, &st, AT_SYMLINK_NOFOLLOW))
		return;
	copied_up++;
	place.dev = st.st_dev;
	place.ino = st.st_ino;
	node_copied_up(nodes, node.index, &place, dice(client, 2), &release);
}

static void open_and_close(struct client *client)
{
	struct handle_record like = {.flags = O_RDONLY};
	struct node_info node;
	int id, release;
	uint64_t fh;

	if (!client->count || node_get(nodes, client->held[0], &node) < 0)
		return;
	like.node = node.index;
	node_opened(nodes, node.index, true, 1);
	must(handle_open(handles, &like, HANDLE_STATE_FILE, &fh) == 0, "room for a handle");
	must(handle_private(handles, fh) != NULL, "a handle has a private part");
	node_open_backing(nodes, node.index, node_data_layer(&node), 0, &id, &release);
	handle_close(handles, fh);
	node_opened(nodes, node.index, true, -1);
}

static void step(struct client *client)
{
	struct layer_dir *dir;
	struct node_info node;
	unsigned int what = dice(client, 12);

	if (!pick_dir(client, &node, &dir))
		return;
	if (what < 6) {
		look(client, &node, dir);
	} else if (what == 6) {
		open_and_close(client);
	} else if (what == 7) {
		/* As when somebody replaced it in the lower; a view's root is never replaced. */
		node_dir_drop(nodes, node.index,
			      node.index != top.index && layer_dir_upper(dir) >= 0 ? dir : NULL);
	} else {
		pthread_mutex_lock(&changing);
		if (what == 8)
			make(client, dir);
		else if (what == 9)
			remove_one(client, &node, dir);
		else if (what == 10)
			move(client, &node, dir);
		else
			copy_up(client, &node, dir);
		pthread_mutex_unlock(&changing);
	}
	layer_dir_unref(dir);
}

static void *work(void *arg)
{
	struct client client = {.seed = (unsigned int)(uintptr_t)arg};

	for (int i = 0; i < ROUNDS; i++)
		step(&client);
	while (client.count)
		forget(client.held[--client.count]);
	return NULL;
}

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void make_lower(int lower)
{
	char path[96];

	for (int i = 0; i < NAMES; i++) {
		must(sys_mkdir_all(lower, "n1/n3", 0755) == 0, "a lower directory");
		snprintf(path, sizeof(path),
			 i % 2 ? "n1/n3/n%d" : "a-name-that-is-longer-than-a-record-%d", i);
		close(openat(lower, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	}
}

static void set_up(struct config *config, struct share_config *share, struct store **ret_store)
{
	static const struct arena_table_spec specs[TABLES] = {
		[TABLE_SESSIONS] = {"sessions", sizeof(struct session_record), 8},
		[TABLE_NODES] = {"nodes", sizeof(struct node_record), 4096},
		[TABLE_NAMES] = {"names", sizeof(struct node_name_record), 4096},
		[TABLE_HANDLES] = {"handles", sizeof(struct handle_record), 64},
	};
	static char store_path[sizeof(scratch) + 8];
	static char share_path[] = "/share";
	struct err err;
	int root;

	must(mkdtemp(scratch) != NULL, "a directory");
	root = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(mkdirat(root, "share", 0755) == 0, "a share");
	share->path = share_path;
	share->lower_fd = openat(root, "share", O_PATH | O_DIRECTORY | O_CLOEXEC);
	close(root);
	make_lower(share->lower_fd);
	snprintf(store_path, sizeof(store_path), "%s/store", scratch);
	must(store_open(store_path, ret_store, &err) == 0, "a store");
	*config = (struct config){.shares = share, .n_shares = 1, .max_sessions = 8};
	must(arena_new(specs, TABLES, &arena) == 0 && arena_attach(arena) == 0, "an arena");
	must(registry_new(arena_table(arena, TABLE_SESSIONS), *ret_store, config, true,
			  &views.registry) == 0,
	     "a registry");
	views.config = config;
	layout_names_init(&views.names, store_xattr_prefix(*ret_store));
	must(rules_new(share, &views.rules[0]) == 0, "rules");
	must(registry_open(views.registry, 0, "s", 0, &session, NULL, &err) == 0, "a session");
	must(nodes_new(arena_table(arena, TABLE_NODES), arena_table(arena, TABLE_NAMES), &views,
		       &nodes) == 0,
	     "nodes");
	/* So few that directories come and go all the time. */
	nodes->max_cached_dirs = 3;
	must(handles_new(arena_table(arena, TABLE_HANDLES), &handles) == 0, "handles");
}

static void look_up_top(void)
{
	struct layer_dir *root;
	struct resolved found;

	must(view_open(&views, session, 0, &root) == 0, "a view");
	must(view_resolve_root(root, &found) == 0, "a root");
	layer_dir_unref(root);
	must(node_lookup_view(nodes, 1, "view", session, 0, &found, &top) == 0, "a root's node");
}

int main(void)
{
	struct share_config share = {.mode = SHARE_OVERLAY};
	pthread_t threads[THREADS];
	struct config config;
	struct store *store;
	size_t fds;
	int root;

	if (geteuid() != 0) {
		puts("node_table: needs root");
		return 77;
	}
	set_up(&config, &share, &store);
	fds = count_fds();
	look_up_top();
	for (size_t i = 0; i < THREADS; i++)
		must(pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(i + 1)) == 0,
		     "a thread");
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	must(looked_up > 500 && made > 100 && removed > 100 && moved_names > 100 && copied_up > 1,
	     "that there was something to do");
	must(nodes_count(nodes) == 2, "no node is left but the roots");
	must(arena_count(arena_table(arena, TABLE_NAMES)) == 0, "no long name is left");
	must(handles_count(handles) == 0, "no handle is left");
	forget(top.nodeid);
	printf("%u looked up, %u made, %u removed, %u moved, %u copied up\n", looked_up, made,
	       removed, moved_names, copied_up);
	must(nodes_count(nodes) == 1 && nodes->cached_dirs == 0, "the view's root goes as well");
	must(count_fds() == fds, "no descriptor is left");

	handles_free(handles);
	nodes_free(nodes);
	rules_free(views.rules[0]);
	registry_free(views.registry);
	arena_free_all(arena);
	store_free(store);
	close(share.lower_fd);
	root = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(sys_remove_tree(root, scratch + strlen("/tmp/")) == 0, "an end");
	close(root);
	return 0;
}
