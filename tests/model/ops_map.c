/* SPDX-License-Identifier: MIT */
/* Shared maps, which may outlive the descriptor and the name. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "op.h"

/* A page that one side has and the other has not. */
static sigjmp_buf beyond;

static void on_bus_error(int number)
{
	(void)number;
	siglongjmp(beyond, 1);
}

static bool draw_map(struct world *world, struct op *op)
{
	struct stat st;

	op->files[0] = world_file(world);
	op->n_files = 1;
	if (!op->files[0] || fstat(op->files[0]->fd[MODEL], &st) || !S_ISREG(st.st_mode) ||
	    st.st_size == 0)
		return false;
	op->length = (size_t)st.st_size;
	op->flags = random_chance(&world->random, 70) ? PROT_READ | PROT_WRITE : PROT_READ;
	return true;
}

static long act_map(struct world *world, struct op *op, int side)
{
	(void)world;
	op->got[side] = mmap(NULL, op->length, op->flags, MAP_SHARED, op->files[0]->fd[side], 0);
	return op->got[side] == MAP_FAILED ? -errno : 0;
}

static void done_map(struct world *world, struct op *op, long result)
{
	struct open_map *map;

	if (result < 0)
		return;
	map = world_map_slot(world);
	*map = (struct open_map){.used = true,
				 .writable = op->flags & PROT_WRITE,
				 .model_fd = fcntl(op->files[0]->fd[MODEL], F_DUPFD_CLOEXEC, 3),
				 .at = {op->got[VIEW], op->got[MODEL]},
				 .size = op->length};
	map->former = former_copy(&op->files[0]->former);
	log_line(world, "    is m%d", (int)(map - world->maps));
}

/* Within the map, and within the file as it is now. */
static bool draw_range(struct world *world, struct op *op)
{
	struct stat st;
	size_t size;

	op->map = world_map(world);
	if (!op->map || fstat(op->map->model_fd, &st))
		return false;
	size = op->map->size;
	if ((off_t)size > st.st_size)
		size = (size_t)st.st_size;
	/* What it is a map of may have been cut on one layer only. */
	if (op->map->former.data && size > op->map->former.size)
		size = op->map->former.size;
	if (size == 0)
		return false;
	op->offset = (off_t)random_below(&world->random, size);
	op->length = 1 + random_below(&world->random, size - (size_t)op->offset);
	if (op->length > 9000)
		op->length = 9000;
	return true;
}

static long act_map_read(struct world *world, struct op *op, int side)
{
	struct sigaction action = {.sa_handler = on_bus_error};

	sigaction(SIGBUS, &action, NULL);
	if (sigsetjmp(beyond, 1))
		return -EFAULT;
	memcpy(world->buffer[side], op->map->at[side] + op->offset, op->length);
	return (long)op->length;
}

static bool draw_map_write(struct world *world, struct op *op)
{
	if (!draw_range(world, op) || !op->map->writable)
		return false;
	op->how = (int)random_below(&world->random, 256);
	op->flags = random_chance(&world->random, 30) ? MS_SYNC : MS_ASYNC;
	return true;
}

static long act_map_write(struct world *world, struct op *op, int side)
{
	struct sigaction action = {.sa_handler = on_bus_error};
	long page = op->offset & ~4095l;

	(void)world;
	sigaction(SIGBUS, &action, NULL);
	if (sigsetjmp(beyond, 1))
		return -EFAULT;
	memset(op->map->at[side] + op->offset, op->how, op->length);
	return RESULT(msync(op->map->at[side] + page, op->length + (size_t)(op->offset - page),
			    op->flags));
}

static void done_map_write(struct world *world, struct op *op, long result)
{
	struct stat st;

	(void)result;
	if (fstat(op->map->model_fd, &st) == 0)
		ino_set_add(&world->mapped, st.st_ino);
}

static bool draw_unmap(struct world *world, struct op *op)
{
	op->map = world_map(world);
	return op->map != NULL;
}

static long act_unmap(struct world *world, struct op *op, int side)
{
	(void)world;
	(void)op;
	(void)side;
	return 0;
}

static void done_unmap(struct world *world, struct op *op, long result)
{
	(void)world;
	(void)result;
	map_close(op->map);
	op->map = NULL;
}

const struct op_kind ops_map[] = {
	{"mmap", 25, OP_MAPS, draw_map, act_map, done_map},
	{"map_read", 25, OP_MAPS | OP_READS, draw_range, act_map_read, NULL},
	{"map_write", 10, OP_WRITES | OP_MAPS | OP_DATA, draw_map_write, act_map_write,
	 done_map_write},
	{"munmap", 8, OP_MAPS, draw_unmap, act_unmap, done_unmap},
	{0},
};
