/* SPDX-License-Identifier: MIT */
#include "view/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"

#define RIGHTS_ALL (R_OK | W_OK | X_OK)
#define RIGHTS_DIFFER 8   /* the kernel has checked others; beside the bits of access() */
#define RIGHTS_KNOWN 0x80 /* none was looked at yet without it */
#define KNOWN_NS (500 * NSEC_PER_MSEC)
#define NO_GROUP ((gid_t)65534)

static ssize_t read_acl(int dir_fd, char *acl, size_t size)
{
	char path[32];
	ssize_t n;

	sys_fd_path(dir_fd, path);
	n = getxattr(path, "system.posix_acl_access", acl, size);
	/* None, or none can be. */
	return n < 0 && (errno == ENODATA || errno == ENOTSUP) ? 0 : n;
}

static bool same_acl(int a, int b)
{
	char acl_a[4096], acl_b[4096];
	ssize_t n = read_acl(a, acl_a, sizeof(acl_a));

	return n >= 0 && read_acl(b, acl_b, sizeof(acl_b)) == n &&
	       memcmp(acl_a, acl_b, (size_t)n) == 0;
}

/* As it was when it was copied up: what the copy allows beyond that, its owner or root has granted. */
static bool is_at_base(const struct layout_names *names, int upper, int lower,
		       const struct stat *st)
{
	struct layout_base base;
	char acl[4096];

	return layout_get_base(names, upper, &base) == 0 && base.ino == st->st_ino &&
	       base.uid == st->st_uid && base.gid == st->st_gid && base.mode == st->st_mode &&
	       read_acl(lower, acl, sizeof(acl)) == 0;
}

/* Whether the kernel's check of the copy is one of the lower, too. */
static bool is_checked(const struct layer_dir *dir)
{
	int upper = layer_dir_upper(dir);
	struct stat u, l;

	if (fstatat(upper, "", &u, AT_EMPTY_PATH) || fstatat(dir->lower, "", &l, AT_EMPTY_PATH))
		return false;
	if (u.st_uid == l.st_uid && u.st_gid == l.st_gid && u.st_mode == l.st_mode)
		return same_acl(upper, dir->lower);
	return is_at_base(&dir->view->setup->names, upper, dir->lower, &l);
}

/* The user, with nothing but his own rights; as_worker() ends it, also where it fails. */
static int as_user(const struct view *view)
{
	int r = sys_as_user(registry_at(view->setup->registry, view->session)->uid, NO_GROUP);

	return r < 0 ? r : sys_drop_file_caps();
}

static void as_worker(void)
{
	sys_restore_caps();
	sys_as_root();
}

static int ask(const struct layer_dir *dir)
{
	static const int each[] = {R_OK, W_OK, X_OK};
	int rights = 0;

	if (as_user(dir->view) < 0) {
		as_worker();
		return 0;
	}
	/* The kernel's call: it goes by the fsuid, of which libc's own ways know nothing. */
	for (size_t i = 0; i < ARRAY_SIZE(each); i++)
		if (syscall(SYS_faccessat2, dir->lower, "", each[i], AT_EACCESS | AT_EMPTY_PATH) ==
		    0)
			rights |= each[i];
	as_worker();
	return rights;
}

/* Whether the user may walk to where a directory was renamed from. */
static bool may_walk(const struct layer_dir *dir)
{
	const struct share_config *share = &dir->view->setup->config->shares[dir->view->share];
	_cleanup_close_ int fd = -1;

	if (as_user(dir->view) == 0)
		fd = sys_open_beneath(share->lower_fd, dir->lower_path,
				      O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	as_worker();
	return fd >= 0;
}

static struct layer_dir *parent_of(struct layer_dir *dir)
{
	struct layer_dir *parent;

	pthread_mutex_lock(&dir->view->mutex);
	parent = dir->parent ? layer_dir_ref(dir->parent) : NULL;
	pthread_mutex_unlock(&dir->view->mutex);
	return parent;
}

static int look(struct layer_dir *dir)
{
	_cleanup_layer_dir_ struct layer_dir *parent = NULL;

	if (dir->redirected) {
		if (!may_walk(dir))
			return RIGHTS_DIFFER;
	} else {
		parent = parent_of(dir);
		if (parent && !(lower_rights(parent) & X_OK))
			return RIGHTS_DIFFER;
	}
	return is_checked(dir) ? RIGHTS_ALL : RIGHTS_DIFFER | ask(dir);
}

static int rights_of(struct layer_dir *dir)
{
	uint64_t now;
	int rights;

	if (dir->view->of_root || layer_dir_upper(dir) < 0 || dir->lower < 0)
		return RIGHTS_ALL;
	now = clock_boot_ns();
	rights = dir->rights;
	if (rights & RIGHTS_KNOWN && now - dir->rights_boot_ns < KNOWN_NS)
		return rights;
	rights = look(dir) | RIGHTS_KNOWN;
	dir->rights_boot_ns = now;
	dir->rights = rights;
	return rights;
}

int lower_rights(struct layer_dir *dir)
{
	return rights_of(dir) & RIGHTS_ALL;
}

int lower_change_begin(struct layer_dir *a, struct layer_dir *b)
{
	int of_a = rights_of(a), of_b = b ? rights_of(b) : RIGHTS_ALL;
	int r;

	if ((of_a & of_b & (W_OK | X_OK)) != (W_OK | X_OK))
		return -EACCES;
	if (!((of_a | of_b) & RIGHTS_DIFFER))
		return 0;
	r = as_user(a->view);
	if (r < 0)
		as_worker();
	return r;
}

void lower_change_end(void)
{
	as_worker();
}
