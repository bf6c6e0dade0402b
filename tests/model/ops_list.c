/* SPDX-License-Identifier: MIT */
/* Reading directories: at once, and by streams that stay open while names come and go. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listing.h"
#include "op.h"

static bool draw_list(struct world *world, struct op *op)
{
	place_pick(world, WANT_DIR, &op->places[0]);
	op->n_places = 1;
	op->offset = (off_t)random_below(&world->random, 8);
	return true;
}

static int open_at(const struct world *world, const struct op *op, int side)
{
	return openat(place_fd(world, &op->places[0], side), op->places[0].path,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Reads some, remembers the place, reads the rest, goes back and reads the rest again. */
static void seek_and_read(const struct world *world, DIR *stream, off_t before)
{
	struct listing first = {0}, second = {0};
	long place;

	rewinddir(stream);
	while (before-- > 0 && readdir(stream))
		;
	place = telldir(stream);
	listing_read(stream, &first);
	seekdir(stream, place);
	listing_read(stream, &second);
	listing_sort(&first);
	listing_sort(&second);
	listing_compare(world, &first, &second, "readdir after seekdir");
	listing_release(&first);
	listing_release(&second);
}

static long act_list(struct world *world, struct op *op, int side)
{
	int fd = open_at(world, op, side);
	struct listing *listing;
	DIR *stream;

	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	listing = calloc(1, sizeof(*listing));
	if (!stream || !listing)
		return -ENOMEM;
	op->got[side] = listing;
	listing_read(stream, listing);
	listing_sort(listing);
	if (side == VIEW)
		seek_and_read(world, stream, op->offset);
	closedir(stream);
	return 0;
}

static void done_list(struct world *world, struct op *op, long result)
{
	if (result < 0)
		return;
	listing_compare(world, op->got[VIEW], op->got[MODEL], "readdir");
	for (int side = 0; side < SIDES; side++) {
		listing_release(op->got[side]);
		free(op->got[side]);
	}
}

/* A stream of the view, and what the model's directory held when it was opened. */
struct stream {
	DIR *view;
	int model_fd;
	struct listing begun;
	struct listing seen;
	uint64_t opened; /* the operation */
};

static void stream_close(struct stream *stream)
{
	if (!stream)
		return;
	closedir(stream->view);
	close(stream->model_fd);
	listing_release(&stream->begun);
	listing_release(&stream->seen);
	free(stream);
}

static int list_fd(int fd, struct listing *ret_listing)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = own < 0 ? NULL : fdopendir(own);

	if (!stream)
		return -1;
	listing_read(stream, ret_listing);
	listing_sort(ret_listing);
	closedir(stream);
	return 0;
}

static bool draw_stream(struct world *world, struct op *op)
{
	place_pick(world, WANT_DIR, &op->places[0]);
	op->n_places = 1;
	op->slot = (int)random_below(&world->random, STREAMS_MAX);
	/* So many are read before other operations come in between. */
	op->offset = (off_t)random_below(&world->random, 5);
	return true;
}

static long act_stream(struct world *world, struct op *op, int side)
{
	op->made[side] = open_at(world, op, side);
	return op->made[side] < 0 ? -errno : 0;
}

static void done_stream(struct world *world, struct op *op, long result)
{
	struct stream *stream;
	struct dirent *entry;

	if (result < 0)
		return;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return;
	stream->view = fdopendir(op->made[VIEW]);
	stream->model_fd = op->made[MODEL];
	stream->opened = world->number;
	list_fd(stream->model_fd, &stream->begun);
	/* A first read, with which what the stream shows may be settled. */
	while (op->offset-- >= 0 && (entry = readdir(stream->view)))
		listing_add(&stream->seen, entry);
	stream_close(world->streams[op->slot]);
	world->streams[op->slot] = stream;
}

static bool draw_stream_end(struct world *world, struct op *op)
{
	op->slot = (int)random_below(&world->random, STREAMS_MAX);
	return world->streams[op->slot] != NULL;
}

static long act_stream_end(struct world *world, struct op *op, int side)
{
	(void)world;
	(void)op;
	(void)side;
	return 0;
}

/* What was there all the time is shown once; what never was, never. */
static void done_stream_end(struct world *world, struct op *op, long result)
{
	struct stream *stream = world->streams[op->slot];
	struct listing ended = {0};

	(void)result;
	world->streams[op->slot] = NULL;
	listing_read(stream->view, &stream->seen);
	listing_sort(&stream->seen);
	if (list_fd(stream->model_fd, &ended) == 0)
		listing_check_stream(world, &stream->begun, &ended, &stream->seen, stream->opened);
	listing_release(&ended);
	stream_close(stream);
}

const struct op_kind ops_list[] = {
	{"list", 25, 0, draw_list, act_list, done_list},
	{"stream", 10, 0, draw_stream, act_stream, done_stream},
	{"stream_end", 10, 0, draw_stream_end, act_stream_end, done_stream_end},
	{0},
};
