/* SPDX-License-Identifier: MIT */
#include "support/view_fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "base/sys.h"
#include "view/create.h"
#include "view/listing.h"

struct view_fixture view_fixture;

static char lock_glob[] = "*.lock";
static char *lock_globs[] = {lock_glob};

void view_fixture_make(enum share_mode mode)
{
	struct err err;

	umask(0);
	world_make();
	world.shares[0].mode = mode;
	world.shares[0].lock = (struct string_list){.items = lock_globs, .count = 1};
	view_fixture.lower = world.shares[0].lower_fd;
	cr_assert_eq(registry_new(world.sessions, world.store, &world.config, true,
				  &view_fixture.registry),
		     0);
	view_fixture.setup =
		(struct view_setup){.registry = view_fixture.registry, .config = &world.config};
	layout_names_init(&view_fixture.setup.names, store_xattr_prefix(world.store));
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(rules_new(&world.shares[i], &view_fixture.setup.rules[i]), 0);
	cr_assert_eq(registry_open(view_fixture.registry, 0, "s1", 0, &view_fixture.session, NULL,
				   &err),
		     0, "%s", err.message);
	view_fixture.root = view_fixture_reopen();
}

struct layer_dir *view_fixture_reopen(void)
{
	struct layer_dir *root;

	cr_assert_eq(view_open(&view_fixture.setup, view_fixture.session, 0, &root), 0);
	return root;
}

void view_fixture_free(void)
{
	layer_dir_unref(view_fixture.root);
	for (size_t i = 0; i < 2; i++)
		rules_free(view_fixture.setup.rules[i]);
	registry_free(view_fixture.registry);
	world_free();
}

void lower_put(const char *path, const char *text)
{
	const char *name = path_base(path);
	_cleanup_close_ int fd = -1;

	if (!text || name > path) {
		_cleanup_free_ char *dir = text ? strndup(path, (size_t)(name - path - 1))
						: strdup(path);

		cr_assert_eq(sys_mkdir_all(view_fixture.lower, dir, 0755), 0);
	}
	if (!text)
		return;
	fd = openat(view_fixture.lower, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	cr_assert_eq(sys_write_all(fd, text, strlen(text)), 0);
}

static bool same_text(const char *path, const char *is, const char *expected)
{
	if (is && expected ? strcmp(is, expected) == 0 : is == expected)
		return true;
	fprintf(stderr, "%s: \"%s\" is not \"%s\"\n", path, is ? is : "(absent)",
		expected ? expected : "(absent)");
	return false;
}

bool lower_holds(const char *path, const char *text)
{
	_cleanup_free_ char *is = NULL;

	if (sys_read_file(view_fixture.lower, path, 1 << 20, &is) < 0)
		is = NULL;
	return same_text(path, is, text);
}

/* The directory of a path's last component; *ret_name points into path. */
static struct layer_dir *parent_of(const char *path, const char **ret_name)
{
	_cleanup_free_ char *dir = NULL;

	*ret_name = path_base(path);
	dir = strndup(path, *ret_name > path ? (size_t)(*ret_name - path - 1) : 0);
	return view_dir(dir);
}

struct layer_dir *view_dir(const char *path)
{
	struct layer_dir *dir = layer_dir_ref(view_fixture.root), *child;
	_cleanup_free_ char *copy = strdup(path);
	char *rest = copy, *name;

	while ((name = strsep(&rest, "/"))) {
		int r;

		if (!*name)
			continue;
		r = view_open_dir(dir, name, &child);
		cr_assert_eq(r, 0, "%s: %s", path, strerror(-r));
		layer_dir_unref(dir);
		dir = child;
	}
	return dir;
}

struct resolved view_find(const char *path)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	struct resolved found;
	const char *name;

	dir = parent_of(path, &name);
	cr_assert_eq(view_resolve(dir, name, &found), 0, "%s", path);
	return found;
}

static ssize_t read_metacopy(struct layer_dir *dir, const char *name, char **ret_content)
{
	struct metacopy_world metacopies = view_metacopy_world(dir->view);
	_cleanup_close_ int fd = metacopy_open_data(&metacopies, layer_dir_upper(dir), name, NULL);
	char path[32];

	if (fd < 0)
		return fd;
	sys_fd_path(fd, path);
	return sys_read_file(AT_FDCWD, path, 1 << 20, ret_content);
}

bool view_shows(const char *path, const char *text)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	struct resolved found = view_find(path);
	_cleanup_free_ char *is = NULL;
	char target[PATH_MAX] = "";
	const char *name;

	if (found.layer == LAYER_NONE)
		return same_text(path, NULL, text);
	dir = parent_of(path, &name);
	if (S_ISLNK(found.st.st_mode)) {
		cr_assert_geq(readlinkat(layer_dir_fd(dir, found.layer), name, target,
					 sizeof(target) - 1),
			      0);
		return same_text(path, target, text);
	}
	if (found.metacopy)
		cr_assert_geq(read_metacopy(dir, name, &is), 0, "%s", path);
	else
		cr_assert_geq(sys_read_file(layer_dir_fd(dir, found.layer), name, 1 << 20, &is), 0,
			      "%s", path);
	return same_text(path, is, text);
}

static int by_name(const void *a, const void *b)
{
	const struct listing_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

bool view_lists(const char *path, const char *names)
{
	_cleanup_layer_dir_ struct layer_dir *dir = view_dir(path);
	struct listing listing;
	_cleanup_buf_ struct buf is = {0};

	cr_assert_eq(view_list(dir, &listing), 0);
	if (listing.count)
		qsort(listing.entries, listing.count, sizeof(*listing.entries), by_name);
	buf_add_str(&is, "");
	for (size_t i = 0; i < listing.count; i++) {
		uint8_t type = listing.entries[i].type;

		buf_add_format(&is, "%s%s ", listing.entries[i].name,
			       type == DT_DIR   ? "/"
			       : type == DT_LNK ? "@"
						: "");
	}
	view_listing_release(&listing);
	return same_text(path, is.data ? is.data : "", names);
}

void view_put(const char *path, const char *text)
{
	const struct creator creator = {0};
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	_cleanup_close_ int fd = -1;
	const char *name;

	dir = parent_of(path, &name);
	fd = view_create(dir, name, O_WRONLY, 0644, &creator);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(-fd));
	cr_assert_eq(sys_write_all(fd, text, strlen(text)), 0);
}

mode_t upper_mode(const char *path)
{
	struct stat st;

	if (layer_dir_upper(view_fixture.root) < 0 ||
	    fstatat(layer_dir_upper(view_fixture.root), path, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	return st.st_mode;
}

size_t work_count(void)
{
	int fd = openat(view_fixture.root->view->work_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t count = 0;

	while (dir && readdir(dir))
		count++;
	return dir ? count - 2 : 0;
}
