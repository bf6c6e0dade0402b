/* SPDX-License-Identifier: MIT */
/* Attributes: set and looked at, by name and by descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "op.h"

/* What an operation on attributes is done to. */
enum { BY_NAME, BY_LINK, BY_FILE, BY_DIR };

static bool draw_object(struct world *world, struct op *op)
{
	static const int ways[] = {BY_NAME, BY_NAME, BY_LINK, BY_FILE, BY_FILE, BY_DIR};

	op->how = RANDOM_OF(&world->random, ways);
	switch (op->how) {
	case BY_FILE:
		op->files[0] = world_file(world);
		op->n_files = 1;
		return op->files[0] != NULL;
	case BY_DIR:
		op->dir = world_dir(world);
		return op->dir != NULL;
	default:
		place_pick(world, WANT_THERE, &op->places[0]);
		op->n_places = 1;
		return true;
	}
}

static int object_fd(const struct op *op, int side)
{
	return op->how == BY_FILE ? op->files[0]->fd[side] : op->dir->fd[side];
}

static bool draw_chmod(struct world *world, struct op *op)
{
	static const mode_t modes[] = {0644, 0600, 0755, 0777, 0, 0444, 04755, 02755, 02775, 01777};

	op->mode = RANDOM_OF(&world->random, modes);
	return draw_object(world, op) && op->how != BY_LINK;
}

static long act_chmod(struct world *world, struct op *op, int side)
{
	if (op->how == BY_NAME)
		return RESULT(fchmodat(place_fd(world, &op->places[0], side), op->places[0].path,
				       op->mode, 0));
	return RESULT(fchmod(object_fd(op, side), op->mode));
}

static bool draw_chown(struct world *world, struct op *op)
{
	static const uid_t ids[] = {0, 1000, 1001, 1000};

	op->uid = RANDOM_OF(&world->random, ids);
	op->gid = RANDOM_OF(&world->random, ids);
	if (random_chance(&world->random, 30))
		op->uid = (uid_t)-1;
	else if (random_chance(&world->random, 30))
		op->gid = (gid_t)-1;
	return draw_object(world, op);
}

static long act_chown(struct world *world, struct op *op, int side)
{
	if (op->n_places)
		return RESULT(fchownat(place_fd(world, &op->places[0], side), op->places[0].path,
				       op->uid, op->gid,
				       op->how == BY_LINK ? AT_SYMLINK_NOFOLLOW : 0));
	return RESULT(fchown(object_fd(op, side), op->uid, op->gid));
}

static bool draw_times(struct world *world, struct op *op)
{
	for (int i = 0; i < 2; i++) {
		op->times[i].tv_sec = 1000000000 + (time_t)random_below(&world->random, 100000000);
		op->times[i].tv_nsec = (long)random_below(&world->random, 1000000000);
	}
	/* Not both: that is nothing. */
	if (random_chance(&world->random, 30))
		op->times[random_below(&world->random, 2)].tv_nsec =
			random_chance(&world->random, 50) ? UTIME_OMIT : UTIME_NOW;
	return draw_object(world, op);
}

static long act_times(struct world *world, struct op *op, int side)
{
	if (op->n_places)
		return RESULT(utimensat(place_fd(world, &op->places[0], side), op->places[0].path,
					op->times, op->how == BY_LINK ? AT_SYMLINK_NOFOLLOW : 0));
	return RESULT(futimens(object_fd(op, side), op->times));
}

static void done_times(struct world *world, struct op *op, long result)
{
	struct stat st[SIDES];

	if (result < 0)
		return;
	for (int side = 0; side < SIDES; side++) {
		int r = op->n_places
				? fstatat(place_fd(world, &op->places[0], side), op->places[0].path,
					  &st[side], op->how == BY_LINK ? AT_SYMLINK_NOFOLLOW : 0)
				: fstat(object_fd(op, side), &st[side]);

		if (r)
			mismatch(world, "stat after utimens: %s", strerrorname_np(errno));
	}
	/* Not where it is a link that the path leads through: to look at it was to read it. */
	if (op->times[0].tv_nsec < 1000000000 && st[MODEL].st_atim.tv_sec == op->times[0].tv_sec &&
	    memcmp(&st[VIEW].st_atim, &st[MODEL].st_atim, sizeof(st[VIEW].st_atim)) != 0)
		mismatch(world, "st_atime after utimens: %lld.%09ld, not %lld.%09ld",
			 (long long)st[VIEW].st_atim.tv_sec, st[VIEW].st_atim.tv_nsec,
			 (long long)st[MODEL].st_atim.tv_sec, st[MODEL].st_atim.tv_nsec);
	/* What a map wrote before is known to be older now. */
	if (op->times[1].tv_nsec < 1000000000 &&
	    memcmp(&st[VIEW].st_mtim, &st[MODEL].st_mtim, sizeof(st[VIEW].st_mtim)) != 0)
		mismatch(world, "st_mtime after utimens");
}

static bool draw_look(struct world *world, struct op *op)
{
	place_pick(world, random_chance(&world->random, 70) ? WANT_THERE : WANT_ANY,
		   &op->places[0]);
	op->n_places = 1;
	op->mode = (mode_t)random_below(&world->random, 8);
	return true;
}

static long act_access(struct world *world, struct op *op, int side)
{
	return RESULT(faccessat(place_fd(world, &op->places[0], side), op->places[0].path,
				(int)op->mode, AT_EACCESS));
}

static long act_stat(struct world *world, struct op *op, int side)
{
	struct stat st;

	return RESULT(fstatat(place_fd(world, &op->places[0], side), op->places[0].path, &st, 0));
}

static long act_lstat(struct world *world, struct op *op, int side)
{
	struct stat st;

	return RESULT(fstatat(place_fd(world, &op->places[0], side), op->places[0].path, &st,
			      AT_SYMLINK_NOFOLLOW));
}

static long act_readlink(struct world *world, struct op *op, int side)
{
	return RESULT(readlinkat(place_fd(world, &op->places[0], side), op->places[0].path,
				 (char *)world->buffer[side], DATA_MAX));
}

const struct op_kind ops_attr[] = {
	{"chmod", 40, 0, draw_chmod, act_chmod, NULL},
	{"chown", 30, 0, draw_chown, act_chown, NULL},
	{"utimens", 40, 0, draw_times, act_times, done_times},
	{"access", 15, 0, draw_look, act_access, NULL},
	{"stat", 25, 0, draw_look, act_stat, NULL},
	{"lstat", 25, 0, draw_look, act_lstat, NULL},
	{"readlink", 10, OP_READS, draw_look, act_readlink, NULL},
	{0},
};
