/* SPDX-License-Identifier: MIT */
/*
 * The two trees that are kept in step, and what is open in them: files, directories, maps,
 * directory streams. A slot holds the same object of both sides.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "random.h"

enum { VIEW, MODEL, SIDES };

#define FILES_MAX 24
#define DIRS_MAX 6
#define MAPS_MAX 6
#define STREAMS_MAX 3
#define PAST_END 1200000000 /* times before come from the lower or were set (2008) */
#define DATA_MAX 262144     /* no file grows beyond */

/* What a file held when it was opened for reading, see DIFFERENCE_OLD_CONTENT. NULL: not loose. */
struct former {
	uint8_t *data;
	size_t size;
};

struct open_file {
	bool used;
	int fd[SIDES];
	int flags;
	uint64_t view_ino; /* constant while it is open */
	struct former former;
};

struct open_dir {
	bool used;
	int fd[SIDES];
};

struct open_map {
	bool used;
	bool writable;
	int model_fd; /* for the size */
	uint8_t *at[SIDES];
	size_t size;
	struct former former;
};

/* Inode numbers of the model. */
struct ino_set {
	uint64_t *items;
	size_t count;
	size_t room;
};

struct options {
	uint64_t seed;
	uint64_t ops;
	bool no_mmap;
	bool trace;
	int supervisor; /* kill its workers; 0: do not */
	uint64_t kill_every;
	const char *skip; /* ranges of operations that are left out: "3,10-20" */
};

struct stream;

struct world {
	struct options options;
	int root[SIDES];
	dev_t view_dev;
	struct random random;
	uint64_t number; /* of the operation */
	struct open_file files[FILES_MAX];
	struct open_dir dirs[DIRS_MAX];
	struct open_map maps[MAPS_MAX];
	struct stream *streams[STREAMS_MAX];
	struct ino_set pristine; /* files of the lower that nobody has changed yet */
	struct ino_set mapped;   /* written to by a map, see DIFFERENCE_MAP_TIMES */
	uint8_t *buffer[SIDES];  /* DATA_MAX: what an operation read */
	uint8_t *scratch;        /* DATA_MAX: what it writes */
};

int world_open(struct world *world, const char *view, const char *model);
void world_close(struct world *world);

bool ino_set_has(const struct ino_set *set, uint64_t ino);
void ino_set_add(struct ino_set *set, uint64_t ino);
void ino_set_remove(struct ino_set *set, uint64_t ino);

/* A used slot at random, NULL where there is none. */
struct open_file *world_file(struct world *world);
struct open_dir *world_dir(struct world *world);
struct open_map *world_map(struct world *world);
/* A slot to be filled: what it held is closed. */
struct open_file *world_file_slot(struct world *world);
struct open_dir *world_dir_slot(struct world *world);
struct open_map *world_map_slot(struct world *world);
void file_close(struct open_file *file);
void dir_close(struct open_dir *dir);
void map_close(struct open_map *map);

/* Reads a whole file of the model as it is now. */
struct former former_of(int fd);
struct former former_copy(const struct former *former);

/* Ends the program with what differs, how to repeat it, and the last operations. */
__attribute__((format(printf, 2, 3), noreturn)) void mismatch(const struct world *world,
							      const char *format, ...);
/* A line of the log that mismatch() shows, and --trace. */
__attribute__((format(printf, 2, 3))) void log_line(const struct world *world, const char *format,
						    ...);
