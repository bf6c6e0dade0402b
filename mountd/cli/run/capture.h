/* SPDX-License-Identifier: MIT */
/*
 * One output of COMMAND, held back by `run`: the first CAPTURE_MAX bytes in memory, for an
 * envelope; and, where the output may have to be passed on whole (`spooled`), the rest in an
 * unlinked temporary file.
 *
 *	capture_open() before the keeper is forked, capture_read() when its descriptor is readable,
 *	once more when COMMAND has exited, then capture_add_to() or capture_pass_on().
 *
 * Whoever writes never waits for long: what is over the limit is read and dropped, or spooled.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

#define CAPTURE_MAX (1u << 20)

struct capture {
	int read_fd;  /* -1: not captured, or at its end; non-blocking */
	int write_fd; /* COMMAND's end; closed by capture_started() */
	bool spooled;
	int spool_fd; /* -1: nothing is over the limit yet */
	struct buf head;
	uint64_t total_bytes; /* that COMMAND wrote */
	bool failed;          /* the temporary file could not take what is over the limit */
};

#define CAPTURE_NONE ((struct capture){.read_fd = -1, .write_fd = -1, .spool_fd = -1})

/* Makes the pipe. 0 or negative errno. */
int capture_open(struct capture *capture, bool spooled);
/* The keeper has its copy of the write end: ours is closed. */
void capture_started(struct capture *capture);
/* Reads what is there, without blocking. */
void capture_read(struct capture *capture);
void capture_release(struct capture *capture);

bool capture_truncated(const struct capture *capture);
/* Sets `key` to the text, or `<key>_b64` where it is not UTF-8. */
void capture_add_to(const struct capture *capture, json_t *object, const char *key);
/* Writes all of it to fd, unchanged. 0 or negative errno. */
int capture_pass_on(const struct capture *capture, int fd);
