/* SPDX-License-Identifier: MIT */
/* Opening and closing: what the other families work on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "op.h"

static const int accesses[] = {O_RDONLY, O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_RDWR};
static const mode_t modes[] = {0644, 0600, 0666, 0755, 0400, 0, 02755, 04755, 0777};

static bool draw_open(struct world *world, struct op *op)
{
	struct random *random = &world->random;

	place_pick(world, random_chance(random, 75) ? WANT_FILE : WANT_ANY, &op->places[0]);
	op->n_places = 1;
	op->flags = RANDOM_OF(random, accesses);
	if (random_chance(random, 40))
		op->flags |= O_CREAT;
	if (op->flags & O_CREAT && random_chance(random, 25))
		op->flags |= O_EXCL;
	if (random_chance(random, 15))
		op->flags |= O_TRUNC;
	if (random_chance(random, 15))
		op->flags |= O_APPEND;
	if (random_chance(random, 10))
		op->flags |= O_NOFOLLOW;
	if (random_chance(random, 2))
		op->flags |= O_DSYNC;
	if (random_chance(random, 4))
		op->flags |= O_NOATIME;
	if (random_chance(random, 3))
		op->flags = O_PATH | (op->flags & O_NOFOLLOW);
	if (op->flags & O_CREAT)
		op->mode = RANDOM_OF(random, modes);
	return true;
}

static long act_open(struct world *world, struct op *op, int side)
{
	/* Nobody waits for the other end of a FIFO. */
	op->made[side] = openat(place_fd(world, &op->places[0], side), op->places[0].path,
				op->flags | O_NONBLOCK | O_CLOEXEC, op->mode);
	return op->made[side] < 0 ? -errno : 0;
}

static void keep_dir(struct world *world, const struct op *op)
{
	struct open_dir *dir = world_dir_slot(world);

	dir->used = true;
	for (int side = 0; side < SIDES; side++)
		dir->fd[side] = op->made[side];
	log_line(world, "    is d%d", (int)(dir - world->dirs));
}

/* DIFFERENCE_OLD_CONTENT: what it may go on showing; none where it must not. */
static struct former old_content(const struct world *world, const struct op *op,
				 const struct stat *st)
{
	if (!S_ISREG(st->st_mode) || (op->flags & (O_ACCMODE | O_TRUNC)) != O_RDONLY)
		return (struct former){0};
	if (op->n_files && op->files[0]->former.data)
		return former_copy(&op->files[0]->former);
	if (ino_set_has(&world->pristine, st->st_ino))
		return former_of(op->made[MODEL]);
	return (struct former){0};
}

static void keep_file(struct world *world, struct op *op)
{
	struct open_file made = {.used = true, .flags = op->flags};
	struct open_file *file;
	struct stat st[SIDES];

	for (int side = 0; side < SIDES; side++) {
		made.fd[side] = op->made[side];
		if (fstat(made.fd[side], &st[side]))
			mismatch(world, "fstat of what was just opened: %s",
				 strerrorname_np(errno));
	}
	made.view_ino = st[VIEW].st_ino;
	if ((op->flags & O_ACCMODE) != O_RDONLY || (op->flags & O_TRUNC))
		ino_set_remove(&world->pristine, st[MODEL].st_ino);
	else
		made.former = old_content(world, op, &st[MODEL]);
	file = world_file_slot(world);
	*file = made;
	log_line(world, "    is f%d%s", (int)(file - world->files),
		 made.former.data ? ", of the lower" : "");
	/* The file that it was made of may have been closed for it. */
	op->n_files = 1;
	op->files[0] = file;
}

static void done_open(struct world *world, struct op *op, long result)
{
	struct stat st;

	if (result < 0)
		return;
	if (fstat(op->made[MODEL], &st) == 0 && S_ISDIR(st.st_mode))
		keep_dir(world, op);
	else
		keep_file(world, op);
}

static bool draw_reopen(struct world *world, struct op *op)
{
	op->files[0] = world_file(world);
	op->n_files = 1;
	op->flags = RANDOM_OF(&world->random, accesses);
	/* DIFFERENCE_REOPEN */
	if (op->files[0] && !op->files[0]->former.data && random_chance(&world->random, 15))
		op->flags |= O_TRUNC;
	return op->files[0] != NULL;
}

static long act_reopen(struct world *world, struct op *op, int side)
{
	char path[32];

	(void)world;
	/* DIFFERENCE_REOPEN */
	if (side == MODEL && op->made[VIEW] == -ESTALE && op->files[0]->former.data &&
	    op->flags != O_RDONLY)
		return -ESTALE;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", op->files[0]->fd[side]);
	op->made[side] = RESULT(open(path, op->flags | O_NONBLOCK | O_CLOEXEC));
	return op->made[side] < 0 ? op->made[side] : 0;
}

static bool draw_close(struct world *world, struct op *op)
{
	op->files[0] = world_file(world);
	op->n_files = 1;
	return op->files[0] != NULL;
}

static long act_close(struct world *world, struct op *op, int side)
{
	(void)world;
	return RESULT(close(op->files[0]->fd[side]));
}

static void done_close(struct world *world, struct op *op, long result)
{
	(void)world;
	(void)result;
	for (int side = 0; side < SIDES; side++)
		op->files[0]->fd[side] = -1;
	file_close(op->files[0]);
	op->n_files = 0;
}

static bool draw_opendir(struct world *world, struct op *op)
{
	place_pick(world, WANT_DIR, &op->places[0]);
	op->n_places = 1;
	op->flags = O_DIRECTORY | (random_chance(&world->random, 20) ? O_PATH : O_RDONLY);
	return true;
}

static bool draw_closedir(struct world *world, struct op *op)
{
	op->dir = world_dir(world);
	return op->dir != NULL;
}

static long act_closedir(struct world *world, struct op *op, int side)
{
	(void)world;
	return RESULT(close(op->dir->fd[side]));
}

static void done_closedir(struct world *world, struct op *op, long result)
{
	(void)world;
	(void)result;
	for (int side = 0; side < SIDES; side++)
		op->dir->fd[side] = -1;
	dir_close(op->dir);
	op->dir = NULL;
}

const struct op_kind ops_open[] = {
	{"open", 120, OP_WRITES | OP_DATA, draw_open, act_open, done_open},
	{"reopen", 8, OP_WRITES | OP_DATA, draw_reopen, act_reopen, done_open},
	{"close", 60, OP_DATA, draw_close, act_close, done_close},
	{"opendir", 20, 0, draw_opendir, act_open, done_open},
	{"closedir", 8, 0, draw_closedir, act_closedir, done_closedir},
	{0},
};
