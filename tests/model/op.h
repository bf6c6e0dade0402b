/* SPDX-License-Identifier: MIT */
/*
 * Operations. A kind draws its arguments from the world's generator, and from how the model stands;
 * acts on one side at a time; and keeps the books once both sides have said the same.
 */
#pragma once

#include <sys/types.h>
#include <time.h>

#include "place.h"

struct op {
	const struct op_kind *kind;
	struct place places[2];
	int n_places;
	struct open_file *files[2];
	int n_files;
	struct open_dir *dir;
	struct open_map *map;
	int slot; /* of a stream */
	int flags;
	int how; /* a variant */
	mode_t mode;
	off_t offset;
	off_t offset2;
	size_t length;
	uid_t uid;
	gid_t gid;
	const char *text;
	struct timespec times[2];
	struct stat before[2]; /* of the places, in the model; zero: absent */
	/* Who does it. */
	uid_t as;
	mode_t umask;
	/* What came of it. */
	int made[SIDES];
	void *got[SIDES];
};

enum op_traits {
	OP_DATA = 1,   /* content is to be compared after */
	OP_READS = 2,  /* the result is bytes in the world's buffers */
	OP_MAPS = 4,   /* left out by --no-mmap */
	OP_WRITES = 8, /* may take set-id bits away, see DIFFERENCE_SET_ID */
};

struct op_kind {
	const char *name;
	unsigned weight;
	unsigned traits;
	/* False: nothing is there to do it to. */
	bool (*draw)(struct world *world, struct op *op);
	/* Returns the result, or negative errno. */
	long (*act)(struct world *world, struct op *op, int side);
	/* May be NULL. The results were the same. */
	void (*done)(struct world *world, struct op *op, long result);
};

/* The families. Each ends with a kind without a name. */
extern const struct op_kind ops_open[], ops_data[], ops_names[], ops_attr[], ops_xattr[], ops_map[],
	ops_list[];

/* Draws and does one operation, and compares. */
void op_run(struct world *world);

/* After both sides said the same: whether they look the same. */
void verify_op(struct world *world, const struct op *op);
/* Two objects that must look the same. `what` is for the message. */
void verify_stat(const struct world *world, const struct stat st[SIDES], const char *what);
/* Bytes that a descriptor or map with `former` may not show differently. */
void verify_bytes(const struct world *world, const struct former *former, off_t offset,
		  const uint8_t *const data[SIDES], const long count[SIDES], const char *what);
/* The whole trees below the roots. */
void verify_trees(struct world *world);

/* 0 or more, or negative errno. */
#define RESULT(call)                                                                               \
	({                                                                                         \
		long result_ = (call);                                                             \
		result_ < 0 ? -(long)errno : result_;                                              \
	})
