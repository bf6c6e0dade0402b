/* SPDX-License-Identifier: MIT */
/*
 * Opening a store: directory, lock, format.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "store/layout.h"
#include "store/probe.h"

#define FORMAT_FILE "format"
#define FORMAT_TEXT "sessionfs store %u\n"

static void store_cleanup(struct store **store)
{
	store_free(*store);
}

/* A failed call that left nothing of the disk's to blame. */
static int io_error(struct err *err, int error, const char *path)
{
	return err_set_errno(err, ERR_IO_ERROR, error, "cannot set up the store %s", path);
}

/* Opens the directory, or makes it: never its parents, for those would be left behind. */
static int open_directory(const char *path, bool *ret_made, struct err *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	bool made = false;

	if (!mkdir(path, 0700))
		made = true;
	else if (errno != EEXIST)
		return err_set_errno(err, ERR_IO_ERROR, errno, "cannot make the store %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOTDIR)
		return err_set(err, ERR_PRECONDITION_FAILED, "the store %s is not a directory",
			       path);
	if (fd < 0)
		return err_set_errno(err, ERR_IO_ERROR, errno, "cannot open the store %s", path);
	if (fstat(fd, &st))
		return io_error(err, errno, path);
	/* Its owner could put directories of his making in the place of ours. */
	if (st.st_uid != geteuid())
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "the store %s belongs to uid %u, not to uid %u", path, st.st_uid,
			       geteuid());
	*ret_made = made;
	return TAKE_FD(fd);
}

/* Who wrote himself into `instance`; 0 where nobody did. */
static int instance_pid(struct store *store)
{
	_cleanup_free_ char *text = NULL;

	if (sys_read_file(store->fd, STORE_INSTANCE_FILE, 64, &text) <= 0)
		return 0;
	return atoi(text);
}

static int lock_instance(struct store *store, struct err *err)
{
	char text[16];
	int len;
	int pid;

	store->lock_fd = openat(store->fd, STORE_INSTANCE_FILE,
				O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock_fd < 0)
		return io_error(err, errno, store->path);
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return io_error(err, errno, store->path);
		close(TAKE_FD(store->lock_fd));
		pid = instance_pid(store);
		if (pid > 0)
			err_set(err, ERR_PRECONDITION_FAILED,
				"the store %s is in use by another instance (pid %d)", store->path,
				pid);
		else
			err_set(err, ERR_PRECONDITION_FAILED,
				"the store %s is in use by another instance", store->path);
		err_suggest(err, "Give each instance a store of its own: sessionfs mount "
				 "--store DIR");
		return -EBUSY;
	}
	/* For people and a hint to others, so that a full disk does not matter here. */
	len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (!ftruncate(store->lock_fd, 0))
		(void)!pwrite(store->lock_fd, text, (size_t)len, 0);
	return 0;
}

/* What a store that lacks its format file may hold: an interrupted beginning, or a mount's root. */
static int unknown_name(int fd, const char *name, void *ctx)
{
	static const char *const ours[] = {STORE_INSTANCE_FILE, STORE_TRASH, STORE_SESSIONS, "log",
					   "lost+found"};
	(void)fd;
	(void)ctx;

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (!strcmp(name, ours[i]))
			return 0;
	return strncmp(name, SYS_TEMPORARY_PREFIX, strlen(SYS_TEMPORARY_PREFIX)) ? 1 : 0;
}

static int refuse_foreign(struct store *store, struct err *err)
{
	int r = store_each_name(store->fd, unknown_name, NULL);

	if (r < 0)
		return io_error(err, -r, store->path);
	if (r == 0)
		return 0;
	err_set(err, ERR_PRECONDITION_FAILED,
		"the directory %s holds other things and is no sessionfs store", store->path);
	return err_suggest(err, "Name an empty directory, or one that is not there yet");
}

/* Checks the format of a store that has one; ret_new tells that it has none yet. */
static int check_format(struct store *store, bool *ret_new, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	ssize_t len = sys_read_file(store->fd, FORMAT_FILE, 256, &text);
	unsigned int version;
	int end = 0;

	*ret_new = len == -ENOENT;
	if (*ret_new)
		return refuse_foreign(store, err);
	if (len < 0 && len != -EFBIG)
		return io_error(err, (int)-len, store->path);
	if (len < 0 || sscanf(text, "sessionfs store %u%n", &version, &end) != 1 ||
	    strcmp(text + end, "\n") != 0)
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "%s/" FORMAT_FILE " does not say that this is a sessionfs store",
			       store->path);
	if (version == STORE_FORMAT_VERSION)
		return 0;
	err_set(err, ERR_PRECONDITION_FAILED,
		"the store %s has format %u, and this sessionfs knows format %u only", store->path,
		version, STORE_FORMAT_VERSION);
	return err_suggest(err, "Use the sessionfs that made it, or another store: sessionfs mount "
				"--store DIR");
}

static int write_format(struct store *store)
{
	char text[64];
	int len = snprintf(text, sizeof(text), FORMAT_TEXT, STORE_FORMAT_VERSION);

	return sys_write_file_durable(store->fd, FORMAT_FILE, text, (size_t)len, 0600);
}

/* The lock is held. The format file comes last: with it the store is complete. */
static int set_up(struct store *store, struct err *err)
{
	bool new = false;
	int r;

	if (check_format(store, &new, err))
		return -1;
	if (fchmod(store->fd, 0700))
		return io_error(err, errno, store->path);
	r = sys_mkdir_all(store->fd, STORE_TRASH, 0700);
	if (!r)
		r = sys_mkdir_all(store->fd, STORE_SESSIONS, 0700);
	if (r)
		return io_error(err, -r, store->path);
	if (store_probe(store, err))
		return -1;
	r = new ? write_format(store) : 0;
	return r ? io_error(err, -r, store->path) : 0;
}

/* Removes what a failed call made. The lock is held: nobody else can have begun to use it. */
static void unmake(const char *path)
{
	_cleanup_free_ char *parent = strdup(path);
	_cleanup_close_ int fd = -1;
	char *slash = parent ? strrchr(parent, '/') : NULL;

	if (!slash)
		return;
	*slash = 0;
	fd = open(*parent ? parent : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)sys_remove_tree(fd, slash + 1);
}

int store_open(const char *path, struct store **ret_store, struct err *err)
{
	_cleanup_(store_cleanup) struct store *store = calloc(1, sizeof(*store));
	bool made = false;
	int r;

	if (store) {
		store->fd = store->lock_fd = -1;
		store->path = strdup(path);
	}
	if (!store || !store->path)
		return io_error(err, ENOMEM, path);
	store->fd = open_directory(path, &made, err);
	if (store->fd < 0)
		return -1;
	r = lock_instance(store, err);
	if (r)
		return r;
	if (set_up(store, err)) {
		if (made)
			unmake(path);
		return -1;
	}
	*ret_store = TAKE_PTR(store);
	return 0;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	cleanup_close(&store->fd);
	cleanup_close(&store->lock_fd);
	free(store->path);
	free(store);
}

int store_fd(const struct store *store)
{
	return store->fd;
}

const char *store_path(const struct store *store)
{
	return store->path;
}

const char *store_xattr_prefix(const struct store *store)
{
	return store->xattr_prefix;
}

int store_free_space(struct store *store, uint64_t *ret_bytes)
{
	struct statvfs fs;

	if (fstatvfs(store->fd, &fs))
		return -errno;
	*ret_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return 0;
}
