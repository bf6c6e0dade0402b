/* SPDX-License-Identifier: MIT */
/*
 * What the keeper tells `run` through their pipe: JSON objects, one a line, in this order.
 *
 *	{"frame": "begun", "data": <run.begin's data>, "warnings": [...]}
 *	{"frame": "started", "pid": N}
 *	{"frame": "stopped"}			COMMAND was stopped by a signal (any number)
 *	{"frame": "exited", "status": N, "idle": bool}	as waitpid() gave it
 *	{"frame": "idle"}			no descendant is left; not where exited said so
 *
 * or, instead of begun or started: {"frame": "failed", "error": <an envelope's error>}.
 * The pipe's other direction is its being closed: the keeper gives up `ctl`, and with it the run,
 * only when `run` has closed its end and no descendant is left.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"

/* Keeper's side: writes one frame with `members` (may be NULL), which it takes, always. */
void frame_send_consume(int fd, const char *frame, json_t *members);

/* The reading side: bytes received and not yet taken as frames. */
struct frame_reader {
	int fd;
	struct buf pending;
	bool ended; /* the keeper has closed its end: it is gone */
};

void frame_reader_release(struct frame_reader *reader);
/* Reads what is there, without blocking. */
void frame_reader_fill(struct frame_reader *reader);
/* The next whole frame, a new reference; NULL where there is none yet. */
json_t *frame_reader_next(struct frame_reader *reader);
