/* SPDX-License-Identifier: MIT */
#include "cli/run/frames.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"

void frame_send_consume(int fd, const char *frame, json_t *members)
{
	_cleanup_json_ json_t *object = members ? members : json_object();
	_cleanup_buf_ struct buf text = {0};

	json_object_set_new(object, "frame", json_string(frame));
	json_render_line(object, &text);
	/* Whoever does not listen any more is gone; the keeper's work goes on. */
	if (!buf_failed(&text))
		(void)sys_write_all(fd, text.data, text.len);
}

void frame_reader_release(struct frame_reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
	buf_release(&reader->pending);
	reader->pending = (struct buf){0};
}

void frame_reader_fill(struct frame_reader *reader)
{
	char piece[4096];

	for (;;) {
		ssize_t n = read(reader->fd, piece, sizeof(piece));

		if (n > 0) {
			buf_add(&reader->pending, piece, (size_t)n);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		reader->ended = n == 0 || errno != EAGAIN;
		return;
	}
}

json_t *frame_reader_next(struct frame_reader *reader)
{
	struct buf *pending = &reader->pending;
	char *end = pending->len ? memchr(pending->data, '\n', pending->len) : NULL;
	struct err err;
	json_t *frame;
	size_t len;

	if (!end)
		return NULL;
	len = (size_t)(end - pending->data) + 1;
	frame = json_parse(pending->data, len, "the keeper's message", &err);
	pending->len -= len;
	memmove(pending->data, pending->data + len, pending->len);
	return frame;
}
