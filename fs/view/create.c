/* SPDX-License-Identifier: MIT */
#include "view/create.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "view/copyup.h"
#include "view/rights.h"
#include "view/twin.h"

/* Stands for the name of what has none: no rule matches it but those that match everything. */
#define NAMELESS "#"

/* What is to be made, so that the three places where it can be made share one description. */
struct birth {
	mode_t mode; /* with S_IFMT */
	dev_t rdev;
	const char *target; /* of a symlink, else NULL */
	int open_flags;     /* of a regular file that is opened at once */
	bool open;
	const struct creator *creator; /* NULL: an existing file gets another name */
	int link_fd;                   /* that file; else unused */
};

/* Returns 0, an fd where birth->open, or negative errno. */
static int bear(const struct birth *birth, int dirfd, const char *name)
{
	int r = 0;

	if (!birth->creator) {
		char path[32];

		sys_fd_path(birth->link_fd, path);
		return linkat(AT_FDCWD, path, dirfd, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
	}
	r = sys_as_user(birth->creator->uid, birth->creator->gid);
	if (r < 0)
		return r;
	umask(birth->creator->umask);
	if (birth->open)
		r = openat(dirfd, name, birth->open_flags | O_CREAT | O_EXCL | O_CLOEXEC,
			   birth->mode & 07777);
	else if (S_ISDIR(birth->mode))
		r = mkdirat(dirfd, name, birth->mode & 07777);
	else if (birth->target)
		r = symlinkat(birth->target, dirfd, name);
	else
		r = mknodat(dirfd, name, birth->mode, birth->rdev);
	if (r < 0)
		r = -errno;
	sys_as_root();
	return r;
}

/*
 * A directory in which something can be made aside that comes out as if made in `dir`: the work
 * directory itself, or, where `dir` hands down its group or a default ACL, a temporary directory
 * with the same.
 */
struct stage {
	struct view *view;
	int fd; /* of the temporary directory, or -1 */
	char name[VIEW_TEMPORARY_SIZE];
};

static void stage_close(struct stage *stage)
{
	if (stage->fd < 0)
		return;
	close(stage->fd);
	unlinkat(stage->view->work_fd, stage->name, AT_REMOVEDIR);
}

static int stage_fd(const struct stage *stage)
{
	return stage->fd >= 0 ? stage->fd : stage->view->work_fd;
}

static int stage_open(struct layer_dir *dir, struct stage *stage)
{
	static const char acl_name[] = "system.posix_acl_default";
	char from[32], to[32];
	char acl[4096];
	ssize_t acl_size;
	struct stat st;

	stage->view = dir->view;
	stage->fd = -1;
	if (fstatat(layer_dir_upper(dir), "", &st, AT_EMPTY_PATH))
		return -errno;
	sys_fd_path(layer_dir_upper(dir), from);
	acl_size = getxattr(from, acl_name, acl, sizeof(acl));
	if (!(st.st_mode & S_ISGID) && acl_size <= 0)
		return 0;
	view_temporary_name(stage->name);
	if (mkdirat(dir->view->work_fd, stage->name, 0700))
		return -errno;
	stage->fd = openat(dir->view->work_fd, stage->name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (stage->fd < 0)
		return -errno;
	sys_fd_path(stage->fd, to);
	if (fchownat(stage->fd, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) ||
	    chmod(to, st.st_mode & 07777) ||
	    (acl_size > 0 && setxattr(to, acl_name, acl, (size_t)acl_size, 0))) {
		int r = -errno;

		stage_close(stage);
		return r;
	}
	return 0;
}

/* From the stage over a whiteout: a directory cannot replace one, so the two change places. */
static int put_over_whiteout(struct layer_dir *dir, const char *name, const struct stage *stage,
			     const char *temporary, bool directory)
{
	int r;

	if (!directory)
		return sys_rename(stage_fd(stage), temporary, layer_dir_upper(dir), name, 0);
	r = sys_rename(stage_fd(stage), temporary, layer_dir_upper(dir), name, RENAME_EXCHANGE);
	if (r == 0)
		unlinkat(stage_fd(stage), temporary, 0);
	return r;
}

static int set_opaque_at(struct layer_dir *dir, int dirfd, const char *name)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : layout_set_opaque(&dir->view->setup->names, fd);
}

static int make_over_whiteout(struct layer_dir *dir, const char *name, const struct birth *birth)
{
	bool directory = birth->creator && S_ISDIR(birth->mode);
	char temporary[VIEW_TEMPORARY_SIZE];
	_cleanup_close_ int fd = -1;
	struct stage stage;
	int r;

	r = stage_open(dir, &stage);
	if (r < 0)
		return r;
	view_temporary_name(temporary);
	r = bear(birth, stage_fd(&stage), temporary);
	if (r >= 0 && birth->open)
		fd = r;
	if (r >= 0 && directory)
		r = set_opaque_at(dir, stage_fd(&stage), temporary);
	if (r >= 0) {
		r = put_over_whiteout(dir, name, &stage, temporary, directory);
		if (r < 0)
			unlinkat(stage_fd(&stage), temporary, directory ? AT_REMOVEDIR : 0);
	}
	stage_close(&stage);
	if (r < 0)
		return r;
	return birth->open ? TAKE_FD(fd) : 0;
}

static int make(struct layer_dir *dir, const char *name, const struct birth *birth)
{
	bool directory = birth->creator && S_ISDIR(birth->mode);
	struct stat st;
	int r;

	if (view_lives_in_lower(dir, layer_dir_class(dir, name))) {
		r = lower_change_begin(dir, NULL);
		lower_change_end();
		return r < 0 ? r : bear(birth, dir->lower, name);
	}
	r = layer_dir_copy_up(dir);
	if (r < 0)
		return r;
	if (dir->sealed && dir->lower < 0) {
		r = bear(birth, layer_dir_upper(dir), name);
		if (r != -EEXIST)
			return r;
	}
	if (fstatat(layer_dir_upper(dir), name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return layout_is_whiteout(&st) ? make_over_whiteout(dir, name, birth) : -EEXIST;
	if (view_lower_shows(dir, name, NULL))
		return -EEXIST;
	r = bear(birth, layer_dir_upper(dir), name);
	/* Nothing that the lower may get under this name later shall merge with it. */
	if (r >= 0 && directory)
		r = set_opaque_at(dir, layer_dir_upper(dir), name);
	return r;
}

int view_create(struct layer_dir *dir, const char *name, int open_flags, mode_t mode,
		const struct creator *creator)
{
	struct birth birth = {.mode = S_IFREG | (mode & 07777),
			      .open_flags = open_flags | O_NOFOLLOW,
			      .open = true,
			      .creator = creator};

	return make(dir, name, &birth);
}

int view_tmpfile(struct layer_dir *dir, mode_t mode, const struct creator *creator,
		 enum layer *ret_layer)
{
	bool in_lower = view_lives_in_lower(dir, layer_dir_class(dir, NAMELESS));
	int fd, r = in_lower ? 0 : layer_dir_copy_up(dir);

	if (r == 0)
		r = sys_as_user(creator->uid, creator->gid);
	if (r < 0)
		return r;
	umask(creator->umask);
	/* Never O_EXCL: whether it may get a name is the caller's affair, and the kernel's. */
	fd = openat(in_lower ? dir->lower : layer_dir_upper(dir), ".",
		    O_TMPFILE | O_RDWR | O_CLOEXEC, mode & 07777);
	r = fd < 0 ? -errno : fd;
	sys_as_root();
	*ret_layer = in_lower ? LAYER_LOWER : LAYER_UPPER;
	return r;
}

int view_mkdir(struct layer_dir *dir, const char *name, mode_t mode, const struct creator *creator)
{
	struct birth birth = {.mode = S_IFDIR | (mode & 07777), .creator = creator};

	return make(dir, name, &birth);
}

int view_symlink(struct layer_dir *dir, const char *name, const char *target,
		 const struct creator *creator)
{
	struct birth birth = {.mode = S_IFLNK, .target = target, .creator = creator};

	return make(dir, name, &birth);
}

int view_mknod(struct layer_dir *dir, const char *name, mode_t mode, dev_t rdev,
	       const struct creator *creator)
{
	struct birth birth = {.mode = mode, .rdev = rdev, .creator = creator};

	if (S_ISCHR(mode) && rdev == 0)
		return -EPERM;
	return make(dir, name, &birth);
}

int view_link_fd(int src_fd, enum layer src_layer, struct layer_dir *dir, const char *name)
{
	bool in_lower = view_lives_in_lower(dir, layer_dir_class(dir, name));
	struct metacopy_world world = view_metacopy_world(dir->view);
	struct birth birth = {.link_fd = src_fd};
	struct layout_base base;
	int r = 0;

	if (in_lower && src_layer == LAYER_UPPER && layer_dir_class(dir, name) == CLASS_LOCK)
		return twin_link(src_fd, dir, name);
	if (in_lower != (src_layer == LAYER_LOWER))
		return -EXDEV;
	if (!in_lower && layout_get_base(&dir->view->setup->names, src_fd, &base) == 0) {
		r = layer_dir_copy_up(dir);
		if (r == 0)
			r = layer_dir_mark_impure(dir);
		if (r == 0)
			r = metacopy_note_moved(&world, src_fd, "");
	}
	if (r < 0)
		return r;
	return make(dir, name, &birth);
}

int view_link(struct layer_dir *src_dir, const char *src_name, struct layer_dir *dir,
	      const char *name)
{
	bool src_in_lower = view_lives_in_lower(src_dir, layer_dir_class(src_dir, src_name));
	_cleanup_close_ int fd = -1;
	struct resolved src;
	int r;

	if (src_dir->view->session != dir->view->session ||
	    src_dir->view->share != dir->view->share)
		return -EXDEV;
	r = view_resolve(src_dir, src_name, &src);
	if (r < 0)
		return r;
	if (src.layer == LAYER_NONE)
		return -ENOENT;
	if (src.layer == LAYER_LOWER && !src_in_lower) {
		r = copyup_entry(src_dir, src_name, COPYUP_DEFERRED, NULL);
		if (r < 0)
			return r;
		src.layer = LAYER_UPPER;
	}
	fd = openat(layer_dir_fd(src_dir, src.layer), src_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return view_link_fd(fd, src.layer, dir, name);
}
