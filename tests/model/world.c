/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool ino_set_has(const struct ino_set *set, uint64_t ino)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i] == ino)
			return true;
	return false;
}

void ino_set_add(struct ino_set *set, uint64_t ino)
{
	if (ino_set_has(set, ino))
		return;
	if (set->count == set->room) {
		set->room = set->room ? set->room * 2 : 64;
		set->items = reallocarray(set->items, set->room, sizeof(*set->items));
		if (!set->items)
			err(2, "memory");
	}
	set->items[set->count++] = ino;
}

void ino_set_remove(struct ino_set *set, uint64_t ino)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i] == ino)
			set->items[i--] = set->items[--set->count];
}

/* nftw() hands nothing through. */
static struct ino_set *found;

static int note_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)type;
	(void)ftw;
	if (!S_ISDIR(st->st_mode))
		ino_set_add(found, st->st_ino);
	return 0;
}

int world_open(struct world *world, const char *view, const char *model)
{
	const char *paths[SIDES] = {view, model};
	struct stat st;

	for (int side = 0; side < SIDES; side++) {
		world->root[side] = open(paths[side], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		world->buffer[side] = malloc(DATA_MAX);
		if (world->root[side] < 0 || !world->buffer[side]) {
			warn("%s", paths[side]);
			return -1;
		}
	}
	world->scratch = malloc(DATA_MAX);
	if (!world->scratch || fstat(world->root[VIEW], &st)) {
		warn("%s", view);
		return -1;
	}
	world->view_dev = st.st_dev;
	found = &world->pristine;
	return nftw(model, note_file, 16, FTW_PHYS);
}

void world_close(struct world *world)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		file_close(&world->files[i]);
	for (size_t i = 0; i < DIRS_MAX; i++)
		dir_close(&world->dirs[i]);
	for (size_t i = 0; i < MAPS_MAX; i++)
		map_close(&world->maps[i]);
	for (int side = 0; side < SIDES; side++) {
		close(world->root[side]);
		free(world->buffer[side]);
	}
	free(world->scratch);
	free(world->pristine.items);
	free(world->mapped.items);
}

struct open_file *world_file(struct world *world)
{
	size_t start = random_below(&world->random, FILES_MAX);

	for (size_t i = 0; i < FILES_MAX; i++) {
		struct open_file *file = &world->files[(start + i) % FILES_MAX];

		if (file->used)
			return file;
	}
	return NULL;
}

struct open_dir *world_dir(struct world *world)
{
	size_t start = random_below(&world->random, DIRS_MAX);

	for (size_t i = 0; i < DIRS_MAX; i++) {
		struct open_dir *dir = &world->dirs[(start + i) % DIRS_MAX];

		if (dir->used)
			return dir;
	}
	return NULL;
}

struct open_map *world_map(struct world *world)
{
	size_t start = random_below(&world->random, MAPS_MAX);

	for (size_t i = 0; i < MAPS_MAX; i++) {
		struct open_map *map = &world->maps[(start + i) % MAPS_MAX];

		if (map->used)
			return map;
	}
	return NULL;
}

struct open_file *world_file_slot(struct world *world)
{
	struct open_file *file = &world->files[random_below(&world->random, FILES_MAX)];

	file_close(file);
	return file;
}

struct open_dir *world_dir_slot(struct world *world)
{
	struct open_dir *dir = &world->dirs[random_below(&world->random, DIRS_MAX)];

	dir_close(dir);
	return dir;
}

struct open_map *world_map_slot(struct world *world)
{
	struct open_map *map = &world->maps[random_below(&world->random, MAPS_MAX)];

	map_close(map);
	return map;
}

void file_close(struct open_file *file)
{
	if (!file->used)
		return;
	for (int side = 0; side < SIDES; side++)
		close(file->fd[side]);
	free(file->former.data);
	*file = (struct open_file){0};
}

void dir_close(struct open_dir *dir)
{
	if (!dir->used)
		return;
	for (int side = 0; side < SIDES; side++)
		close(dir->fd[side]);
	*dir = (struct open_dir){0};
}

void map_close(struct open_map *map)
{
	if (!map->used)
		return;
	for (int side = 0; side < SIDES; side++)
		munmap(map->at[side], map->size);
	close(map->model_fd);
	free(map->former.data);
	*map = (struct open_map){0};
}

struct former former_of(int fd)
{
	struct former former = {.data = malloc(DATA_MAX)};
	ssize_t size;

	if (!former.data)
		err(2, "memory");
	size = pread(fd, former.data, DATA_MAX, 0);
	former.size = size < 0 ? 0 : (size_t)size;
	return former;
}

struct former former_copy(const struct former *former)
{
	struct former copy = {.size = former->size};

	if (!former->data)
		return copy;
	copy.data = malloc(copy.size ? copy.size : 1);
	if (!copy.data)
		err(2, "memory");
	memcpy(copy.data, former->data, copy.size);
	return copy;
}
