/* SPDX-License-Identifier: MIT */
#include "view/layout.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "support/scratch.h"

static struct layout_names names;
static char scratch[SCRATCH_SIZE];
static int root, dir;

static void setup(void)
{
	scratch_make(scratch);
	layout_names_init(&names, "trusted.overlay.");
	root = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(mkdirat(root, "dir", 0755), 0);
	dir = openat(root, "dir", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(dir, 0);
}

static void teardown(void)
{
	close(dir);
	close(root);
}

TestSuite(layout, .init = setup, .fini = teardown);

static void set_redirect(const char *value)
{
	char path[SCRATCH_SIZE + 8];

	snprintf(path, sizeof(path), "%s/dir", scratch);
	cr_assert_eq(setxattr(path, "trusted.overlay.redirect", value, strlen(value), 0), 0);
}

Test(layout, a_whiteout_is_a_character_device_0_0)
{
	struct stat st;

	cr_assert_eq(layout_make_whiteout(root, "gone"), 0);
	cr_assert_eq(fstatat(root, "gone", &st, AT_SYMLINK_NOFOLLOW), 0);
	cr_assert(layout_is_whiteout(&st));
	cr_assert_eq(layout_make_whiteout(root, "gone"), -EEXIST);
	cr_assert_eq(layout_make_whiteout(root, "dir"), -EEXIST);
	cr_assert_eq(mknodat(root, "null", S_IFCHR, 0x103), 0);
	cr_assert_eq(fstatat(root, "null", &st, AT_SYMLINK_NOFOLLOW), 0);
	cr_assert_not(layout_is_whiteout(&st));
}

Test(layout, a_directory_is_opaque_once_told_so)
{
	char value[4] = "";
	char path[SCRATCH_SIZE + 8];

	cr_assert_not(layout_is_opaque(&names, dir));
	cr_assert_eq(layout_set_opaque(&names, dir), 0);
	cr_assert(layout_is_opaque(&names, dir));
	snprintf(path, sizeof(path), "%s/dir", scratch);
	cr_assert_eq(getxattr(path, "trusted.overlay.opaque", value, sizeof(value)), 1);
	cr_assert_str_eq(value, "y");
}

Test(layout, a_redirect_is_read_as_it_was_written)
{
	char *target = NULL;

	cr_assert_eq(layout_get_redirect(&names, dir, &target), -ENODATA);
	cr_assert_eq(layout_set_redirect(&names, dir, "a/b c"), 0);
	cr_assert_eq(layout_get_redirect(&names, dir, &target), 0);
	cr_assert_str_eq(target, "a/b c");
	free(target);
}

Test(layout, a_redirect_that_is_no_path_from_the_root_is_refused)
{
	char *target = NULL;

	set_redirect("sibling");
	cr_assert_eq(layout_get_redirect(&names, dir, &target), -EINVAL);
	set_redirect("/");
	cr_assert_eq(layout_get_redirect(&names, dir, &target), -EINVAL);
	set_redirect("");
	cr_assert_eq(layout_get_redirect(&names, dir, &target), -EINVAL);
}

Test(layout, a_redirect_too_long_for_a_path_is_refused)
{
	char target[PATH_MAX + 1];

	memset(target, 'x', PATH_MAX);
	target[PATH_MAX] = '\0';
	cr_assert_eq(layout_set_redirect(&names, dir, target), -ENAMETOOLONG);
}

Test(layout, the_base_is_read_as_it_was_written)
{
	struct stat st = {.st_dev = 1,
			  .st_ino = 1ull << 40,
			  .st_mode = S_IFREG | 0640,
			  .st_nlink = 1,
			  .st_uid = 5,
			  .st_gid = 6,
			  .st_size = 1ll << 33,
			  .st_mtim = {.tv_sec = 7, .tv_nsec = 8},
			  .st_ctim = {.tv_sec = 9, .tv_nsec = 10}};
	struct layout_base base = {0};

	cr_assert_eq(layout_get_base(&names, dir, &base), -ENODATA);
	cr_assert_eq(layout_set_base(&names, dir, &st), 0);
	cr_assert_eq(layout_get_base(&names, dir, &base), 0);
	cr_assert(base.dev == 1 && base.ino == 1ull << 40 && base.mode == (S_IFREG | 0640) &&
		  base.uid == 5 && base.gid == 6 && base.size == 1ull << 33 &&
		  base.mtime_ns == 7000000008 && base.ctime_ns == 9000000010);
	cr_assert(layout_base_is_origin(&base));
	memset(&base, 0, sizeof(base));
	cr_assert_eq(layout_get_base_at(&names, root, "dir", &base), 0);
	cr_assert_eq(base.ino, 1ull << 40);
	cr_assert_eq(layout_get_base_at(&names, root, "nothing", &base), -ENODATA);
}

Test(layout, one_of_several_names_is_a_file_of_its_own_once_copied)
{
	struct stat st = {.st_mode = S_IFREG, .st_nlink = 2};
	struct layout_base base;

	cr_assert_eq(layout_set_base(&names, dir, &st), 0);
	cr_assert_eq(layout_get_base(&names, dir, &base), 0);
	cr_assert_not(layout_base_is_origin(&base));
	st.st_mode = S_IFDIR;
	cr_assert_eq(layout_set_base(&names, dir, &st), 0);
	cr_assert_eq(layout_get_base(&names, dir, &base), 0);
	cr_assert(layout_base_is_origin(&base));
}

Test(layout, a_damaged_base_is_none)
{
	char path[SCRATCH_SIZE + 8];
	struct layout_base base;
	char junk[sizeof(struct layout_base)] = "\x7f";

	snprintf(path, sizeof(path), "%s/dir", scratch);
	cr_assert_eq(setxattr(path, names.base, junk, sizeof(junk), 0), 0);
	cr_assert_eq(layout_get_base(&names, dir, &base), -ENODATA);
	junk[0] = LAYOUT_BASE_VERSION;
	cr_assert_eq(setxattr(path, names.base, junk, sizeof(junk) - 8, 0), 0);
	cr_assert_eq(layout_get_base(&names, dir, &base), -ENODATA);
}

Test(layout, a_base_is_set_on_what_takes_no_attribute_without_an_error)
{
	struct stat st = {.st_mode = S_IFLNK};
	int fd;

	layout_names_init(&names, "user.overlay.");
	cr_assert_eq(symlinkat("x", root, "link"), 0);
	fd = openat(root, "link", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	cr_assert_eq(layout_set_base(&names, fd, &st), 0);
	close(fd);
}

static void check_escape(const char *in_view, const char *on_disk)
{
	char name[LAYOUT_XATTR_SIZE];

	cr_assert_eq(layout_xattr_escape(&names, in_view, name), 0);
	cr_assert_str_eq(name, on_disk);
	cr_assert_not(layout_xattr_is_private(&names, on_disk));
	layout_xattr_unescape(&names, name);
	cr_assert_str_eq(name, in_view);
}

Test(layout, attributes_of_a_view_with_a_private_name_have_another_on_disk)
{
	char name[300], ret[LAYOUT_XATTR_SIZE];

	layout_names_init(&names, "trusted.overlay.");
	check_escape("trusted.overlay.opaque", "trusted.overlay.overlay.opaque");
	check_escape("trusted.overlay.overlay.opaque", "trusted.overlay.overlay.overlay.opaque");
	check_escape("trusted.overlay.", "trusted.overlay.overlay.");
	check_escape("trusted.sessionfs.base", "trusted.sessionfs.sessionfs.base");
	check_escape("user.overlay.opaque", "user.overlay.opaque");
	check_escape("trusted.overlay", "trusted.overlay");
	check_escape("user.colour", "user.colour");
	layout_names_init(&names, "user.overlay.");
	check_escape("user.overlay.opaque", "user.overlay.overlay.opaque");
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.overlay.", 13);
	name[247] = '\0';
	cr_assert_eq(layout_xattr_escape(&names, name, ret), 0);
	name[247] = 'n';
	name[248] = '\0';
	cr_assert_eq(layout_xattr_escape(&names, name, ret), -ERANGE);
}

Test(layout, attributes_of_the_layout_are_private)
{
	cr_assert(layout_xattr_is_private(&names, "trusted.overlay.opaque"));
	cr_assert(layout_xattr_is_private(&names, "trusted.overlay.anything"));
	cr_assert(layout_xattr_is_private(&names, "trusted.sessionfs.base"));
	cr_assert_not(layout_xattr_is_private(&names, "trusted.overlays"));
	cr_assert_not(layout_xattr_is_private(&names, "user.overlay.opaque"));
	cr_assert_not(layout_xattr_is_private(&names, "user.colour"));
	layout_names_init(&names, "user.overlay.");
	cr_assert(layout_xattr_is_private(&names, "user.overlay.opaque"));
	cr_assert(layout_xattr_is_private(&names, "user.sessionfs.base"));
	cr_assert_not(layout_xattr_is_private(&names, "trusted.overlay.opaque"));
}
