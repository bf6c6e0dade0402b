/* SPDX-License-Identifier: MIT */
/* What must look the same after an operation: all that it touched. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "listing.h"
#include "op.h"

static bool is_old(const struct timespec *time)
{
	return time->tv_sec < PAST_END;
}

static void verify_times(const struct world *world, const struct stat st[SIDES], const char *what)
{
	const struct timespec *view = &st[VIEW].st_mtim, *model = &st[MODEL].st_mtim;

	/* DIFFERENCE_MAP_TIMES, DIFFERENCE_FIFO_TIMES */
	if (S_ISFIFO(st[MODEL].st_mode) || ino_set_has(&world->mapped, st[MODEL].st_ino))
		return;
	/* When they were written to is not known of trees that only are compared. */
	if (!world->options.ops && !world->options.no_mmap && S_ISREG(st[MODEL].st_mode))
		return;
	/* What was changed lately was changed a little earlier on one side. */
	if (!is_old(view) && !is_old(model))
		return;
	if (view->tv_sec != model->tv_sec || view->tv_nsec != model->tv_nsec)
		mismatch(world, "%s: st_mtime is %lld.%09ld, not %lld.%09ld", what,
			 (long long)view->tv_sec, view->tv_nsec, (long long)model->tv_sec,
			 model->tv_nsec);
}

/* DIFFERENCE_SET_GROUP */
static mode_t known_mode(mode_t mode)
{
	return S_ISREG(mode) && !(mode & S_IXGRP) ? mode & ~(mode_t)S_ISGID : mode;
}

void verify_stat(const struct world *world, const struct stat st[SIDES], const char *what)
{
	const struct stat *view = &st[VIEW], *model = &st[MODEL];

	if (known_mode(view->st_mode) != known_mode(model->st_mode))
		mismatch(world, "%s: st_mode is %#o, not %#o", what, view->st_mode, model->st_mode);
	if (view->st_uid != model->st_uid || view->st_gid != model->st_gid)
		mismatch(world, "%s: owner is %d:%d, not %d:%d", what, (int)view->st_uid,
			 (int)view->st_gid, (int)model->st_uid, (int)model->st_gid);
	if (view->st_rdev != model->st_rdev)
		mismatch(world, "%s: st_rdev is %#llx", what, (unsigned long long)view->st_rdev);
	if (view->st_dev != world->view_dev)
		mismatch(world, "%s: st_dev is %u:%u", what, major(view->st_dev),
			 minor(view->st_dev));
	/* DIFFERENCE_DIRECTORY_LINKS */
	if (!S_ISDIR(model->st_mode)) {
		if (view->st_nlink != model->st_nlink)
			mismatch(world, "%s: st_nlink is %d, not %d", what, (int)view->st_nlink,
				 (int)model->st_nlink);
		if (view->st_size != model->st_size)
			mismatch(world, "%s: st_size is %lld, not %lld", what,
				 (long long)view->st_size, (long long)model->st_size);
	}
	verify_times(world, st, what);
}

static bool same_as_former(const struct former *former, off_t offset, const uint8_t *data,
			   long count)
{
	long there = (long)former->size - (long)offset;

	if (there < 0)
		there = 0;
	/* What is shown may end where the request did. */
	return count <= there && memcmp(data, former->data + offset, (size_t)count) == 0;
}

void verify_bytes(const struct world *world, const struct former *former, off_t offset,
		  const uint8_t *const data[SIDES], const long count[SIDES], const char *what)
{
	long shorter = count[VIEW] < count[MODEL] ? count[VIEW] : count[MODEL];

	if (count[VIEW] < 0)
		return;
	if (count[VIEW] == count[MODEL] && memcmp(data[VIEW], data[MODEL], (size_t)shorter) == 0)
		return;
	/* DIFFERENCE_OLD_CONTENT */
	if (former && former->data && same_as_former(former, offset, data[VIEW], count[VIEW]))
		return;
	for (long i = 0; i < shorter; i++)
		if (data[VIEW][i] != data[MODEL][i])
			mismatch(world, "%s: byte %lld is %d, not %d", what, (long long)offset + i,
				 data[VIEW][i], data[MODEL][i]);
	mismatch(world, "%s: %ld bytes, not %ld", what, count[VIEW], count[MODEL]);
}

/* The content of two descriptors; little files wholly, else a part. */
static void verify_content(struct world *world, const int fd[SIDES], const struct former *former,
			   off_t size, const char *what)
{
	off_t offset = 0;
	size_t want = 8192;
	long count[SIDES];
	const uint8_t *const data[SIDES] = {world->buffer[VIEW], world->buffer[MODEL]};

	if (random_chance(&world->random, 20))
		want = DATA_MAX;
	else if (size > (off_t)want)
		offset = (off_t)random_below(&world->random, (uint64_t)size);
	for (int side = 0; side < SIDES; side++)
		count[side] = RESULT(pread(fd[side], world->buffer[side], want, offset));
	if ((count[VIEW] < 0 || count[MODEL] < 0) && count[VIEW] != count[MODEL])
		mismatch(world, "%s: pread says %ld, not %ld", what, count[VIEW], count[MODEL]);
	verify_bytes(world, former, offset, data, count, what);
}

static void verify_place_content(struct world *world, const struct place *place, off_t size,
				 const char *what)
{
	int fd[SIDES];

	for (int side = 0; side < SIDES; side++) {
		fd[side] = openat(place_fd(world, place, side), place->path,
				  O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd[side] < 0)
			mismatch(world, "%s: cannot be read: %s", what, strerrorname_np(errno));
	}
	verify_content(world, fd, NULL, size, what);
	close(fd[VIEW]);
	close(fd[MODEL]);
}

/* 1: it is there on both sides. */
static int verify_place(struct world *world, const struct place *place, bool data,
			struct stat ret_st[SIDES])
{
	char what[PLACE_PATH + 16];
	int there[SIDES], error[SIDES];

	place_show(world, place, what, sizeof(what));
	for (int side = 0; side < SIDES; side++) {
		there[side] = fstatat(place_fd(world, place, side), place->path, &ret_st[side],
				      AT_SYMLINK_NOFOLLOW) == 0;
		error[side] = there[side] ? 0 : errno;
	}
	if (error[VIEW] != error[MODEL])
		mismatch(world, "%s: lstat says %s, not %s", what, strerrorname_np(error[VIEW]),
			 strerrorname_np(error[MODEL]));
	if (!there[VIEW])
		return 0;
	verify_stat(world, ret_st, what);
	if (data && S_ISREG(ret_st[MODEL].st_mode))
		verify_place_content(world, place, ret_st[MODEL].st_size, what);
	return 1;
}

/* DIFFERENCE_LATE_ATTRIBUTES */
static void wait_for_attributes(const struct open_file *file, struct stat st[SIDES])
{
	struct timespec pause = {.tv_nsec = 1000000};

	for (int tries = 0; tries < 500; tries++) {
		if (st[VIEW].st_size == st[MODEL].st_size &&
		    st[VIEW].st_mode == st[MODEL].st_mode &&
		    st[VIEW].st_mtim.tv_sec == st[MODEL].st_mtim.tv_sec &&
		    st[VIEW].st_nlink == st[MODEL].st_nlink)
			return;
		nanosleep(&pause, NULL);
		fstat(file->fd[VIEW], &st[VIEW]);
	}
}

static void verify_file(struct world *world, const struct open_file *file, bool data,
			struct stat ret_st[SIDES])
{
	char what[16] = {'f', (char)('0' + (file - world->files) / 10),
			 (char)('0' + (file - world->files) % 10)};

	for (int side = 0; side < SIDES; side++)
		if (fstat(file->fd[side], &ret_st[side]))
			mismatch(world, "%s: fstat says %s", what, strerrorname_np(errno));
	if (file->former.data)
		wait_for_attributes(file, ret_st);
	verify_stat(world, ret_st, what);
	if (ret_st[VIEW].st_ino != file->view_ino)
		mismatch(world, "%s: st_ino has changed", what);
	if (data && S_ISREG(ret_st[MODEL].st_mode) && !(file->flags & O_PATH) &&
	    (file->flags & O_ACCMODE) != O_WRONLY)
		verify_content(world, file->fd, &file->former, ret_st[MODEL].st_size, what);
}

/* DIFFERENCE_NUMBERS: what is one object on one side is so on the other. */
static void verify_identity(const struct world *world, const struct stat (*st)[SIDES], int count)
{
	for (int i = 0; i < count; i++)
		for (int j = 0; j < i; j++)
			if ((st[i][VIEW].st_ino == st[j][VIEW].st_ino) !=
			    (st[i][MODEL].st_ino == st[j][MODEL].st_ino))
				mismatch(world,
					 "st_ino: are two objects of those touched one or two?");
}

void verify_op(struct world *world, const struct op *op)
{
	bool data = op->kind->traits & OP_DATA;
	struct stat st[8][SIDES];
	struct open_file *other;
	int count = 0;

	for (int i = 0; i < op->n_places; i++) {
		struct place parent;

		name_touched(world, op->places[i].path);
		count += verify_place(world, &op->places[i], data, st[count]);
		place_parent(&op->places[i], &parent);
		count += verify_place(world, &parent, false, st[count]);
	}
	for (int i = 0; i < op->n_files; i++)
		verify_file(world, op->files[i], data, st[count++]);
	/* One that has nothing to do with it, or is another descriptor of the same. */
	other = world_file(world);
	if (other)
		verify_file(world, other, data, st[count++]);
	if (op->dir) {
		for (int side = 0; side < SIDES; side++)
			if (fstat(op->dir->fd[side], &st[count][side]))
				mismatch(world, "fstat of a directory: %s", strerrorname_np(errno));
		verify_stat(world, st[count++], "a directory's descriptor");
	}
	verify_identity(world, (const struct stat(*)[SIDES])st, count);
}
