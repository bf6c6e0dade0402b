/* SPDX-License-Identifier: MIT */
/* What is done to the content of files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "op.h"

/* Mostly little; at times across pages, and across the kernel's largest request. */
static off_t draw_offset(struct random *random)
{
	static const off_t limits[] = {100, 100, 5000, 5000, 40000, 180000};

	return (off_t)random_below(random, (uint64_t)RANDOM_OF(random, limits));
}

static size_t draw_length(struct random *random)
{
	static const size_t limits[] = {20, 200, 200, 5000, 5000, 70000};

	return random_below(random, RANDOM_OF(random, limits));
}

static bool draw_file(struct world *world, struct op *op)
{
	op->files[0] = world_file(world);
	op->n_files = 1;
	op->offset = draw_offset(&world->random);
	op->length = draw_length(&world->random);
	return op->files[0] != NULL;
}

static long act_pread(struct world *world, struct op *op, int side)
{
	return RESULT(pread(op->files[0]->fd[side], world->buffer[side], op->length, op->offset));
}

/* With the descriptor's own position, which goes on differently where old content is read. */
static bool draw_read(struct world *world, struct op *op)
{
	return draw_file(world, op) && !op->files[0]->former.data;
}

static long act_read(struct world *world, struct op *op, int side)
{
	op->offset = 0;
	return RESULT(read(op->files[0]->fd[side], world->buffer[side], op->length));
}

static void fill(struct world *world, const struct op *op)
{
	for (size_t i = 0; i < op->length; i++)
		world->scratch[i] = (uint8_t)(1 + (op->how + i * 7 + (i >> 8)) % 255);
}

static bool draw_write(struct world *world, struct op *op)
{
	if (!draw_file(world, op))
		return false;
	op->how = (int)random_below(&world->random, 250);
	fill(world, op);
	return true;
}

/* What is appended must not make a file grow without end. */
static bool is_full(const struct open_file *file)
{
	struct stat st;

	return fstat(file->fd[MODEL], &st) == 0 && st.st_size > 180000;
}

static long act_pwrite(struct world *world, struct op *op, int side)
{
	if (op->files[0]->flags & O_APPEND && is_full(op->files[0]))
		return 0;
	return RESULT(pwrite(op->files[0]->fd[side], world->scratch, op->length, op->offset));
}

/* By the position, which must not run away: back to a place within bounds. */
static long act_write(struct world *world, struct op *op, int side)
{
	int fd = op->files[0]->fd[side];

	if (!(op->files[0]->flags & O_APPEND) && lseek(fd, 0, SEEK_CUR) > 180000)
		lseek(fd, op->offset, SEEK_SET);
	if (is_full(op->files[0]))
		return 0;
	return RESULT(write(fd, world->scratch, op->length));
}

static void done_write(struct world *world, struct op *op, long result)
{
	struct stat st;

	/* It shows now what it was told. */
	if (result > 0 && fstat(op->files[0]->fd[MODEL], &st) == 0)
		ino_set_remove(&world->pristine, st.st_ino);
}

static bool draw_seek(struct world *world, struct op *op)
{
	static const int whence[] = {SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE};

	if (!draw_file(world, op) || op->files[0]->former.data)
		return false;
	op->how = RANDOM_OF(&world->random, whence);
	return true;
}

/* DIFFERENCE_HOLES: the data found must not begin later, nor the hole earlier, than is true. */
static bool holds_data(int fd, off_t start, off_t end)
{
	uint8_t bytes[4096];

	while (start < end) {
		size_t want = (size_t)(end - start) < sizeof(bytes) ? (size_t)(end - start)
								    : sizeof(bytes);
		ssize_t n = pread(fd, bytes, want, start);

		if (n <= 0)
			return false;
		for (ssize_t i = 0; i < n; i++)
			if (bytes[i])
				return true;
		start += n;
	}
	return false;
}

static long act_seek(struct world *world, struct op *op, int side)
{
	long at = RESULT(lseek(op->files[0]->fd[side], op->offset, op->how));
	struct stat st;

	if (op->how != SEEK_DATA && op->how != SEEK_HOLE)
		return at;
	/* The position differs from now on where the layouts do. */
	if (at >= 0 || at == -ENXIO)
		lseek(op->files[0]->fd[side], op->offset, SEEK_SET);
	if (side == MODEL)
		return at >= 0 || at == -ENXIO ? 0 : at;
	if (at == -ENXIO && fstat(op->files[0]->fd[MODEL], &st) == 0 &&
	    holds_data(op->files[0]->fd[MODEL], op->offset, st.st_size))
		mismatch(world, "SEEK_DATA: finds none from %lld on", (long long)op->offset);
	if (at >= 0 && op->how == SEEK_DATA && holds_data(op->files[0]->fd[MODEL], op->offset, at))
		mismatch(world, "SEEK_DATA: skips some before %ld", at);
	return at >= 0 || at == -ENXIO ? 0 : at;
}

static bool draw_truncate(struct world *world, struct op *op)
{
	place_pick(world, WANT_FILE, &op->places[0]);
	op->n_places = 1;
	op->offset = random_chance(&world->random, 30) ? 0 : draw_offset(&world->random);
	return true;
}

static long act_truncate(struct world *world, struct op *op, int side)
{
	if (fchdir(place_fd(world, &op->places[0], side)))
		return -errno;
	return RESULT(truncate(op->places[0].path, op->offset));
}

static void done_truncate(struct world *world, struct op *op, long result)
{
	struct stat st;

	if (result == 0 &&
	    fstatat(place_fd(world, &op->places[0], MODEL), op->places[0].path, &st, 0) == 0)
		ino_set_remove(&world->pristine, st.st_ino);
}

static long act_ftruncate(struct world *world, struct op *op, int side)
{
	(void)world;
	return RESULT(ftruncate(op->files[0]->fd[side], op->offset));
}

static bool draw_fallocate(struct world *world, struct op *op)
{
	static const int modes[] = {0,
				    FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_ZERO_RANGE,
				    FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};

	if (!draw_file(world, op))
		return false;
	op->flags = RANDOM_OF(&world->random, modes);
	return true;
}

static long act_fallocate(struct world *world, struct op *op, int side)
{
	(void)world;
	return RESULT(fallocate(op->files[0]->fd[side], op->flags, op->offset, (off_t)op->length));
}

static bool draw_fsync(struct world *world, struct op *op)
{
	op->how = random_chance(&world->random, 50);
	op->files[0] = world_file(world);
	op->n_files = 1;
	return op->files[0] != NULL;
}

static long act_fsync(struct world *world, struct op *op, int side)
{
	int fd = op->files[0]->fd[side];

	(void)world;
	return RESULT(op->how ? fdatasync(fd) : fsync(fd));
}

static bool draw_copy_range(struct world *world, struct op *op)
{
	if (!draw_file(world, op) || op->files[0]->former.data)
		return false;
	op->files[1] = world_file(world);
	op->n_files = 2;
	op->offset2 = draw_offset(&world->random);
	return true;
}

static long act_copy_range(struct world *world, struct op *op, int side)
{
	off_t from = op->offset, to = op->offset2;

	(void)world;
	return RESULT(copy_file_range(op->files[0]->fd[side], &from, op->files[1]->fd[side], &to,
				      op->length, 0));
}

const struct op_kind ops_data[] = {
	{"pread", 60, OP_READS, draw_file, act_pread, NULL},
	{"read", 30, OP_READS, draw_read, act_read, NULL},
	{"pwrite", 80, OP_WRITES | OP_DATA, draw_write, act_pwrite, done_write},
	{"write", 50, OP_WRITES | OP_DATA, draw_write, act_write, done_write},
	{"lseek", 20, 0, draw_seek, act_seek, NULL},
	{"truncate", 20, OP_WRITES | OP_DATA, draw_truncate, act_truncate, done_truncate},
	{"ftruncate", 20, OP_WRITES | OP_DATA, draw_file, act_ftruncate, NULL},
	{"fallocate", 15, OP_WRITES | OP_DATA, draw_fallocate, act_fallocate, NULL},
	{"fsync", 1, OP_DATA, draw_fsync, act_fsync, NULL},
	{"copy_file_range", 8, OP_WRITES | OP_DATA, draw_copy_range, act_copy_range, NULL},
	{0},
};
