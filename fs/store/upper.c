/* SPDX-License-Identifier: MIT */
/*
 * A session's upper and work directory of one share.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "store/layout.h"

#define DIR_PATH (O_PATH | O_DIRECTORY)

/* Gives a directory owner, mode and times of the lower's root. Mode after owner: chown clears. */
static int dress(int dirfd, const char *name, const struct stat *root)
{
	const struct timespec times[2] = {root->st_atim, root->st_mtim};

	if (fchownat(dirfd, name, root->st_uid, root->st_gid, AT_SYMLINK_NOFOLLOW) ||
	    fchmodat(dirfd, name, root->st_mode & 07777, 0) ||
	    utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW))
		return -errno;
	return 0;
}

/* Makes <share>/upper, below the session, complete at once: under a name in `work`, then renamed. */
static int make_upper(struct store *store, int share_fd, const struct stat *root)
{
	_cleanup_close_ int work = -1;
	char name[STORE_TRASH_NAME_SIZE];
	int r = sys_mkdir_all(share_fd, STORE_WORK, 0700);

	if (r)
		return r;
	work = sys_open_beneath(share_fd, STORE_WORK, DIR_PATH, 0);
	if (work < 0)
		return work;
	store_unique_name(store, name);
	r = sys_mkdir_all(work, name, 0700);
	if (r)
		return r;
	r = dress(work, name, root);
	if (!r)
		r = sys_rename(work, name, share_fd, STORE_UPPER, RENAME_NOREPLACE);
	if (r)
		unlinkat(work, name, AT_REMOVEDIR);
	return r == -EEXIST ? 0 : r;
}

int store_open_share(struct store *store, uid_t uid, const char *id, const char *share_path,
		     bool make)
{
	_cleanup_close_ int session = store_open_session(store, uid, id);
	char name[NAME_MAX + 1];
	int fd;
	int r;

	if (session < 0)
		return session;
	store_share_name(share_path, name);
	fd = sys_open_beneath(session, name, DIR_PATH, 0);
	if (fd != -ENOENT || !make)
		return fd;
	r = sys_mkdir_all(session, name, 0700);
	if (r)
		return r;
	return sys_open_beneath(session, name, DIR_PATH, 0);
}

int store_open_upper(struct store *store, uid_t uid, const char *id, const char *share_path,
		     bool make, const struct stat *root, int *ret_upper_fd, int *ret_work_fd)
{
	_cleanup_close_ int share = store_open_share(store, uid, id, share_path, make);
	_cleanup_close_ int upper = -1;
	_cleanup_close_ int work = -1;
	int r;

	if (share < 0)
		return share;
	upper = sys_open_beneath(share, STORE_UPPER, DIR_PATH, 0);
	if (upper == -ENOENT && make) {
		r = make_upper(store, share, root);
		if (r)
			return r;
		upper = sys_open_beneath(share, STORE_UPPER, DIR_PATH, 0);
	}
	if (upper < 0)
		return upper;
	if (ret_work_fd) {
		work = sys_open_beneath(share, STORE_WORK, DIR_PATH, 0);
		if (work < 0)
			return work;
		*ret_work_fd = TAKE_FD(work);
	}
	*ret_upper_fd = TAKE_FD(upper);
	return 0;
}
