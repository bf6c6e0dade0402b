/* SPDX-License-Identifier: MIT */
/*
 * Handles: what the kernel knows as open files (fh). A flat record in the arena says what was
 * opened and how; private memory holds what can be made again from that: an fd, a listing, a
 * rendered text, a control conversation.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "view/listing.h"

#define HANDLES_MAX (1u << 20)
#define HANDLES_PER_USER_MAX (HANDLES_MAX / 2) /* of a user who is not root */

enum handle_state {
	HANDLE_STATE_FILE = 1,
	HANDLE_STATE_DIR,
	HANDLE_STATE_TEXT, /* a virtual file: a snapshot */
	HANDLE_STATE_CTL,
	HANDLE_STATE_EVENTS,
};

struct handle_record {
	struct arena_record head;
	uint32_t node;
	uint32_t flags; /* open(2) flags */
	uint32_t layer; /* enum layer: where a file's data were when it was opened */
	uint32_t run;   /* of a control conversation; 0: none */
	uint32_t uid;
	uint32_t unflushed;      /* its closes are not told (FOPEN_NOFLUSH) */
	_Atomic uint32_t locked; /* an advisory lock was asked for by it */
	uint32_t counted_blocks; /* of its file, when it was last counted: ops/room.h */
	/* Lock owners' numbers: of this open file, and of the last process that locked by it. */
	_Atomic uint64_t file_owner;
	_Atomic uint64_t process_owner;
	/* Before that it is not looked again whether locks by it have ended untold. */
	_Atomic uint64_t look_after_boot_ns;
	uint64_t events_position;
};

struct ctl;

/* In the worker's memory; made at first use. */
struct handle_private {
	pthread_mutex_t mutex; /* guards what follows; held over nothing that can block on us */
	int fd;                /* of a file without passthrough, or -1 */
	enum layer fd_layer;
	struct listing listing;
	bool listed;
	struct buf text;
	struct ctl *ctl;
};

struct handles;

int handles_new(struct arena_table *table, struct handles **ret_handles);
/* release() is called for each private part that is left. */
void handles_free(struct handles *handles);

/*
 * A new handle, its record filled from `like`. Returns fh in ret_fh. 0; -ENFILE: the user, or all
 * together, have as many as may be; -ENOMEM.
 */
int handle_open(struct handles *handles, const struct handle_record *like, uint32_t state,
		uint64_t *ret_fh);
/*
 * Whether one more can be opened: before something is made or cut that is to be opened then. A glance,
 * with some to spare. 0 or -ENFILE.
 */
int handle_room(struct handles *handles, uint32_t uid);
/* The record; borrowed while the handle is open. NULL where fh is none. */
struct handle_record *handle_at(struct handles *handles, uint64_t fh);
/* The private part, made where it is not there. NULL: no such handle, or out of memory. */
struct handle_private *handle_private(struct handles *handles, uint64_t fh);
/* Frees the handle; gives up fd, listing and text. Its ctl must have been taken before. */
void handle_close(struct handles *handles, uint64_t fh);
/*
 * Keeps fd in the private part, whose mutex is held and which has none, until the handle is closed.
 * False: as many as may be are kept by others, so the fd is to be closed after use.
 */
bool handle_keep_fd(struct handles *handles, struct handle_private *private, int fd);
/* The next open handle after fh (0 to begin); 0 at the end. */
uint64_t handle_next(struct handles *handles, uint64_t fh);
uint32_t handles_count(const struct handles *handles);
