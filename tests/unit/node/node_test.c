/* SPDX-License-Identifier: MIT */
#include "node/internal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/view_fixture.h"
#include "view/copyup.h"
#include "view/create.h"
#include "view/remove.h"
#include "view/rename.h"

enum { TABLE_NODES, TABLE_NAMES };

static struct arena *arena;
static struct nodes *nodes;
static struct node_info top; /* the root of the view */

/* As a worker that begins: what private memory holds is made from the records. */
static void begin(void)
{
	cr_assert_eq(arena_attach(arena), 0);
	cr_assert_eq(nodes_new(arena_table(arena, TABLE_NODES), arena_table(arena, TABLE_NAMES),
			       &view_fixture.setup, &nodes),
		     0);
}

/* The fixture works on the layers that the nodes have. */
static void use_root(void)
{
	layer_dir_unref(view_fixture.root);
	cr_assert_eq(node_dir(nodes, top.index, &view_fixture.root), 0);
}

static void setup(void)
{
	static const struct arena_table_spec specs[] = {
		[TABLE_NODES] = {"nodes", sizeof(struct node_record), 64},
		[TABLE_NAMES] = {"names", sizeof(struct node_name_record), 4},
	};
	struct resolved found;

	view_fixture_make(SHARE_OVERLAY);
	lower_put("file", "lower");
	lower_put("dir/sub/deep", "deep");
	cr_assert_eq(arena_new(specs, 2, &arena), 0);
	begin();
	cr_assert_eq(view_resolve_root(view_fixture.root, &found), 0);
	cr_assert_eq(node_lookup_view(nodes, 1, "view", view_fixture.session, 0, &found, &top), 0);
	use_root();
}

static void teardown(void)
{
	nodes_free(nodes);
	arena_free_all(arena);
	view_fixture_free();
}

TestSuite(node, .init = setup, .fini = teardown);

static void restart(void)
{
	nodes_free(nodes);
	begin();
	use_root();
}

/* Looks a name up in a directory, as the kernel does. */
static struct node_info look(const struct node_info *parent, const char *name)
{
	struct layer_dir *dir;
	struct resolved found;
	struct node_info node;

	cr_assert_eq(node_dir(nodes, parent->index, &dir), 0);
	cr_assert_eq(view_resolve(dir, name, &found), 0);
	cr_assert_neq(found.layer, LAYER_NONE, "%s", name);
	cr_assert_eq(node_lookup(nodes, parent->index, name, &found, 0, &node), 0);
	layer_dir_unref(dir);
	return node;
}

static void forget(const struct node_info *node, uint64_t count)
{
	struct node_left left;

	node_forget(nodes, node->nodeid, count, &left);
}

static const struct node_place in_upper = {.layer = LAYER_UPPER, .dev = 1, .ino = 2};
static const struct node_place a_metacopy = {.layer = LAYER_UPPER,
					     .metacopy = true,
					     .dev = 1,
					     .ino = 2};

static int open_lower(const char *path)
{
	return openat(view_fixture.lower, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

Test(node, the_root_has_the_number_that_the_kernel_expects)
{
	struct node_info info;

	cr_assert_eq(node_get(nodes, NODE_ROOT_ID, &info), 0);
	cr_assert_eq(info.state, NODE_STATE_VIRTUAL);
	cr_assert_eq(info.type, S_IFDIR);
	cr_assert_eq(info.nodeid, NODE_ROOT_ID);
	forget(&info, 100);
	cr_assert_eq(node_get(nodes, NODE_ROOT_ID, &info), 0);
}

Test(node, a_name_looked_up_twice_is_one_node)
{
	struct node_info a = look(&top, "file"), b = look(&top, "file"), info;

	cr_assert_eq(a.nodeid, b.nodeid);
	cr_assert_eq(a.layer, LAYER_LOWER);
	cr_assert_eq(a.type, S_IFREG);
	cr_assert_str_eq(a.name, "file");
	forget(&a, 1);
	cr_assert_eq(node_get(nodes, a.nodeid, &info), 0);
	forget(&a, 1);
	cr_assert_eq(node_get(nodes, a.nodeid, &info), -ESTALE);
}

Test(node, a_number_is_never_used_again)
{
	struct node_info a = look(&top, "file"), b, info;

	forget(&a, 1);
	b = look(&top, "file");
	cr_assert_eq(a.index, b.index);
	cr_assert_neq(a.nodeid, b.nodeid);
	cr_assert_eq(node_get(nodes, a.nodeid, &info), -ESTALE);
	forget(&a, 1);
	cr_assert_eq(node_get(nodes, b.nodeid, &info), 0);
}

Test(node, a_number_that_never_was_is_stale)
{
	struct node_info info;

	cr_assert_eq(node_get(nodes, 0, &info), -ESTALE);
	cr_assert_eq(node_get(nodes, node_id(64, 1), &info), -ESTALE);
	cr_assert_eq(node_get(nodes, node_id(65, 1), &info), -ESTALE);
	cr_assert_eq(node_get(nodes, UINT64_MAX, &info), -ESTALE);
	cr_assert_eq(node_get_index(nodes, 63, &info), -ESTALE);
}

Test(node, a_parent_lives_as_long_as_its_children)
{
	struct node_info dir = look(&top, "dir"), sub = look(&dir, "sub"), info;
	uint32_t before = nodes_count(nodes);

	forget(&dir, 1);
	cr_assert_eq(node_get(nodes, dir.nodeid, &info), 0);
	cr_assert_eq(nodes_count(nodes), before);
	forget(&sub, 1);
	cr_assert_eq(node_get(nodes, dir.nodeid, &info), -ESTALE);
	cr_assert_eq(nodes_count(nodes), before - 2);
}

Test(node, more_is_forgotten_than_was_given_without_harm)
{
	struct node_info a = look(&top, "file");

	forget(&a, UINT64_MAX);
	cr_assert_eq(node_find(nodes, top.index, "file"), 0);
	look(&top, "file");
}

Test(node, a_backing_is_given_back_with_the_last_reference)
{
	struct node_info a = look(&top, "file");
	struct node_left left;
	int id, release;

	node_opened(nodes, a.index, false, 1);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_LOWER, 7, &id, &release), 0);
	cr_assert(id == 7 && release == 0);
	node_opened(nodes, a.index, false, -1);
	node_forget(nodes, a.nodeid, 1, &left);
	cr_assert_eq(left.backing_id, 7);
	cr_assert_not(left.hidden);
}

Test(node, opens_of_one_layer_share_a_backing)
{
	struct node_info a = look(&top, "file");
	int id, release;

	node_opened(nodes, a.index, false, 1);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_LOWER, 0, &id, &release), 0);
	cr_assert_eq(id, 0);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_LOWER, 7, &id, &release), 0);
	cr_assert_eq(id, 7);
	node_opened(nodes, a.index, false, 1);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_LOWER, 8, &id, &release), 0);
	cr_assert_eq(id, 7);
}

Test(node, an_open_that_looked_at_the_other_layer_looks_again)
{
	struct node_info a = look(&top, "file");
	int id, release;

	node_opened(nodes, a.index, false, 1);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_UPPER, 7, &id, &release), -EAGAIN);
}

Test(node, a_backing_of_the_lower_never_serves_the_upper)
{
	struct node_info a = look(&top, "file");
	int id, release;

	node_opened(nodes, a.index, false, 1);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_LOWER, 7, &id, &release), 0);
	/* Its attributes change: it moves, and who reads goes on. */
	cr_assert_eq(node_copied_up(nodes, a.index, &in_upper, false, &release), 0);
	cr_assert_eq(release, 0);
	node_opened(nodes, a.index, false, 1);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_UPPER, 8, &id, &release), -ESTALE);
	node_opened(nodes, a.index, false, -1);
	/* Nobody reads any more. */
	node_opened(nodes, a.index, false, -1);
	node_opened(nodes, a.index, false, 1);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_UPPER, 8, &id, &release), 0);
	cr_assert_eq(release, 7);
	cr_assert_eq(id, 8);
}

Test(node, a_copy_up_of_data_that_somebody_reads_is_refused)
{
	struct node_info a = look(&top, "file"), info;
	int id, release;

	node_opened(nodes, a.index, false, 1);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_LOWER, 7, &id, &release), 0);
	cr_assert_eq(node_copied_up(nodes, a.index, &in_upper, true, &release), -ESTALE);
	cr_assert_eq(node_get(nodes, a.nodeid, &info), 0);
	cr_assert_eq(info.layer, LAYER_LOWER);
	node_opened(nodes, a.index, false, -1);
	cr_assert_eq(node_copied_up(nodes, a.index, &in_upper, true, &release), 0);
	cr_assert_eq(release, 7);
}

Test(node, a_metacopy_is_read_from_the_lower_until_its_data_come)
{
	struct node_info a = look(&top, "file"), info;
	int id, release;

	node_opened(nodes, a.index, false, 1);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_LOWER, 7, &id, &release), 0);
	cr_assert_eq(node_copied_up(nodes, a.index, &a_metacopy, false, &release), 0);
	cr_assert_eq(release, 0);
	cr_assert_eq(node_get(nodes, a.nodeid, &info), 0);
	cr_assert_eq(info.layer, LAYER_UPPER);
	cr_assert_eq(node_data_layer(&info), LAYER_LOWER);
	/* Others may read it by the same registration. */
	node_opened(nodes, a.index, false, 1);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_LOWER, 0, &id, &release), 0);
	cr_assert_eq(id, 7);
	node_opened(nodes, a.index, false, -1);
	/* Its data change: not while somebody reads the lower's. */
	cr_assert_eq(node_copied_up(nodes, a.index, &in_upper, true, &release), -ESTALE);
	node_opened(nodes, a.index, false, -1);
	cr_assert_eq(node_copied_up(nodes, a.index, &in_upper, true, &release), 0);
	cr_assert_eq(release, 7);
	cr_assert_eq(node_get(nodes, a.nodeid, &info), 0);
	cr_assert_eq(node_data_layer(&info), LAYER_UPPER);
}

Test(node, a_metacopy_keeps_its_registration_while_nobody_reads)
{
	struct node_info a = look(&top, "file");
	int id, release;

	node_opened(nodes, a.index, false, 1);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_LOWER, 7, &id, &release), 0);
	node_opened(nodes, a.index, false, -1);
	cr_assert_eq(node_copied_up(nodes, a.index, &a_metacopy, false, &release), 0);
	cr_assert_eq(release, 0);
	node_opened(nodes, a.index, false, 1);
	cr_assert_eq(node_open_backing(nodes, a.index, LAYER_LOWER, 0, &id, &release), 0);
	cr_assert_eq(id, 7);
}

Test(node, a_metacopy_outlives_the_worker)
{
	struct node_info a = look(&top, "file"), info;
	int release;

	cr_assert_eq(node_copied_up(nodes, a.index, &a_metacopy, false, &release), 0);
	restart();
	cr_assert_eq(node_get(nodes, a.nodeid, &info), 0);
	cr_assert_eq(node_data_layer(&info), LAYER_LOWER);
}

Test(node, a_copied_up_file_is_the_same_node)
{
	struct node_info a = look(&top, "file"), b;
	struct node_place place = in_upper;
	struct resolved found;
	int release;

	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	found = view_find("file");
	place.dev = found.st.st_dev;
	place.ino = found.st.st_ino;
	cr_assert_eq(node_copied_up(nodes, a.index, &place, true, &release), 0);
	b = look(&top, "file");
	cr_assert_eq(a.nodeid, b.nodeid);
	cr_assert_eq(a.ino, b.ino);
	cr_assert_eq(b.layer, LAYER_UPPER);
}

Test(node, a_copied_up_directory_is_the_same_node_whoever_did_it)
{
	struct node_info a = look(&top, "dir"), b;
	struct layer_dir *dir;

	cr_assert_eq(node_dir(nodes, a.index, &dir), 0);
	cr_assert_eq(layer_dir_copy_up(dir), 0);
	layer_dir_unref(dir);
	b = look(&top, "dir");
	cr_assert_eq(a.nodeid, b.nodeid);
	cr_assert_eq(b.layer, LAYER_UPPER);
}

Test(node, another_file_under_the_name_is_another_node)
{
	struct node_info a = look(&top, "file"), b, info;

	lower_put("new", "new");
	cr_assert_eq(renameat(view_fixture.lower, "new", view_fixture.lower, "file"), 0);
	b = look(&top, "file");
	cr_assert_neq(a.nodeid, b.nodeid);
	cr_assert_eq(node_find(nodes, top.index, "file"), b.nodeid);
	cr_assert_eq(node_get(nodes, a.nodeid, &info), 0);
	cr_assert(info.flags & NODE_NAMELESS);
	forget(&a, 1);
	cr_assert_eq(node_find(nodes, top.index, "file"), b.nodeid);
}

Test(node, names_of_one_file_in_the_lower_are_nodes_of_their_own)
{
	struct node_info a, b;

	cr_assert_eq(linkat(view_fixture.lower, "file", view_fixture.lower, "other", 0), 0);
	a = look(&top, "file");
	b = look(&top, "other");
	cr_assert_neq(a.nodeid, b.nodeid);
	cr_assert_eq(a.ino, b.ino);
}

Test(node, names_of_one_file_in_the_upper_are_one_node)
{
	struct node_info a, b, info;

	cr_assert_eq(view_link(view_fixture.root, "file", view_fixture.root, "linked"), 0);
	a = look(&top, "file");
	b = look(&top, "linked");
	cr_assert_eq(a.nodeid, b.nodeid);
	cr_assert_str_eq(b.name, "linked");
	/* Under either name it is found again, and the one that goes does not take it along. */
	node_name_gone(nodes, a.nodeid, top.index, "linked", -1);
	cr_assert_eq(look(&top, "file").nodeid, a.nodeid);
	cr_assert_eq(node_get(nodes, a.nodeid, &info), 0);
	cr_assert_not(info.flags & NODE_NAMELESS);
}

Test(node, names_of_one_lock_are_one_node)
{
	lower_put("x.lock", "held");
	cr_assert_eq(linkat(view_fixture.lower, "x.lock", view_fixture.lower, "y.lock", 0), 0);
	cr_assert_eq(look(&top, "x.lock").nodeid, look(&top, "y.lock").nodeid);
	cr_assert(look(&top, "x.lock").flags & NODE_LOWER_CLASS);
}

Test(node, a_file_that_gets_a_second_name_is_found_by_both)
{
	struct node_info a;

	view_put("made", "x");
	a = look(&top, "made");
	cr_assert_eq(view_link(view_fixture.root, "made", view_fixture.root, "linked"), 0);
	node_linked(nodes, a.index);
	cr_assert_eq(look(&top, "linked").nodeid, a.nodeid);
}

Test(node, a_file_known_by_a_name_that_is_gone_is_found_by_the_one_that_is_left)
{
	struct creator creator = {.umask = 022};
	struct node_info a, b;

	close(view_create(view_fixture.root, "made", O_RDWR, 0644, &creator));
	a = look(&top, "made");
	cr_assert_eq(view_link(view_fixture.root, "made", view_fixture.root, "linked"), 0);
	node_linked(nodes, a.index);
	cr_assert_eq(view_unlink(view_fixture.root, "made"), 0);
	node_name_gone(nodes, a.nodeid, top.index, "made", -1);
	b = look(&top, "linked");
	cr_assert_eq(b.nodeid, a.nodeid);
	cr_assert_not(b.flags & NODE_NAMELESS);
}

Test(node, a_directory_that_hung_on_a_file_alone_goes_when_the_file_takes_another_name)
{
	struct creator creator = {.umask = 022};
	struct node_info dir, a, info;
	struct layer_dir *layers;
	size_t before;

	cr_assert_eq(view_mkdir(view_fixture.root, "new", 0755, &creator), 0);
	before = nodes_count(nodes);
	dir = look(&top, "new");
	cr_assert_eq(node_dir(nodes, dir.index, &layers), 0);
	close(view_create(layers, "made", O_RDWR, 0644, &creator));
	a = look(&dir, "made");
	cr_assert_eq(view_link(layers, "made", view_fixture.root, "linked"), 0);
	layer_dir_unref(layers);
	node_linked(nodes, a.index);
	/* The kernel knows the file by its number, and the directory no more. */
	forget(&dir, 1);
	cr_assert_eq(node_get(nodes, dir.nodeid, &info), 0);
	cr_assert_eq(look(&top, "linked").nodeid, a.nodeid);
	cr_assert_eq(node_get(nodes, dir.nodeid, &info), -ESTALE);
	forget(&a, 2);
	cr_assert_eq(nodes_count(nodes), before);
}

Test(node, a_removed_name_leaves_a_node_with_its_descriptor)
{
	struct node_info a = look(&top, "file"), info;
	int fd = open_lower("file");

	node_name_gone(nodes, a.nodeid, top.index, "file", fd);
	cr_assert_eq(node_find(nodes, top.index, "file"), 0);
	cr_assert_eq(node_get(nodes, a.nodeid, &info), 0);
	cr_assert(info.flags & NODE_NAMELESS);
	cr_assert_eq(node_nameless_fd(nodes, a.index), fd);
	forget(&a, 1);
	cr_assert_eq(fcntl(fd, F_GETFD), -1);
}

Test(node, a_name_that_no_node_has_goes_with_its_descriptor)
{
	int fd = open_lower("file");

	node_name_gone(nodes, 0, top.index, "file", fd);
	cr_assert_eq(fcntl(fd, F_GETFD), -1);
}

Test(node, a_descriptor_is_for_the_node_that_had_the_name_and_no_other)
{
	struct node_info a = look(&top, "file"), other, info;
	struct resolved found;
	int fd = open_lower("file");

	/* Somebody who looked before the name went comes in between, and gives it to another. */
	cr_assert_eq(view_resolve(view_fixture.root, "dir", &found), 0);
	found.st.st_mode = S_IFIFO;
	cr_assert_eq(node_lookup(nodes, top.index, "file", &found, 0, &other), 0);
	node_name_gone(nodes, a.nodeid, top.index, "file", fd);
	cr_assert_eq(node_nameless_fd(nodes, other.index), -1);
	cr_assert_eq(node_get(nodes, other.nodeid, &info), 0);
	cr_assert(!(info.flags & NODE_NAMELESS));
	cr_assert_eq(node_nameless_fd(nodes, a.index), fd);
}

/* Resolves "file", then does something to it, and only then looks it up. */
static int look_late(void (*change)(const struct node_info *node), struct node_info *ret_late)
{
	struct node_info a = look(&top, "file");
	uint32_t version = node_name_version(nodes, top.index, "file");
	struct resolved found;

	cr_assert_eq(view_resolve(view_fixture.root, "file", &found), 0);
	if (change)
		change(&a);
	return node_lookup_since(nodes, version, top.index, "file", &found, ret_late);
}

static void nothing(const struct node_info *node)
{
	look(&top, node->name);
}

static void remove_it(const struct node_info *node)
{
	node_name_gone(nodes, node->nodeid, top.index, "file", -1);
}

static void replace_it(const struct node_info *node)
{
	(void)node;
	node_renamed(nodes, top.index, "other", top.index, "file");
}

static void move_it(const struct node_info *node)
{
	(void)node;
	node_renamed(nodes, top.index, "file", top.index, "other");
}

static void exchange_it(const struct node_info *node)
{
	(void)node;
	node_exchanged(nodes, top.index, "other", top.index, "file");
}

static void copy_it_up(const struct node_info *node)
{
	int release;

	cr_assert_eq(node_copied_up(nodes, node->index, &in_upper, true, &release), 0);
}

Test(node, who_looked_before_a_change_looks_again)
{
	struct node_info late;
	uint32_t before = nodes_count(nodes);

	cr_assert_eq(look_late(nothing, &late), 0);
	cr_assert_eq(nodes_count(nodes), before + 1);
	cr_assert_eq(look_late(remove_it, &late), -EAGAIN);
	cr_assert_eq(node_find(nodes, top.index, "file"), 0, "nothing was done");
	cr_assert_eq(look_late(replace_it, &late), -EAGAIN);
	cr_assert_eq(look_late(move_it, &late), -EAGAIN);
	cr_assert_eq(look_late(exchange_it, &late), -EAGAIN);
	cr_assert_eq(look_late(copy_it_up, &late), -EAGAIN);
}

Test(node, a_copy_takes_the_place_of_a_nameless_lower_under_its_number)
{
	struct node_info a = look(&top, "file"), info;
	int fd = open_lower("file"), copy = open_lower("dir"), release;
	struct node_place place = in_upper;
	struct stat st;

	node_name_gone(nodes, a.nodeid, top.index, "file", fd);
	cr_assert_eq(fstatat(copy, "", &st, AT_EMPTY_PATH), 0);
	place.dev = st.st_dev;
	place.ino = st.st_ino;
	cr_assert_eq(node_copied_nameless(nodes, a.index, copy, &place, true, &release), 0);
	cr_assert_eq(node_nameless_fd(nodes, a.index), fd);
	cr_assert_eq(node_get(nodes, a.nodeid, &info), 0);
	cr_assert_eq(info.layer, LAYER_UPPER);
	cr_assert_eq(fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
	cr_assert_eq(st.st_ino, info.backing_ino);
}

Test(node, a_detached_node_is_found_by_no_name)
{
	struct node_info a, b;

	cr_assert_eq(view_link(view_fixture.root, "file", view_fixture.root, "linked"), 0);
	a = look(&top, "file");
	look(&top, "linked");
	node_detach(nodes, a.index, -1);
	b = look(&top, "linked");
	cr_assert_neq(b.nodeid, a.nodeid);
	cr_assert_eq(look(&top, "file").nodeid, b.nodeid);
}

Test(node, a_link_to_a_detached_node_is_its_twin)
{
	struct node_info a = look(&top, "file"), b;

	cr_assert_eq(copyup_entry(view_fixture.root, "file", COPYUP_WHOLE, NULL), 0);
	node_detach(nodes, a.index, -1);
	cr_assert_eq(view_link(view_fixture.root, "file", view_fixture.root, "linked"), 0);
	node_linked(nodes, a.index);
	b = look(&top, "linked");
	cr_assert_neq(b.nodeid, a.nodeid);
	cr_assert_eq(look(&top, "file").nodeid, b.nodeid);
}

Test(node, whoever_takes_the_name_of_a_detached_node_is_its_twin)
{
	struct node_info a = look(&top, "file"), b, other = look(&top, "dir");

	cr_assert_not((a.flags | other.flags) & NODE_TWIN);
	node_detach(nodes, a.index, open_lower("file"));
	b = look(&top, "file");
	cr_assert(b.flags & NODE_TWIN);
	forget(&a, 1);
	forget(&b, 1);
	cr_assert_not(look(&top, "file").flags & NODE_TWIN);
}

Test(node, a_rename_moves_the_node)
{
	struct node_info dir = look(&top, "dir"), a = look(&top, "file"), info;

	node_renamed(nodes, top.index, "file", dir.index, "moved");
	cr_assert_eq(node_find(nodes, dir.index, "moved"), a.nodeid);
	cr_assert_eq(node_find(nodes, top.index, "file"), 0);
	cr_assert_eq(node_get(nodes, a.nodeid, &info), 0);
	cr_assert_str_eq(info.name, "moved");
	cr_assert_eq(info.parent, dir.index);
	/* The new parent is held now, the old one not. */
	forget(&dir, 1);
	cr_assert_eq(node_get(nodes, dir.nodeid, &info), 0);
	forget(&a, 1);
	cr_assert_eq(node_get(nodes, dir.nodeid, &info), -ESTALE);
}

Test(node, a_rename_of_what_the_kernel_does_not_know_is_nothing)
{
	node_renamed(nodes, top.index, "file", top.index, "moved");
	cr_assert_eq(node_find(nodes, top.index, "moved"), 0);
}

Test(node, an_exchange_swaps_the_nodes)
{
	struct node_info dir = look(&top, "dir"), a = look(&top, "file"), sub = look(&dir, "sub");

	node_exchanged(nodes, top.index, "file", dir.index, "sub");
	cr_assert_eq(node_find(nodes, top.index, "file"), sub.nodeid);
	cr_assert_eq(node_find(nodes, dir.index, "sub"), a.nodeid);
	/* Of one that is known and one that is not. */
	node_exchanged(nodes, top.index, "file", top.index, "unknown");
	cr_assert_eq(node_find(nodes, top.index, "unknown"), sub.nodeid);
	cr_assert_eq(node_find(nodes, top.index, "file"), 0);
}

Test(node, long_names_are_kept_whole_and_given_back)
{
	struct node_info a[5], info;
	struct resolved found = view_find("file");
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	/* The table of long names has four; names that come and go fit in. */
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++) {
			name[0] = (char)('a' + i);
			cr_assert_eq(node_lookup(nodes, top.index, name, &found, 0, &a[i]), 0);
			cr_assert_str_eq(a[i].name, name);
			cr_assert_eq(node_find(nodes, top.index, name), a[i].nodeid);
		}
		name[0] = 'z';
		cr_assert_eq(node_lookup(nodes, top.index, name, &found, 0, &a[4]), -ENOMEM);
		cr_assert_eq(node_find(nodes, top.index, name), 0);
		for (int i = 0; i < 4; i++)
			forget(&a[i], 1);
	}
	/* At the edge of what is kept inline. */
	for (size_t len = NODE_NAME_INLINE - 2; len < NODE_NAME_INLINE + 2; len++) {
		name[len] = '\0';
		cr_assert_eq(node_lookup(nodes, top.index, name, &found, 0, &a[0]), 0);
		cr_assert_str_eq(a[0].name, name);
		node_renamed(nodes, top.index, name, top.index, "short");
		cr_assert_eq(node_get(nodes, a[0].nodeid, &info), 0);
		cr_assert_str_eq(info.name, "short");
		forget(&a[0], 1);
		name[len] = 'n';
	}
}

Test(node, a_full_table_is_said)
{
	struct resolved found = view_find("file");
	struct node_info node;
	char name[16];
	int r = 0;

	cr_assert_eq(nodes_room(nodes), 0);
	for (int i = 0; i < 100 && r == 0; i++) {
		/* Some are left for those who have asked already. */
		if (nodes_count(nodes) == 60)
			cr_assert_eq(nodes_room(nodes), -ENOMEM);
		snprintf(name, sizeof(name), "n%d", i);
		r = node_lookup(nodes, top.index, name, &found, 0, &node);
	}
	cr_assert_eq(r, -ENOMEM);
	cr_assert_eq(nodes_count(nodes), 64);
	forget(&node, 1);
	cr_assert_eq(node_lookup(nodes, top.index, name, &found, 0, &node), 0);
}

Test(node, virtual_nodes_know_their_path)
{
	struct node_info a, b, c;
	char path[64];

	cr_assert_eq(node_lookup(nodes, 1, "sessions", NULL, S_IFDIR, &a), 0);
	cr_assert_eq(node_lookup(nodes, a.index, "0", NULL, S_IFDIR, &b), 0);
	cr_assert_eq(node_lookup(nodes, b.index, "build-1", NULL, S_IFDIR, &c), 0);
	cr_assert_eq(node_virtual_path(nodes, c.index, path, sizeof(path)), 0);
	cr_assert_str_eq(path, "sessions/0/build-1");
	cr_assert_eq(node_virtual_path(nodes, 1, path, sizeof(path)), 0);
	cr_assert_str_eq(path, "");
	cr_assert_eq(node_virtual_path(nodes, c.index, path, 19), 0);
	cr_assert_eq(node_virtual_path(nodes, c.index, path, 18), -ENAMETOOLONG);
	cr_assert_eq(c.state, NODE_STATE_VIRTUAL);
	cr_assert_eq(node_lookup(nodes, 1, "sessions", NULL, S_IFDIR, &b), 0);
	cr_assert_eq(a.nodeid, b.nodeid);
}

Test(node, after_a_reset_what_was_known_is_stale)
{
	struct node_info a = look(&top, "file"), info;
	struct resolved found;
	struct err err;

	cr_assert_eq(registry_reset(view_fixture.registry, view_fixture.session, &err), 0);
	cr_assert_eq(node_get(nodes, a.nodeid, &info), -ESTALE);
	cr_assert_eq(node_get(nodes, top.nodeid, &info), -ESTALE);
	cr_assert_eq(view_resolve_root(view_fixture.root, &found), 0);
	cr_assert_eq(node_lookup_view(nodes, 1, "view", view_fixture.session, 0, &found, &info), 0);
	cr_assert_neq(info.nodeid, top.nodeid);
	/* What is stale can still be forgotten. */
	forget(&a, 1);
	forget(&top, 1);
	cr_assert_eq(nodes_count(nodes), 2);
}

Test(node, a_new_worker_finds_every_node_again)
{
	struct node_info dir = look(&top, "dir"), sub = look(&dir, "sub"),
			 deep = look(&sub, "deep");
	struct node_info linked, info;
	struct layer_dir *layers;

	cr_assert_eq(view_link(view_fixture.root, "file", view_fixture.root, "linked"), 0);
	linked = look(&top, "linked");
	restart();
	cr_assert_eq(node_find(nodes, sub.index, "deep"), deep.nodeid);
	cr_assert_eq(node_dir(nodes, sub.index, &layers), 0);
	cr_assert_str_eq(layers->lower_path, "dir/sub");
	layer_dir_unref(layers);
	cr_assert_eq(look(&sub, "deep").nodeid, deep.nodeid);
	cr_assert_eq(look(&top, "file").nodeid, linked.nodeid);
	forget(&deep, 2);
	forget(&sub, 1);
	forget(&dir, 1);
	cr_assert_eq(node_get(nodes, dir.nodeid, &info), -ESTALE);
}

Test(node, the_layers_of_a_directory_are_opened_once)
{
	struct node_info dir = look(&top, "dir"), file = look(&top, "file");
	struct layer_dir *a, *b;

	cr_assert_null(node_dir_peek(nodes, dir.index));
	cr_assert_eq(node_dir(nodes, dir.index, &a), 0);
	cr_assert_eq(node_dir(nodes, dir.index, &b), 0);
	cr_assert_eq(a, b);
	node_dir_drop(nodes, dir.index, NULL);
	layer_dir_unref(b);
	b = node_dir_peek(nodes, dir.index);
	cr_assert_eq(a, b);
	layer_dir_unref(b);
	node_dir_drop(nodes, dir.index, a);
	cr_assert_null(node_dir_peek(nodes, dir.index));
	layer_dir_unref(a);
	cr_assert_eq(node_dir(nodes, file.index, &a), -ENOTDIR);
	cr_assert_eq(node_dir(nodes, 60, &a), -ESTALE);
}

Test(node, a_directory_that_is_in_use_is_not_opened_a_second_time)
{
	struct node_info dir = look(&top, "dir"), sub = look(&dir, "sub"), other;
	struct layer_dir *a, *b;

	/* Only so many are kept; those that are only kept go first, and come back. */
	lower_put("other/inner", NULL);
	other = look(&top, "other");
	nodes->max_cached_dirs = 1;
	cr_assert_eq(node_dir(nodes, sub.index, &a), 0);
	cr_assert_eq(node_dir(nodes, other.index, &b), 0);
	layer_dir_unref(b);
	cr_assert_eq(node_dir(nodes, dir.index, &b), 0);
	cr_assert_eq(a->parent, b);
	cr_assert_eq(layer_dir_copy_up(a), 0);
	cr_assert_geq(layer_dir_upper(b), 0);
	layer_dir_unref(a);
	layer_dir_unref(b);
	/* Nobody has them any more: they go. The root is in use by this test. */
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"x", "y", "z"};
		struct node_info more;

		lower_put(names[i], NULL);
		more = look(&top, names[i]);
		cr_assert_eq(node_dir(nodes, more.index, &a), 0);
		layer_dir_unref(a);
	}
	cr_assert_eq(nodes->cached_dirs, 2, "%u", nodes->cached_dirs);
	look(&other, "inner");
	look(&dir, "sub");
}

Test(node, a_directory_whose_name_leads_elsewhere_is_stale)
{
	struct node_info dir = look(&top, "dir");
	struct layer_dir *layers;

	cr_assert_eq(renameat(view_fixture.lower, "dir", view_fixture.lower, "away"), 0);
	cr_assert_eq(node_dir(nodes, dir.index, &layers), -ESTALE);
	lower_put("dir", NULL);
	cr_assert_eq(node_dir(nodes, dir.index, &layers), -ESTALE);
}

static void add_one(uint64_t nodeid, void *context)
{
	uint64_t *sum = context;

	*sum += nodeid;
}

Test(node, cached_directories_are_found_by_their_place_in_the_lower)
{
	struct node_info dir = look(&top, "dir"), sub = look(&dir, "sub");
	struct layer_dir *layers;
	uint64_t sum = 0;

	nodes_each_lower_dir(nodes, 0, "dir/sub", add_one, &sum);
	cr_assert_eq(sum, 0);
	cr_assert_eq(node_dir(nodes, sub.index, &layers), 0);
	layer_dir_unref(layers);
	nodes_each_lower_dir(nodes, 0, "dir/sub", add_one, &sum);
	cr_assert_eq(sum, sub.nodeid);
	nodes_each_lower_dir(nodes, 1, "dir/sub", add_one, &sum);
	cr_assert_eq(sum, sub.nodeid);
}

Test(node, a_hidden_link_is_left_with_the_last_reference)
{
	struct resolved found = view_find("file");
	struct node_info node, now;
	struct node_left left;

	/* As one of the upper that has this link, and gets a name. */
	found.layer = LAYER_UPPER;
	found.st.st_nlink = 2;
	cr_assert_eq(node_new_nameless(nodes, top.index, &found, -1, &node), 0);
	cr_assert_eq(node_nameless_fd(nodes, node.index), -1);
	node_set_hidden(nodes, node.nodeid, true);
	cr_assert_eq(node_get(nodes, node.nodeid, &now), 0);
	cr_assert(now.flags & NODE_HIDDEN);
	/* Found again by its inode, as by a new name. */
	cr_assert_eq(node_lookup(nodes, top.index, "other", &found, 0, &now), 0);
	node_forget(nodes, node.nodeid, 1, &left);
	cr_assert_not(left.hidden);
	cr_assert_eq(now.nodeid, node.nodeid);
	node_forget(nodes, node.nodeid, 1, &left);
	cr_assert(left.hidden);
	cr_assert_eq(left.share, node.share);
	cr_assert_eq(left.session, node.session);
	cr_assert_eq(left.stamp, node.stamp);
}

Test(node, no_node_is_made_that_cannot_keep_its_descriptor)
{
	struct resolved found;
	struct node_info node;
	int fd, r;

	cr_assert_eq(view_resolve(view_fixture.root, "file", &found), 0);
	nodes->max_kept_fds = 1;
	cr_assert_eq(node_new_nameless(nodes, top.index, &found, open_lower("file"), &node), 0);
	fd = open_lower("file");
	r = node_new_nameless(nodes, top.index, &found, fd, &node);
	cr_assert_eq(r, -ENFILE);
	cr_assert_eq(fcntl(fd, F_GETFD), -1, "it is taken all the same");
	cr_assert_eq(node_new_nameless(nodes, top.index, &found, -1, &node), 0, "without one");
}

Test(node, a_node_made_without_a_name_keeps_its_descriptor)
{
	struct resolved found = view_find("file");
	struct node_info node;
	int fd = open_lower("file");

	cr_assert_eq(node_new_nameless(nodes, top.index, &found, fd, &node), 0);
	cr_assert(node.flags & NODE_NAMELESS);
	cr_assert_eq(node_nameless_fd(nodes, node.index), fd);
	forget(&node, 1);
	cr_assert_eq(fcntl(fd, F_GETFD), -1);
}
