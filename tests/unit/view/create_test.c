/* SPDX-License-Identifier: MIT */
#include "view/create.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "support/view_fixture.h"
#include "view/remove.h"

static const struct creator user = {.uid = 1234, .gid = 5678, .umask = 027};
static const struct creator root = {0};

static void setup(void)
{
	view_fixture_make(SHARE_OVERLAY);
	lower_put("file", "lower");
	lower_put("dir/inside", "inside");
}

TestSuite(create, .init = setup, .fini = view_fixture_free);

static struct stat upper_stat(const char *path)
{
	struct stat st;

	cr_assert_eq(fstatat(layer_dir_upper(view_fixture.root), path, &st, AT_SYMLINK_NOFOLLOW), 0,
		     "%s", path);
	return st;
}

static int create(const char *name)
{
	int fd = view_create(view_fixture.root, name, O_RDWR, 0666, &user);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void check_owner(const char *path, mode_t mode)
{
	struct stat st = upper_stat(path);

	cr_assert_eq(st.st_uid, 1234, "%s", path);
	cr_assert_eq(st.st_gid, 5678, "%s", path);
	cr_assert_eq(st.st_mode, mode, "%s: %o", path, st.st_mode);
}

Test(create, what_is_made_is_the_creators_under_his_umask)
{
	cr_assert_eq(create("new"), 0);
	cr_assert_eq(view_mkdir(view_fixture.root, "made", 0777, &user), 0);
	cr_assert_eq(view_symlink(view_fixture.root, "link", "to", &user), 0);
	cr_assert_eq(view_mknod(view_fixture.root, "fifo", S_IFIFO | 0666, 0, &user), 0);
	check_owner("new", S_IFREG | 0640);
	check_owner("made", S_IFDIR | 0750);
	check_owner("link", S_IFLNK | 0777);
	check_owner("fifo", S_IFIFO | 0640);
	cr_assert(view_shows("link", "to"));
}

Test(create, a_file_without_a_name_is_the_creators_too)
{
	struct resolved found = view_find("dir");
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	_cleanup_close_ int fd = -1;
	enum layer layer;
	struct stat st;

	cr_assert_eq(found.layer, LAYER_LOWER);
	cr_assert_eq(view_open_dir(view_fixture.root, "dir", &dir), 0);
	fd = view_tmpfile(dir, 0666, &user, &layer);
	cr_assert_geq(fd, 0);
	cr_assert_eq(layer, LAYER_UPPER);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert(st.st_uid == 1234 && st.st_gid == 5678 && st.st_nlink == 0);
	cr_assert_eq(st.st_mode, S_IFREG | 0640);
	cr_assert_eq(view_link_fd(fd, layer, dir, "named"), 0);
	cr_assert(view_shows("dir/named", ""));
}

Test(create, the_thread_is_the_daemons_again_afterwards)
{
	cr_assert_eq(create("new"), 0);
	cr_assert_eq(create("new"), -EEXIST);
	cr_assert_eq(mkdirat(view_fixture.lower, "ours", 0700), 0);
	cr_assert_eq(faccessat(view_fixture.lower, "ours", W_OK, AT_EACCESS), 0);
	lower_put("ours/x", "x");
}

Test(create, a_name_that_shows_is_there)
{
	cr_assert_eq(create("file"), -EEXIST);
	cr_assert_eq(create("dir"), -EEXIST);
	cr_assert_eq(view_mkdir(view_fixture.root, "file", 0777, &user), -EEXIST);
	cr_assert_eq(view_mkdir(view_fixture.root, "dir", 0777, &user), -EEXIST);
	cr_assert_eq(view_symlink(view_fixture.root, "dir", "to", &user), -EEXIST);
	cr_assert_eq(view_mknod(view_fixture.root, "file", S_IFIFO | 0666, 0, &user), -EEXIST);
	cr_assert_eq(create("new"), 0);
	cr_assert_eq(create("new"), -EEXIST);
	cr_assert(view_shows("file", "lower"));
}

Test(create, a_whiteout_is_replaced)
{
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(create("file"), 0);
	check_owner("file", S_IFREG | 0640);
	cr_assert(view_shows("file", ""));

	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(view_symlink(view_fixture.root, "file", "to", &user), 0);
	check_owner("file", S_IFLNK | 0777);

	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(view_mknod(view_fixture.root, "file", S_IFIFO | 0666, 0, &user), 0);
	check_owner("file", S_IFIFO | 0640);
	cr_assert_eq(work_count(), 0);
	cr_assert(lower_holds("file", "lower"));
}

Test(create, a_directory_in_place_of_one_that_was_removed_is_empty)
{
	struct layer_dir *dir = view_dir("dir");

	cr_assert_eq(view_unlink(dir, "inside"), 0);
	layer_dir_unref(dir);
	cr_assert_eq(view_rmdir(view_fixture.root, "dir"), 0);
	cr_assert_eq(view_mkdir(view_fixture.root, "dir", 0777, &user), 0);
	check_owner("dir", S_IFDIR | 0750);
	cr_assert(view_lists("dir", ""));
	cr_assert_eq(work_count(), 0);
	/* And in place of a file. */
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(view_mkdir(view_fixture.root, "file", 0777, &user), 0);
	cr_assert(view_lists("file", ""));
}

Test(create, a_directory_hands_down_its_group_over_whiteouts_too)
{
	struct layer_dir *dir;
	int fd;

	cr_assert_eq(fchownat(view_fixture.lower, "dir", 0, 99, 0), 0);
	cr_assert_eq(fchmodat(view_fixture.lower, "dir", 02777, 0), 0);
	dir = view_dir("dir");
	cr_assert_eq(view_unlink(dir, "inside"), 0);
	fd = view_create(dir, "inside", O_RDWR, 0666, &user);
	cr_assert_geq(fd, 0);
	close(fd);
	cr_assert_eq(upper_stat("dir/inside").st_gid, 99);
	cr_assert_eq(view_unlink(dir, "inside"), 0);
	cr_assert_eq(view_mkdir(dir, "inside", 0777, &user), 0);
	cr_assert_eq(upper_stat("dir/inside").st_gid, 99);
	cr_assert_eq(upper_mode("dir/inside"), S_IFDIR | 02750);
	cr_assert_eq(work_count(), 0);
	layer_dir_unref(dir);
}

/* Version 2; owner rwx, user 7 rwx, group r-x, mask rwx, others none. */
static const unsigned char default_acl[] = {2,   0,   0,   0,   1,   0,   7,  0,   255, 255, 255,
					    255, 2,   0,   7,   0,   7,   0,  0,   0,   4,   0,
					    5,   0,   255, 255, 255, 255, 16, 0,   7,   0,   255,
					    255, 255, 255, 32,  0,   0,   0,  255, 255, 255, 255};

Test(create, a_directory_hands_down_its_default_acl_over_whiteouts_too)
{
	char path[128];
	struct layer_dir *dir;
	int fd;

	snprintf(path, sizeof(path), "%s/lower/dir", world.scratch);
	if (setxattr(path, "system.posix_acl_default", default_acl, sizeof(default_acl), 0))
		cr_skip_test("no ACLs here");
	dir = view_dir("dir");
	fd = view_create(dir, "beside", O_RDWR, 0666, &user);
	cr_assert_geq(fd, 0);
	close(fd);
	cr_assert_eq(view_unlink(dir, "inside"), 0);
	fd = view_create(dir, "inside", O_RDWR, 0666, &user);
	cr_assert_geq(fd, 0);
	cr_assert_gt(fgetxattr(fd, "system.posix_acl_access", NULL, 0), 0);
	close(fd);
	/* The umask does not count where there is a default ACL. */
	cr_assert_eq(upper_mode("dir/beside"), S_IFREG | 0660);
	cr_assert_eq(upper_mode("dir/inside"), upper_mode("dir/beside"));
	layer_dir_unref(dir);
}

Test(create, a_forged_whiteout_is_refused)
{
	cr_assert_eq(view_mknod(view_fixture.root, "forged", S_IFCHR | 0666, 0, &root), -EPERM);
	cr_assert_eq(view_find("forged").layer, LAYER_NONE);
	cr_assert_not(view_find("forged").whiteout);
	cr_assert_eq(view_mknod(view_fixture.root, "null", S_IFCHR | 0666, 0x103, &root), 0);
}

Test(create, a_lock_is_made_in_the_lower)
{
	cr_assert_eq(create("x.lock"), 0);
	cr_assert(lower_holds("x.lock", ""));
	cr_assert_eq(upper_mode("x.lock"), 0);
	cr_assert_eq(create("x.lock"), -EEXIST);
	cr_assert_eq(view_mkdir(view_fixture.root, "d.lock", 0777, &user), 0);
	cr_assert_eq(faccessat(view_fixture.lower, "d.lock", F_OK, 0), 0);
}

Test(create, a_name_removed_before_others_removed_its_directory_can_be_made_again)
{
	struct layer_dir *dir = view_dir("dir");

	cr_assert_eq(view_unlink(dir, "inside"), 0);
	layer_dir_unref(dir);
	cr_assert_eq(unlinkat(view_fixture.lower, "dir/inside", 0), 0);
	cr_assert_eq(unlinkat(view_fixture.lower, "dir", AT_REMOVEDIR), 0);
	view_put("dir/inside", "again");
	cr_assert(view_shows("dir/inside", "again"));
	dir = view_dir("dir");
	cr_assert_eq(view_unlink(dir, "inside"), 0);
	cr_assert_eq(view_mkdir(dir, "inside", 0755, &root), 0);
	layer_dir_unref(dir);
	cr_assert(view_lists("dir", "inside/ "));
}

Test(create, a_link_is_one_file_with_its_source)
{
	cr_assert_eq(view_link(view_fixture.root, "file", view_fixture.root, "linked"), 0);
	cr_assert_eq(upper_stat("file").st_ino, upper_stat("linked").st_ino);
	cr_assert_eq(upper_stat("file").st_nlink, 2);
	cr_assert(view_shows("linked", "lower"));
	cr_assert_eq(view_link(view_fixture.root, "file", view_fixture.root, "linked"), -EEXIST);
	cr_assert_eq(view_link(view_fixture.root, "nothing", view_fixture.root, "x"), -ENOENT);
	/* Over a whiteout. */
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(view_link(view_fixture.root, "linked", view_fixture.root, "file"), 0);
	cr_assert_eq(upper_stat("file").st_ino, upper_stat("linked").st_ino);
	cr_assert_eq(work_count(), 0);
}

static nlink_t links_shown(const char *name)
{
	struct resolved found;

	cr_assert_eq(view_resolve(view_fixture.root, name, &found), 0);
	return found.st.st_nlink;
}

Test(create, a_lock_linked_to_a_private_file_looks_like_that_file)
{
	struct resolved private, lock;

	cr_assert_eq(view_link(view_fixture.root, "file", view_fixture.root, "y.lock"), 0);
	cr_assert(lower_holds("y.lock", "lower"));
	cr_assert_eq(view_resolve(view_fixture.root, "file", &private), 0);
	cr_assert_eq(view_resolve(view_fixture.root, "y.lock", &lock), 0);
	cr_assert_eq(private.st.st_nlink, 2);
	cr_assert_eq(lock.st.st_nlink, 2);
	cr_assert_eq(private.st.st_ino, lock.origin_ino);
	cr_assert_eq(view_link(view_fixture.root, "file", view_fixture.root, "y.lock"), -EEXIST);
	cr_assert_eq(links_shown("file"), 2);

	cr_assert_eq(view_unlink(view_fixture.root, "y.lock"), 0);
	cr_assert_eq(links_shown("file"), 1);
	cr_assert_eq(work_count(), 0);
}

Test(create, a_twin_goes_when_its_temporary_has_gone_and_another_is_made)
{
	lower_put("other", "other");
	cr_assert_eq(view_link(view_fixture.root, "file", view_fixture.root, "y.lock"), 0);
	cr_assert_eq(view_unlink(view_fixture.root, "file"), 0);
	cr_assert_eq(links_shown("y.lock"), 1);
	/* The lock is removed by an outsider: nobody tells the view. */
	cr_assert_eq(unlinkat(view_fixture.lower, "y.lock", 0), 0);
	cr_assert_eq(work_count(), 1);
	cr_assert_eq(view_link(view_fixture.root, "other", view_fixture.root, "z.lock"), 0);
	cr_assert_eq(work_count(), 1);
}

Test(create, a_link_between_layers_or_views_is_refused)
{
	struct err err;
	uint32_t other;
	struct layer_dir *there;

	lower_put("x.lock", "lock");
	cr_assert_eq(view_link(view_fixture.root, "x.lock", view_fixture.root, "private"), -EXDEV);
	cr_assert_eq(view_link(view_fixture.root, "x.lock", view_fixture.root, "y.lock"), 0);
	cr_assert(lower_holds("y.lock", "lock"));

	cr_assert_eq(registry_open(view_fixture.registry, 0, "s2", 0, &other, NULL, &err), 0);
	cr_assert_eq(view_open(&view_fixture.setup, other, 0, &there), 0);
	cr_assert_eq(view_link(view_fixture.root, "file", there, "linked"), -EXDEV);
	layer_dir_unref(there);
}
