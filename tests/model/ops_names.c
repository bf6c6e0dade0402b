/* SPDX-License-Identifier: MIT */
/* How names come, go and change places. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <unistd.h>

#include "op.h"

static const mode_t modes[] = {0755, 0755, 0700, 0777, 01777, 02775, 0555, 0};

static void forget_removed(struct world *world, const struct stat *st)
{
	/* Its number may be given to another. */
	if (st->st_ino && !S_ISDIR(st->st_mode) && st->st_nlink == 1) {
		ino_set_remove(&world->pristine, st->st_ino);
		ino_set_remove(&world->mapped, st->st_ino);
	}
}

static bool draw_absent(struct world *world, struct op *op)
{
	place_pick(world, WANT_ABSENT, &op->places[0]);
	op->n_places = 1;
	op->mode = RANDOM_OF(&world->random, modes);
	return true;
}

static bool draw_there(struct world *world, struct op *op)
{
	place_pick(world, WANT_THERE, &op->places[0]);
	op->n_places = 1;
	return true;
}

static bool draw_dir(struct world *world, struct op *op)
{
	place_pick(world, WANT_DIR, &op->places[0]);
	op->n_places = 1;
	return true;
}

static long act_mkdir(struct world *world, struct op *op, int side)
{
	return RESULT(mkdirat(place_fd(world, &op->places[0], side), op->places[0].path, op->mode));
}

static bool draw_mknod(struct world *world, struct op *op)
{
	static const mode_t types[] = {S_IFREG, S_IFIFO, S_IFSOCK};

	draw_absent(world, op);
	op->mode = (op->mode & 0777) | RANDOM_OF(&world->random, types);
	return true;
}

static long act_mknod(struct world *world, struct op *op, int side)
{
	return RESULT(
		mknodat(place_fd(world, &op->places[0], side), op->places[0].path, op->mode, 0));
}

static long act_rmdir(struct world *world, struct op *op, int side)
{
	return RESULT(
		unlinkat(place_fd(world, &op->places[0], side), op->places[0].path, AT_REMOVEDIR));
}

static long act_unlink(struct world *world, struct op *op, int side)
{
	return RESULT(unlinkat(place_fd(world, &op->places[0], side), op->places[0].path, 0));
}

static void done_unlink(struct world *world, struct op *op, long result)
{
	if (result == 0)
		forget_removed(world, &op->before[0]);
}

static bool draw_symlink(struct world *world, struct op *op)
{
	/* None leads up: a rename may move the link to the root. */
	static const char *const targets[] = {"a", "b", "c/d", "a/b/c", "nowhere", ".", "e/"};

	draw_absent(world, op);
	op->mode = 0;
	op->text = RANDOM_OF(&world->random, targets);
	return true;
}

static long act_symlink(struct world *world, struct op *op, int side)
{
	return RESULT(
		symlinkat(op->text, place_fd(world, &op->places[0], side), op->places[0].path));
}

static bool draw_link(struct world *world, struct op *op)
{
	place_pick(world, WANT_FILE, &op->places[0]);
	place_pick(world, WANT_ABSENT, &op->places[1]);
	op->n_places = 2;
	op->flags = random_chance(&world->random, 30) ? AT_SYMLINK_FOLLOW : 0;
	return true;
}

static long act_link(struct world *world, struct op *op, int side)
{
	return RESULT(linkat(place_fd(world, &op->places[0], side), op->places[0].path,
			     place_fd(world, &op->places[1], side), op->places[1].path, op->flags));
}

static bool draw_link_open(struct world *world, struct op *op)
{
	draw_absent(world, op);
	op->mode = 0;
	op->files[0] = world_file(world);
	op->n_files = 1;
	return op->files[0] != NULL;
}

static long act_link_open(struct world *world, struct op *op, int side)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", op->files[0]->fd[side]);
	return RESULT(linkat(AT_FDCWD, path, place_fd(world, &op->places[0], side),
			     op->places[0].path, AT_SYMLINK_FOLLOW));
}

static bool draw_rename(struct world *world, struct op *op)
{
	struct random *random = &world->random;
	uint64_t kind = random_below(random, 10);

	op->n_places = 2;
	if (kind < 4) {
		place_pick(world, WANT_THERE, &op->places[0]);
		place_pick(world, WANT_ABSENT, &op->places[1]);
		op->flags = random_chance(random, 20) ? RENAME_NOREPLACE : 0;
	} else if (kind < 6) {
		place_pick(world, WANT_FILE, &op->places[0]);
		place_pick(world, WANT_FILE, &op->places[1]);
		op->flags = random_chance(random, 10) ? RENAME_NOREPLACE : 0;
	} else if (kind < 8) {
		place_pick(world, WANT_DIR, &op->places[0]);
		place_pick(world, random_chance(random, 50) ? WANT_DIR : WANT_ABSENT,
			   &op->places[1]);
	} else {
		place_pick(world, WANT_THERE, &op->places[0]);
		place_pick(world, WANT_THERE, &op->places[1]);
		op->flags = random_chance(random, 5) ? RENAME_EXCHANGE | RENAME_NOREPLACE
						     : RENAME_EXCHANGE;
	}
	return true;
}

static long act_rename(struct world *world, struct op *op, int side)
{
	return RESULT(renameat2(place_fd(world, &op->places[0], side), op->places[0].path,
				place_fd(world, &op->places[1], side), op->places[1].path,
				(unsigned)op->flags));
}

static void done_rename(struct world *world, struct op *op, long result)
{
	if (result == 0 && !(op->flags & RENAME_EXCHANGE) &&
	    op->before[0].st_ino != op->before[1].st_ino)
		forget_removed(world, &op->before[1]);
}

const struct op_kind ops_names[] = {
	{"mkdir", 45, 0, draw_absent, act_mkdir, NULL},
	{"mknod", 12, 0, draw_mknod, act_mknod, NULL},
	{"rmdir", 25, 0, draw_dir, act_rmdir, NULL},
	{"unlink", 35, 0, draw_there, act_unlink, done_unlink},
	{"symlink", 20, 0, draw_symlink, act_symlink, NULL},
	{"link", 20, OP_DATA, draw_link, act_link, NULL},
	{"link_open", 6, OP_DATA, draw_link_open, act_link_open, NULL},
	{"rename", 80, OP_DATA, draw_rename, act_rename, done_rename},
	{0},
};
